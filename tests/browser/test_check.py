"""The sound check: what works is shown, and what does not is named, with one way on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from local.processes import Child
from tests.browser.conftest import Launch
from tests.browser.rooms import agree, type_answer, violations
from tests.browser.site import Site
from tests.browser.voices import recorded

pytestmark = pytest.mark.usefixtures("asking")

SENTENCE = "A hash map finds a value by its key."
TROUBLE = "#microphone-problem"


async def test_the_check_shows_what_the_recogniser_heard(
    launch: Launch, site: Site, speaking: Child, tmp_path: Path
) -> None:
    voice = await recorded(tmp_path / "sentence.wav", SENTENCE, after_s=1.5)
    browser = await launch(voice=voice)
    page = await browser.new_page(bypass_csp=True, reduced_motion="reduce")
    await agree(page, site.link(await site.invite()))
    await page.get_by_role("button", name="Turn on the microphone").click()
    await expect(page.get_by_text("Good, we can hear sound.")).to_be_visible()
    await page.get_by_role("button", name="Record").click()
    await expect(page.locator("#heard-text")).to_contain_text("value by its key", timeout=30_000)
    assert await page.locator("#playback").evaluate("audio => audio.src.startsWith('blob:')")
    await page.get_by_role("button", name="Play a sound").click()
    await page.get_by_role("button", name="Yes, I heard it").click()
    await expect(page.locator("[data-done=yes]")).to_have_count(3)
    assert await violations(page) == []
    await page.reload()
    await page.get_by_role("link", name="Skip the check").click()
    await expect(page).to_have_url(re.compile("/room$"))
    await browser.close()


async def test_a_blocked_microphone_is_named(launch: Launch, site: Site) -> None:
    page = await turned_on(await launch(refuse=True), site.link(await site.invite()))
    await expect(page.locator(TROUBLE)).to_contain_text("The microphone is blocked for this page.")
    await expect(page.locator(TROUBLE).get_by_role("button")).to_have_text("Try again")
    await expect(page.get_by_role("link", name="Type my answers instead")).to_be_visible()


async def test_a_missing_microphone_is_named(launch: Launch, site: Site) -> None:
    page = await turned_on(await launch(device=False), site.link(await site.invite()))
    await expect(page.locator(TROUBLE)).to_contain_text("No microphone was found.")
    await expect(page.locator(TROUBLE).get_by_role("button")).to_have_text("Look again")


async def test_silence_is_named(quiet_browser: Browser, site: Site, speaking: Child) -> None:
    page = await turned_on(quiet_browser, site.link(await site.invite()))
    await page.get_by_role("button", name="Record").click()
    await expect(page.locator("#record-words")).to_contain_text("Recording.", timeout=20_000)
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator(TROUBLE)).to_contain_text("We hear nothing.")
    await expect(page.get_by_role("button", name="Start the interview")).to_be_enabled()
    await page.locator(TROUBLE).get_by_role("button", name="Record again").click()
    await expect(page.locator(TROUBLE)).to_be_empty()
    await expect(page.locator("#record-words")).to_contain_text("Recording.", timeout=20_000)


async def test_a_blocked_line_is_named(launch: Launch, site: Site, speaking: Child) -> None:
    """The network lets no UDP through: not even Chromium's own candidates are there."""
    no_udp = "--webrtc-ip-handling-policy=disable_non_proxied_udp"
    page = await turned_on(await launch(no_udp), site.link(await site.invite()))
    await page.get_by_role("button", name="Record").click()
    problem = page.locator("#line-problem")
    await expect(problem).to_contain_text("The sound does not get through.", timeout=20_000)
    await problem.get_by_role("button", name="Try again").click()
    await expect(problem).to_be_empty()
    await expect(page.locator("#record-words")).to_have_text("One moment…")
    await expect(problem).to_contain_text("The sound does not get through.", timeout=20_000)
    await expect(page.get_by_role("button", name="Record again")).to_be_enabled()


async def test_a_plain_http_address_is_named_and_typing_works_there(
    launch: Launch, site: Site
) -> None:
    """Elsewhere than on localhost, browsers give a microphone to https alone."""
    browser = await launch("--host-resolver-rules=MAP interviews.test 127.0.0.1")
    page = await browser.new_page()
    link = site.link(await site.invite()).replace("127.0.0.1", "interviews.test")
    await agree(page, link)
    await expect(page.locator(TROUBLE)).to_contain_text("This address is not secure.")
    await page.locator(TROUBLE).get_by_role("button", name="Type my answers").click()
    await type_answer(page)
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")
    await browser.close()


async def test_a_tone_that_nobody_heard_has_a_way_on(browser: Browser, site: Site) -> None:
    page = await browser.new_page()
    await agree(page, site.link(await site.invite()))
    await page.get_by_role("button", name="Play a sound").click()
    await page.get_by_role("button", name="No", exact=True).click()
    await expect(page.locator("#speaker-problem")).to_contain_text("Choose another speaker above")
    await page.close()


async def turned_on(browser: Browser, link: str) -> Page:
    page = await browser.new_page()
    await agree(page, link)
    await page.get_by_role("button", name="Turn on the microphone").click()
    return page
