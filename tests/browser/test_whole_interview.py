"""One interview from the invitation to the report, spoken and typed, with all that may happen."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, expect
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from contracts.turns import TurnPurpose
from db.rows import Interview
from local.processes import Child
from tests.browser.networks import Network
from tests.browser.rooms import agree, type_answer
from tests.browser.site import Site
from tests.browser.voices import Mouth

CHECKED = "A hash map finds a value by its key."
#: Leaves out how the bucket is found, so that it is asked for.
FIRST = "An elephant and a tiger may want the same place, and that is a collision."
FOLLOWED = "The hash of the key picks a bucket, like an umbrella."
THIRD = "The hash of the key picks a bucket, and a kangaroo may share a bucket, a collision."
#: Spoken by nobody but this candidate, and heard right.
SPOKEN = ("elephant", "tiger", "umbrella", "kangaroo")

#: A greeting of six sentences and a question are spoken meanwhile.
ASKED_WITHIN_MS = 40_000


@pytest.mark.timeout(300)
async def test_a_whole_interview_by_voice_and_by_typing(
    browser: Browser,
    site: Site,
    *,
    temporal: WorkflowEnvironment,
    asking: Child,
    speaking: Child,
    tmp_path: Path,
) -> None:
    visitor = await browser.new_context(viewport={"width": 1280, "height": 860})
    page = await visitor.new_page()
    mouth = await Mouth.of(page, tmp_path, CHECKED, FIRST, FOLLOWED, THIRD)
    network = await Network.of(page)
    interview = await site.invite(report_to_candidate=True)

    await checks_the_sound(page, mouth, site.link(interview))
    await answers_aloud(page, mouth)
    await types_pauses_and_returns(page)
    async with network.gone(at_least_s=4):
        await expect(page.locator("#state")).to_have_text("The line was lost. Reconnecting…")
    await expect(welcomes(page)).to_have_count(2, timeout=30_000)
    await listens(page, 3)
    await mouth.say(THIRD)
    await expect(said(page).last).to_contain_text("kangaroo", timeout=20_000)

    await expect(page.get_by_role("log")).to_contain_text("Goodbye", timeout=40_000)
    await page.wait_for_url(re.compile("/finished$"), timeout=40_000)
    await expect(page.locator("#outcomes")).to_contain_text("3 of 3")
    await page.get_by_role("link", name="Read your report").click()
    await reports_what_was_said(page, site, interview)
    await visitor.close()

    assert await quoting([asking, speaking], site, history_of(temporal, interview)) == []


# ---------------------------------------------------------------------- its parts


async def checks_the_sound(page: Page, mouth: Mouth, link: str) -> None:
    await agree(page, link)
    await page.get_by_role("button", name="Turn on the microphone").click()
    await page.get_by_role("button", name="Record").click()
    await expect(page.locator("#record-words")).to_contain_text("Recording.", timeout=20_000)
    await mouth.say(CHECKED)
    await expect(page.locator("#heard-text")).to_contain_text("value by its key", timeout=20_000)
    await page.get_by_role("button", name="Start the interview").click()


async def answers_aloud(page: Page, mouth: Mouth) -> None:
    """The first question and its follow-up, with both sides in the captions."""
    log = page.get_by_role("log")
    await expect(log).to_contain_text("How does a hash map find a value?", timeout=60_000)
    await listens(page, 1)
    await mouth.say(FIRST)
    await expect(said(page).last).to_contain_text("elephant", timeout=20_000)
    await expect(log).to_contain_text("How does it know where to look?", timeout=30_000)
    await listens(page, 1)
    await expect(page.locator("#question-kind")).to_contain_text("Question 1, follow-up")
    await mouth.say(FOLLOWED)
    await expect(said(page).last).to_contain_text("umbrella", timeout=20_000)


async def types_pauses_and_returns(page: Page) -> None:
    await expect(page.get_by_role("log")).to_contain_text("Question two.", timeout=40_000)
    await listens(page, 2)
    await type_answer(page)
    await listens(page, 3)
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator("#state")).to_have_text("Paused")
    await page.get_by_role("button", name="Continue by voice").click()
    await expect(welcomes(page)).to_have_count(1, timeout=30_000)
    await listens(page, 3)


async def listens(page: Page, number: int) -> None:
    """The interviewer has asked this question to its end."""
    progress = page.locator("#progress-words")
    await expect(progress).to_have_text(f"Question {number} of 3", timeout=ASKED_WITHIN_MS)
    await expect(page.locator("#state")).to_have_text("Listening", timeout=ASKED_WITHIN_MS)


def said(page: Page) -> Locator:
    return page.locator("#lines .candidate")


def welcomes(page: Page) -> Locator:
    return page.locator("#lines .interviewer", has_text="Welcome back")


async def reports_what_was_said(page: Page, site: Site, interview: Interview) -> None:
    """Three answers, a score, and quotes that stand word for word in what was said."""
    await expect(page.locator(".score")).to_have_text(re.compile(r"^\s*\d+\.\d out of 10"))
    await expect(page.get_by_role("row", name="answered")).to_have_count(3)
    turns = await site.store.turns.of_interview(interview.id)
    for position, question in enumerate(interview.start.questions, 1):
        answer = [
            turn.text
            for turn in turns
            if turn.purpose is TurnPurpose.ANSWER and turn.question_id == question.question_id
        ]
        quotes = await page.locator(f"#question-{position} blockquote > p").all_inner_texts()
        assert quotes
        assert all(quote in "\n".join(answer) for quote in quotes)
    await expect(page.locator("#question-1 blockquote")).to_contain_text(["collision"])
    await expect(page.locator("#question-3 blockquote").last).to_contain_text("kangaroo")
    await expect(page.locator("#question-2 blockquote").first).to_contain_text("picks a bucket")


# ---------------------------------------------------------------------- what is kept out of it


def history_of(
    temporal: WorkflowEnvironment, interview: Interview
) -> WorkflowHandle[object, object]:
    return temporal.client.get_workflow_handle(f"interview-{interview.id}")


async def quoting(
    workers: list[Child], site: Site, workflow: WorkflowHandle[object, object]
) -> list[tuple[str, str]]:
    """Where a word that was spoken stands although it should not: place and word."""
    texts = {worker.plan.name: worker.plan.log.read_text(errors="replace") for worker in workers}
    assert all(texts.values()), "the workers have logged"
    events = [event.SerializeToString() async for event in workflow.fetch_history_events()]
    texts["the history"] = b"\n".join(events).decode("utf-8", "replace")
    assert "hold_conversation" in texts["the history"]
    async with httpx.AsyncClient(trust_env=False) as http:
        texts["the metrics"] = (await http.get(f"{site.url}/metrics")).text
    return [
        (place, word)
        for place, text in texts.items()
        for word in (*SPOKEN, "collision")
        if word in text.lower()
    ]
