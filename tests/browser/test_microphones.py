"""Microphones that fail: in the sound check, and in the middle of an interview."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from local.processes import Child
from tests.browser.conftest import Launch
from tests.browser.microphones import Kind, Microphone
from tests.browser.rooms import ANSWER, agree, enter, start_speaking, type_answer
from tests.browser.site import Site
from tests.browser.voices import recorded

pytestmark = pytest.mark.usefixtures("asking")

GONE = "one-that-is-no-longer-there"
REMEMBER = f"localStorage.setItem('codevoice:microphone', '{GONE}')"


def trouble(page: Page) -> Locator:
    return page.locator("#microphone-problem, #problems")


async def checked(page: Page, site: Site, kind: Kind) -> Microphone:
    """In the sound check, with this microphone turned on."""
    microphone = await Microphone.of(page, kind)
    await agree(page, site.link(await site.invite()))
    await page.get_by_role("button", name="Turn on the microphone").click()
    return microphone


async def works(page: Page) -> None:
    await expect(trouble(page)).to_be_empty()
    await expect(page.locator("[data-part=microphone]")).to_have_attribute("data-done", "yes")
    await expect(page.get_by_role("button", name="Start the interview")).to_be_enabled()


# ---------------------------------------------------------------------- in the sound check


async def test_one_that_another_program_holds_is_named(page: Page, site: Site) -> None:
    microphone = await checked(page, site, "busy")
    await expect(trouble(page)).to_contain_text("Another program is using the microphone.")
    await expect(page.get_by_role("button", name="Start the interview")).to_be_disabled()
    await microphone.becomes("chromium")
    await trouble(page).get_by_role("button", name="Try again").click()
    await works(page)


async def test_one_that_is_no_longer_there_is_replaced_by_the_systems_own(
    page: Page, site: Site
) -> None:
    """The device remembers one that was unplugged since; Chromium itself refuses it."""
    await page.add_init_script(REMEMBER)
    await agree(page, site.link(await site.invite()))
    await page.get_by_role("button", name="Turn on the microphone").click()
    await works(page)
    remembered = await page.evaluate("localStorage.getItem('codevoice:microphone')")
    assert remembered not in (None, "", GONE)
    assert remembered == await page.get_by_label("Microphone in use").input_value()


async def test_one_that_was_chosen_and_is_gone_is_named(page: Page, site: Site) -> None:
    await checked(page, site, "chromium")
    await works(page)
    microphones = page.get_by_label("Microphone in use")
    await microphones.evaluate("list => list.append(new Option('Headset', 'was-unplugged'))")
    await microphones.select_option("Headset")
    await expect(trouble(page)).to_contain_text("That microphone is no longer there.")
    await trouble(page).get_by_role("button", name="Use another microphone").click()
    await works(page)


async def test_one_that_the_system_mutes_is_named_until_it_is_on_again(
    page: Page, site: Site
) -> None:
    microphone = await checked(page, site, "loose")
    await works(page)
    await microphone.mute()
    await expect(trouble(page)).to_contain_text("The microphone is muted by your system.")
    await microphone.unmute()
    await works(page)


async def test_one_that_is_pulled_out_is_named_and_the_next_one_is_taken(
    page: Page, site: Site
) -> None:
    microphone = await checked(page, site, "loose")
    await works(page)
    await microphone.becomes("none")
    await microphone.unplug()
    await expect(trouble(page)).to_contain_text("That microphone is no longer there.")
    await expect(page.get_by_role("button", name="Record")).to_be_disabled()
    await microphone.plugged_in("chromium")
    await works(page)


async def test_one_that_hears_the_loudspeaker_is_noticed(page: Page, site: Site) -> None:
    await checked(page, site, "beside")
    await page.get_by_role("button", name="Play a sound").click()
    echo = page.locator("#speaker-problem")
    await expect(echo).to_contain_text("Your microphone hears your speaker.")
    await expect(echo).to_contain_text("Use headphones, or turn the volume down")
    await expect(echo.get_by_role("button")).to_have_text("Play it again")


async def test_one_that_does_not_hear_the_loudspeaker_is_let_be(
    quiet_page: Page, site: Site
) -> None:
    await checked(quiet_page, site, "chromium")
    await quiet_page.get_by_role("button", name="Play a sound").click()
    await expect(quiet_page.get_by_text("Did you hear it?")).to_be_visible()
    await expect(quiet_page.locator("#speaker-problem")).to_be_empty()


# ---------------------------------------------------------------------- in the interview


async def test_another_microphone_goes_on_when_one_is_pulled_out(
    launch: Launch, site: Site, speaking: Child, tmp_path: Path
) -> None:
    """The line stays, and the interviewer hears the candidate again without anybody's doing."""
    voice = await recorded(tmp_path / "answer.wav", ANSWER, before_s=1, after_s=30)
    page = await (await launch(voice=voice)).new_page()
    microphone = await Microphone.of(page, "loose")
    await start_speaking(page, site.link(await site.invite()))
    await expect(page.locator("#state")).to_have_text("Listening", timeout=40_000)
    await microphone.becomes("chromium")
    await microphone.unplug()
    await expect(page.locator("#lines .candidate").last).to_contain_text("bucket", timeout=30_000)
    await expect(trouble(page)).to_be_empty()
    await expect(page.get_by_role("log")).not_to_contain_text("Welcome back")
    await page.context.close()


async def test_without_any_microphone_the_interview_goes_on_by_typing(
    quiet_page: Page, site: Site, speaking: Child
) -> None:
    page = quiet_page
    microphone = await Microphone.of(page, "loose")
    await start_speaking(page, site.link(await site.invite()))
    await expect(page.locator("#state")).to_have_text("Listening", timeout=40_000)
    await microphone.becomes("none")
    await microphone.unplug()
    await expect(trouble(page)).to_contain_text("No microphone was found.")
    await expect(trouble(page)).to_contain_text("You can type meanwhile.")
    await type_answer(page)
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")
    await expect(page.get_by_role("log")).to_contain_text("Question two.", timeout=40_000)
    await microphone.plugged_in("chromium")
    await expect(trouble(page)).to_be_empty()
    await expect(page.get_by_role("log")).not_to_contain_text("Welcome back")


async def test_a_busy_microphone_keeps_nobody_out_of_the_room(
    quiet_page: Page, site: Site, speaking: Child
) -> None:
    page = quiet_page
    microphone = await Microphone.of(page, "busy")
    await enter(page, site.link(await site.invite()))
    await page.get_by_role("button", name="Join by voice").click()
    await expect(trouble(page)).to_contain_text("Another program is using the microphone.")
    await expect(page.get_by_role("button", name="Answer by typing")).to_be_visible()
    await microphone.becomes("chromium")
    await trouble(page).get_by_role("button", name="Try again").click()
    await expect(page.locator("#stage")).to_have_attribute("data-state", "speaking", timeout=20_000)
    await expect(trouble(page)).to_be_empty()


async def test_a_join_pressed_twice_before_the_microphone_is_allowed_opens_one_line(
    quiet_page: Page, site: Site, speaking: Child
) -> None:
    page = quiet_page
    microphone = await Microphone.of(page, "asked")
    await enter(page, site.link(await site.invite()))
    joins: list[str] = []  # "sent" and "replied"; a line that fails is opened anew after a reply
    page.on("request", lambda sent: joins.append("sent") if is_join(sent.url) else None)
    page.on("response", lambda reply: joins.append("replied") if is_join(reply.url) else None)
    await expect(page.get_by_role("button", name="Join by voice")).to_be_enabled()
    await page.evaluate("""() => {
        const join = document.getElementById("join-voice");
        join.click();
        join.click();
    }""")
    await microphone.allow()
    await expect(page.locator("#state")).to_have_text("Listening", timeout=40_000)
    assert joins[:2] == ["sent", "replied"]


def is_join(url: str) -> bool:
    return url.endswith("/join")


async def test_a_mute_by_the_system_is_told_while_the_line_stays(
    quiet_page: Page, site: Site, speaking: Child
) -> None:
    page = quiet_page
    microphone = await Microphone.of(page, "loose")
    await start_speaking(page, site.link(await site.invite()))
    await expect(page.locator("#state")).to_have_text("Listening", timeout=40_000)
    await microphone.mute()
    await expect(trouble(page)).to_contain_text("The microphone is muted by your system.")
    await expect(page.locator("#state")).to_have_text("Listening")
    await microphone.unmute()
    await expect(trouble(page)).to_be_empty()
    await microphone.mute()
    await microphone.becomes("chromium")
    await trouble(page).get_by_role("button", name="Try again").click()
    await expect(trouble(page)).to_be_empty()
    await expect(page.locator("#state")).to_have_text("Listening")
    await expect(page.get_by_role("log")).not_to_contain_text("Welcome back")
