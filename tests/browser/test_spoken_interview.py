"""The room by voice: real microphone file, real WebRTC, real recogniser, real interviewer."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from local.processes import Child
from tests.browser.conftest import Launch
from tests.browser.rooms import ANSWER, start_speaking, type_answer
from tests.browser.site import Site
from tests.browser.voices import recorded

#: The loudest that the interviewer's voice gets in the page's one audio element, 0 to 1.
LOUDNESS = """async () => {
    const context = new AudioContext(), analyser = context.createAnalyser();
    context.createMediaStreamSource(document.getElementById('voice').srcObject).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    for (let loudest = 0, tries = 0; ; tries += 1) {
        analyser.getFloatTimeDomainData(samples);
        loudest = Math.max(loudest, ...samples.map(Math.abs));
        if (loudest > 0.05 || tries > 200) return loudest;
        await new Promise(resolve => setTimeout(resolve, 50));
    }
}"""


async def test_the_interviewer_is_heard_and_captioned(
    quiet_page: Page, site: Site, speaking: Child
) -> None:
    page = quiet_page
    await start_speaking(page, site.link(await site.invite()))
    await expect(page.locator("#stage")).to_have_attribute("data-state", "speaking", timeout=15_000)
    assert await page.evaluate(LOUDNESS) > 0.05
    log = page.get_by_role("log")
    await expect(page.locator("#live")).to_contain_text("System online.")
    await expect(log).to_contain_text("System online.", timeout=30_000)
    await expect(log).to_contain_text("How does a hash map find a value?", timeout=40_000)
    await expect(page.locator("#state")).to_have_text("Listening", timeout=15_000)


async def test_what_is_said_is_captioned_and_space_closes_the_answer(
    launch: Launch, site: Site, speaking: Child, tmp_path: Path
) -> None:
    voice = await recorded(tmp_path / "answer.wav", ANSWER, before_s=25, after_s=60)
    browser = await launch(voice=voice)
    page = await browser.new_page()
    await start_speaking(page, site.link(await site.invite()))
    said = page.locator("#lines .candidate")
    await expect(said.last).to_contain_text("bucket", timeout=60_000)
    await page.locator("h1").focus()
    await page.keyboard.press("Space")
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3", timeout=20_000)
    await page.reload()
    await expect(page.get_by_role("log")).to_contain_text("bucket")
    await expect(page.locator("#stage")).to_have_attribute("data-state", "speaking", timeout=20_000)
    await browser.close()


async def test_a_typed_answer_in_a_spoken_interview_moves_the_interviewer_on(
    quiet_page: Page, site: Site, speaking: Child
) -> None:
    page = quiet_page
    await start_speaking(page, site.link(await site.invite()))
    await type_answer(page)
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")
    await expect(page.get_by_role("log")).to_contain_text("Question two.", timeout=40_000)


async def test_pause_ends_the_line_and_the_interviewer_welcomes_back(
    quiet_page: Page, site: Site, speaking: Child
) -> None:
    page = quiet_page
    await start_speaking(page, site.link(await site.invite()))
    await expect(page.locator("#state")).to_have_text("Listening", timeout=40_000)
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator("#state")).to_have_text("Paused")
    await page.get_by_role("button", name="Continue by voice").click()
    await expect(page.get_by_role("log")).to_contain_text("Welcome back", timeout=30_000)


async def test_a_killed_worker_is_shown_and_another_goes_on(
    quiet_page: Page, site: Site, speaking: Child
) -> None:
    page = quiet_page
    await start_speaking(page, site.link(await site.invite()))
    await expect(page.locator("#state")).to_have_text("Listening", timeout=40_000)
    assert speaking.pid is not None
    os.kill(speaking.pid, signal.SIGKILL)
    await expect(page.locator("#state")).to_have_text("The line was lost. Reconnecting…")
    await expect(page.get_by_role("log")).to_contain_text("Welcome back", timeout=60_000)
    await expect(page.locator("#progress-words")).to_have_text("Question 1 of 3")


async def test_the_voice_goes_on_while_the_service_is_away(
    quiet_page: Page, site: Site, speaking: Child
) -> None:
    page = quiet_page
    await start_speaking(page, site.link(await site.invite()))
    await site.stop()
    await expect(page.locator("#notices")).to_contain_text("The interview service does not reply.")
    await expect(page.locator("#stage")).to_have_attribute("data-state", re.compile("speak|listen"))
    await site.start()
    await expect(page.locator("#notices")).to_be_empty(timeout=20_000)


async def test_the_newest_device_holds_the_line(
    quiet_browser: Browser, quiet_page: Page, site: Site, speaking: Child
) -> None:
    link = site.link(await site.invite())
    await start_speaking(quiet_page, link)
    await expect(quiet_page.locator("#state")).to_have_text("Listening", timeout=40_000)
    visitor = await quiet_browser.new_context()
    device = await visitor.new_page()
    await device.goto(link)
    await device.get_by_role("button", name="Continue by voice").click()
    await expect(device.get_by_role("log")).to_contain_text("Welcome back", timeout=30_000)
    await expect(quiet_page.locator("#state")).to_have_text("Your interview is open somewhere else")
    await expect(device.locator("#stage")).to_have_attribute(
        "data-state", "listening", timeout=20_000
    )
    await visitor.close()


async def test_speech_into_a_muted_microphone_is_noticed(
    launch: Launch, site: Site, speaking: Child, tmp_path: Path
) -> None:
    voice = await recorded(tmp_path / "speech.wav", ANSWER)
    browser = await launch(voice=voice)
    page = await browser.new_page()
    await start_speaking(page, site.link(await site.invite()))
    await page.get_by_role("button", name="Mute").click()
    notice = page.locator("#notices")
    await expect(notice).to_contain_text("You are muted but speaking.", timeout=20_000)
    await notice.get_by_role("button", name="Unmute").click()
    await expect(page.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "false")
    await browser.close()


async def test_minute_please_opens_the_quiet_mode(
    quiet_page: Page, site: Site, speaking: Child
) -> None:
    page = quiet_page
    await start_speaking(page, site.link(await site.invite()))
    await expect(page.locator("#state")).to_have_text("Listening", timeout=40_000)
    await page.get_by_role("button", name="A minute, please").click()
    await expect(page.locator("#state")).to_have_text("Taking your time", timeout=15_000)
    await page.get_by_role("button", name="I’m ready").click()
    await expect(page.locator("#state")).to_have_text("Listening", timeout=15_000)


async def test_finishing_lets_the_farewell_be_heard_first(
    quiet_page: Page, site: Site, speaking: Child
) -> None:
    page = quiet_page
    await start_speaking(page, site.link(await site.invite()))
    await expect(page.locator("#state")).to_have_text("Listening", timeout=40_000)
    await page.get_by_role("button", name="Finish").click()
    await page.get_by_role("button", name="Finish now").click()
    await expect(page.locator("#stage")).to_have_attribute("data-state", "speaking")
    await page.wait_for_url(re.compile("/finished$"), timeout=25_000)
    await expect(page.locator("#outcomes")).to_contain_text("0 of 3")
