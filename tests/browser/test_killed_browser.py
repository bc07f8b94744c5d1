"""The candidate's browser dies (SIGKILL); another one opens the same link."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path
from uuid import UUID

from playwright.async_api import Browser, Page, expect

from contracts.turns import Speaker, TurnPurpose
from local.processes import Child
from tests.browser.conftest import Launch
from tests.browser.rooms import ANSWER, start_speaking, start_typing
from tests.browser.site import Site
from tests.browser.voices import Mouth


async def killed(browser: Browser) -> None:
    """Its own process and with it all pages: no page says goodbye."""
    session = await browser.new_browser_cdp_session()
    processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    (pid,) = (each["id"] for each in processes if each["type"] == "browser")
    gone = asyncio.Event()
    browser.on("disconnected", lambda _: gone.set())
    os.kill(pid, signal.SIGKILL)
    await asyncio.wait_for(gone.wait(), 10)


async def answers_said(site: Site, interview_id: UUID) -> list[str]:
    turns = await site.store.turns.of_interview(interview_id)
    mine = [turn for turn in turns if turn.speaker is Speaker.CANDIDATE]
    return [turn.text for turn in mine if turn.purpose is TurnPurpose.ANSWER]


async def test_what_was_spoken_before_the_browser_died_is_there_in_the_next_one(
    launch: Launch, quiet_page: Page, site: Site, speaking: Child, tmp_path: Path
) -> None:
    interview = await site.invite()
    browser = await launch()
    page = await browser.new_page()
    mouth = await Mouth.of(page, tmp_path, ANSWER)
    await start_speaking(page, site.link(interview))
    await expect(page.locator("#state")).to_have_text("Listening", timeout=40_000)
    await mouth.say(ANSWER)
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3", timeout=30_000)
    await killed(browser)

    page = quiet_page
    await page.goto(site.link(interview))
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")
    await page.get_by_role("button", name="Continue by voice").click()
    await expect(page.get_by_role("log")).to_contain_text("Welcome back", timeout=30_000)
    said = " ".join(await answers_said(site, interview.id)).lower()
    assert said.count("bucket") == ANSWER.count("bucket")
    answers = await site.store.answers.of_interview(interview.id)
    assert [(each.question_id, each.revision) for each in answers] == [
        (interview.start.questions[0].question_id, 1)
    ]


async def test_an_answer_under_way_as_the_browser_died_is_there_once_or_is_asked_for_again(
    launch: Launch, quiet_page: Page, site: Site, asking: Child
) -> None:
    interview = await site.invite()
    browser = await launch()
    page = await browser.new_page()
    await start_typing(page, site.link(interview))
    await page.get_by_label("Type an answer").fill(ANSWER)
    async with page.expect_request("**/answers"):
        await page.get_by_role("button", name="Send").click()
    await killed(browser)

    page = quiet_page
    await page.goto(site.link(interview))
    progress = page.locator("#progress-words")
    await expect(progress).to_have_text(re.compile(r"Question \d of 3"))
    if await progress.text_content() == "Question 1 of 3":
        await page.get_by_label("Type an answer").fill(ANSWER)
        await page.get_by_role("button", name="Send").click()
    await expect(progress).to_have_text("Question 2 of 3")
    assert await answers_said(site, interview.id) == [ANSWER]
