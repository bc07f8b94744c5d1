"""The test of the test: ten seeded bugs, each really run, and each found by the judge.

Every trial does what its bug needs to show: the kill that the bug names, a bot that thaws, a bot
that is stuck.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from datetime import timedelta
from typing import Any, Protocol

import pytest
from sqlalchemy import text
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus

from bench.chaos.bugs import BUGS, SOUND, Bug
from bench.chaos.invariants import check
from contracts.conversation import ConversationResult, HoldConversation
from contracts.errors import StaleFence
from contracts.interview import BotReady, Fence, GradeState
from db.store import Store
from tests.builders import a_turn
from tests.integration.test_api.service import SilentBot
from tests.integration.trial import Trial, trial_of
from tests.replay.rehearsal import local_temporal
from tests.waiting import eventually
from workflows.interview_client import workflow_id


class Opens(Protocol):
    def __call__(self, bug: Bug, **options: Any) -> AbstractAsyncContextManager[Trial]: ...


@pytest.fixture(scope="module")
async def temporal() -> AsyncIterator[Client]:
    async with local_temporal() as client:
        yield client


@pytest.fixture
def trial_with(database_url: str, temporal: Client, store: Store) -> Opens:
    def opened(bug: Bug, **options: Any) -> AbstractAsyncContextManager[Trial]:
        return trial_of(database_url, temporal, store, bug, **options)

    return opened


async def found(trial: Trial, quiet_s: float = 1) -> set[str]:
    quiet = timedelta(seconds=quiet_s)
    return {each.invariant for each in await check(await trial.evidence(), quiet)}


def test_there_are_ten() -> None:
    assert len(BUGS) == 10


async def test_an_acknowledgement_before_the_row_is_found(trial_with: Opens) -> None:
    bug = BUGS["ack-before-row"]
    async with trial_with(bug) as trial:
        await trial.open()
        await trial.answer("I have only ever used it.")
        await trial.kill_api()
        assert bug.finds in await found(trial)


async def thawed(trial: Trial) -> None:
    """A bot that was frozen while the next one took over writes what it had in hand."""
    await trial.open()
    for epoch in (1, 2):
        await trial.join_by_voice()
        await trial.worker.store.interviews.take_fence(trial.interview_id, Fence(epoch=epoch))
    interview = await trial.judge.interviews.get(trial.interview_id)
    await trial.worker.store.turns.add(a_turn(interview, "before the frost"), Fence(epoch=1))


async def test_a_bot_that_writes_without_the_fence_is_found(trial_with: Opens) -> None:
    bug = BUGS["no-fence"]
    async with trial_with(bug) as trial:
        await thawed(trial)
        assert bug.finds in await found(trial)


async def test_the_fence_keeps_a_thawed_bot_out(trial_with: Opens) -> None:
    async with trial_with(SOUND) as trial:
        with pytest.raises(StaleFence):
            await thawed(trial)
        assert "I5" not in await found(trial)


async def test_a_new_update_id_on_retry_is_found(trial_with: Opens) -> None:
    """The reply was lost with the service: the candidate sends the same again."""
    bug = BUGS["new-update-id"]
    async with trial_with(bug) as trial:
        await trial.open()
        sent = await trial.answer("bucket and collision.")
        await trial.kill_api()
        await trial.send(sent)
        assert bug.finds in await found(trial)


async def test_grades_without_a_key_are_found(trial_with: Opens) -> None:
    bug = BUGS["grade-without-key"]
    async with trial_with(bug) as trial:
        await trial.open(1)
        trial.worker.loses = "INSERT INTO grades"
        await trial.answer("bucket and collision.")
        await trial.worker.died.wait()
        await trial.kill_worker()
        await trial.reaches("completed")
        assert bug.finds in await found(trial)


async def test_an_interview_complete_before_its_grades_is_found(trial_with: Opens) -> None:
    bug = BUGS["complete-before-grading"]
    async with trial_with(bug) as trial:
        await trial.open(1)
        await trial.answer("I have only ever used it.")
        await trial.answer("The bucket, then.")
        await eventually(lambda: _called_graded(trial), every_s=0.005)
        await trial.kill_worker()
        await trial.reaches("completed")
        assert bug.finds in await found(trial)


async def _called_graded(trial: Trial) -> bool:
    state = await trial.api.interviews.snapshot(trial.interview_id)
    return state.questions[0].grade is GradeState.GRADED


class StuckBot(SilentBot):
    """Reports ready, says once that it lives, and then nothing moves in it any more."""

    @activity.defn(name="hold_conversation")
    async def hold_conversation(self, held: HoldConversation) -> ConversationResult:
        fence = Fence(epoch=held.epoch)
        await self._store.interviews.take_fence(held.interview_id, fence)
        await self._interviews.bot_ready(held.interview_id, BotReady(fence=fence))
        await self._store.interviews.touch_alive(held.interview_id, fence)
        stuck: asyncio.Future[ConversationResult] = asyncio.Future()
        return await stuck


async def stuck(trial: Trial) -> None:
    """A bot is stuck, and Temporal would have missed its heartbeat by now."""
    await trial.open()
    await trial.join_by_voice()
    with suppress(AssertionError):
        await eventually(lambda: _left(trial), within_s=9)
    ago = "UPDATE interviews SET last_alive_at = last_alive_at - interval '10 seconds'"
    await trial.judge.database.run(text(ago))


async def _left(trial: Trial) -> bool:
    return (await trial.api.interviews.snapshot(trial.interview_id)).live_epoch is None


async def test_a_heartbeat_by_timer_is_found(trial_with: Opens) -> None:
    bug = BUGS["timer-heartbeat"]
    async with trial_with(bug, bot=StuckBot) as trial:
        await stuck(trial)
        assert bug.finds in await found(trial)


async def test_a_stuck_bot_is_missed_by_its_heartbeat(trial_with: Opens) -> None:
    async with trial_with(SOUND, bot=StuckBot) as trial:
        await stuck(trial)
        assert await found(trial, quiet_s=5) <= {"I15"}, "only that nothing was answered"


async def test_a_resumption_without_the_turns_is_found(trial_with: Opens) -> None:
    bug = BUGS["resume-without-turns"]
    async with trial_with(bug) as trial:
        await trial.open()
        await trial.answer("I have only ever used it.")
        await trial.kill_api()
        await trial.answer("The bucket, then.")
        assert bug.finds in await found(trial)


async def test_a_start_with_two_effects_is_found(trial_with: Opens) -> None:
    bug = BUGS["start-twice"]
    async with trial_with(bug) as trial:
        trial.api.loses = "UPDATE interviews SET workflow_started_at"
        await trial.open(1)
        await trial.finish()
        assert len(trial.faults) == 1
        assert bug.finds in await found(trial)


async def test_a_report_that_is_written_over_is_found(trial_with: Opens) -> None:
    bug = BUGS["report-overwritten"]
    async with trial_with(bug) as trial:
        await trial.open(1)
        trial.worker.loses = "INSERT INTO reports"
        await trial.answer("bucket and collision.")
        await trial.worker.died.wait()
        await trial.kill_worker()
        await trial.reaches("completed")
        assert bug.finds in await found(trial)


async def test_a_state_delivered_before_it_is_sent_is_found(trial_with: Opens) -> None:
    bug = BUGS["delivered-before-sent"]
    async with trial_with(bug) as trial:
        await trial.open(1)
        await trial.answer("bucket and collision.")
        await eventually(lambda: _ended(trial), within_s=20, every_s=0.005)
        await trial.kill_worker()
        assert bug.finds in await found(trial)


async def _ended(trial: Trial) -> bool:
    handle = trial.temporal.get_workflow_handle(workflow_id(trial.interview_id))
    return (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED
