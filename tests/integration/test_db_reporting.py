"""What a report is made of, as it stands in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from contracts.activities import BuildReport
from contracts.interview import Fence
from db.ids import new_id
from db.reporting import report_inputs
from db.rows import Interview
from db.store import Store
from tests.builders import an_interview

FENCE = Fence(epoch=1)


async def a_recording(
    store: Store, interview: Interview, *, minutes_ago: int, complete: bool | None = None
) -> UUID:
    recording_id = new_id()
    began = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    await store.recordings.begin(recording_id, interview.id, "file:///x.wav", began, FENCE)
    if complete is not None:
        await store.recordings.finish(recording_id, complete=complete, duration_ms=1)
    return recording_id


async def incomplete(store: Store, interview: Interview) -> frozenset[UUID]:
    order = BuildReport(interview_id=interview.id, version=1, questions=(), complete=True)
    inputs = await report_inputs(store, order, app_version="1", parts={})
    return inputs.incomplete_recordings


async def test_a_recording_whose_bot_says_its_farewell_is_not_incomplete(store: Store) -> None:
    interview = await an_interview(store)
    died = await a_recording(store, interview, minutes_ago=9)
    full = await a_recording(store, interview, minutes_ago=6, complete=False)
    await a_recording(store, interview, minutes_ago=4, complete=True)
    await a_recording(store, interview, minutes_ago=2)
    await store.interviews.touch_alive(interview.id, FENCE)
    assert await incomplete(store, interview) == {died, full}


async def test_a_recording_whose_bot_died_is_incomplete(store: Store) -> None:
    interview = await an_interview(store)
    died = await a_recording(store, interview, minutes_ago=2)
    assert await incomplete(store, interview) == {died}
