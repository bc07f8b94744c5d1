"""A worker that is stopped in mid-interview: another one goes on, and nothing is lost."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from pathlib import Path

import pytest
from playwright.async_api import expect
from temporalio.testing import WorkflowEnvironment

from local.processes import Child
from tests.browser.conftest import Launch, Settings
from tests.browser.rooms import ANSWER, start_speaking
from tests.browser.site import Site
from tests.browser.voices import recorded
from tests.browser.workers import unsupervised, worker_plan

pytestmark = pytest.mark.usefixtures("asking")

#: `moved` becomes the moment, in ms, at which the page shows that its interviewer takes another
#: line. The bot told it so just before.
WATCH_FOR_MOVING = """() => {
    const stage = document.getElementById("stage");
    window.moved = new Promise(resolve => new MutationObserver(() => {
        if (stage.dataset.state === "moving") resolve(Date.now());
    }).observe(stage, { attributes: true }));
}"""
#: From the signal to the bot's word of it.
REACTS_WITHIN_S = 1.0


async def time_outs(temporal: WorkflowEnvironment, interview_id: object) -> list[int]:
    """The events of the interview's history that tell of a worker that was silent for too long."""
    handle = temporal.client.get_workflow_handle(f"interview-{interview_id}")
    return [
        event.event_id
        async for event in handle.fetch_history_events()
        if event.HasField("activity_task_timed_out_event_attributes")
    ]


@pytest.mark.timeout(300)
async def test_a_worker_that_drains_hands_its_candidate_over(
    launch: Launch,
    site: Site,
    *,
    temporal: WorkflowEnvironment,
    nobody_speaks: Child,
    worker_settings: Settings,
    tmp_path: Path,
) -> None:
    voice = await recorded(tmp_path / "answer.wav", ANSWER, before_s=25, after_s=300)
    page = await (await launch(voice=voice)).new_page()
    interview = await site.invite(patience_s=20.0)
    plan = worker_plan("leaving", "conversations", tmp_path, worker_settings)
    async with unsupervised(plan) as leaving:
        await start_speaking(page, site.link(interview))
        await nobody_speaks.start()
        said = page.locator("#lines .candidate")
        await expect(said.last).to_contain_text("bucket", timeout=60_000)
        joins: list[str] = []
        page.on("request", lambda made: joins.extend(re.findall("/join$", made.url)))
        await page.evaluate(WATCH_FOR_MOVING)
        async with page.expect_request(re.compile("/join$"), timeout=3_000):
            signalled_at = time.time()
            leaving.send_signal(signal.SIGTERM)  # its bot says so while the line still stands
        moved_at = await page.evaluate("moved") / 1000
        assert moved_at - signalled_at < REACTS_WITHIN_S
        # They were in mid-sentence: its end is heard by the next bot, which talks over nobody.
        await expect(said.last).to_contain_text("collision", timeout=12_000)
        assert await asyncio.wait_for(leaving.wait(), 15) == 0
    await expect(page.locator("#progress-words")).to_have_text("Question 1 of 3")
    await page.get_by_role("button", name="I’m done").click()
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3", timeout=30_000)
    (answer,) = await site.store.answers.of_interview(interview.id)
    assert "bucket" in answer.text
    assert "collision" in answer.text
    assert "two keys" in answer.text, "said between the lines"
    former, _ = await site.store.recordings.of_interview(interview.id)
    assert former.complete
    assert len(joins) == 1, "the end of the old line ended no new one"
    assert await time_outs(temporal, interview.id) == []
    await page.context.close()
