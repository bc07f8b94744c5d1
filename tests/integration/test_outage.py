"""The pulse of the service: a gap in it is told to every interview, and costs nobody time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from contracts.interview import Consent, InterviewStatus, Join, JoinPurpose, Move, Outage, Snapshot
from contracts.queues import INTERVIEWS
from db.rows import Interview
from db.store import Store
from housekeeping import beat
from tests.browser.workers import unsupervised, worker_plan
from tests.builders import an_interview
from tests.replay.rehearsal import local_temporal
from tests.waiting import eventually
from tests.workers import activities_over, polling
from workflows.interview_client import InterviewClient

WITHIN = timedelta(seconds=5)
S = InterviewStatus


async def away_for(store: Store, minutes: int) -> None:
    """As if nobody had beaten since."""
    back = text("UPDATE service_pulse SET last_at = clock_timestamp() - CAST(:ago AS interval)")
    await store.database.run(back, {"ago": timedelta(minutes=minutes)})


async def test_a_pulse_without_a_gap_tells_of_no_outage(store: Store) -> None:
    for _ in range(3):
        assert await store.interviews.beat(WITHIN) is None


async def test_a_gap_is_told_until_every_interview_knows(store: Store) -> None:
    await store.interviews.beat(WITHIN)
    await away_for(store, minutes=2)
    outage = await store.interviews.beat(WITHIN)
    again = await store.interviews.beat(WITHIN)
    assert outage is not None
    assert again is not None
    assert again.began_at == outage.began_at
    lost = outage.ended_at - outage.began_at
    assert lost == pytest.approx(timedelta(minutes=2), abs=timedelta(seconds=10))
    await store.interviews.outage_told(outage)
    assert await store.interviews.beat(WITHIN) is None


async def test_an_outage_told_late_takes_no_beat_back(store: Store) -> None:
    await store.interviews.beat(WITHIN)
    await away_for(store, minutes=2)
    outage = await store.interviews.beat(WITHIN)
    assert outage is not None
    long_ago = Outage(began_at=outage.began_at, ended_at=outage.began_at)
    await store.interviews.outage_told(outage)
    await store.interviews.outage_told(long_ago)
    assert await store.interviews.beat(WITHIN) is None


async def typing(client: InterviewClient, interview: Interview) -> Snapshot:
    await client.start(interview.start)
    await client.consent(interview.id, Consent(consent_id=uuid4()))
    return (await client.join(interview.id, Join(purpose=JoinPurpose.TYPING))).snapshot


async def test_the_time_of_an_outage_comes_back_to_whoever_was_asked_then(store: Store) -> None:
    running, over = [await an_interview(store) for _ in range(2)]
    async with local_temporal() as temporal, polling(temporal, activities_over(store, None, None)):
        client = InterviewClient(temporal)
        began = await typing(client, running)
        await typing(client, over)
        await client.cancel(over.id, Move())
        await eventually(lambda: _saved_as(store, over, S.CANCELLED))
        await _as_if_not_saved(store, over)
        await beat(store, client)
        await away_for(store, minutes=2)
        await asyncio.gather(*(beat(store, client) for _ in range(3)))
        after = await client.snapshot(running.id)
        assert after.clock_running
        # Only what it ran before they were told counts, and that came back once.
        assert after.remaining <= running.start.duration
        assert after.state_version > began.state_version
        assert await store.interviews.beat(WITHIN) is None


async def _saved_as(store: Store, interview: Interview, status: InterviewStatus) -> bool:
    return (await store.interviews.get(interview.id)).status is status


async def _as_if_not_saved(store: Store, interview: Interview) -> None:
    """Its row says what was saved before it ended."""
    stale = text("UPDATE interviews SET status = 'in_progress' WHERE id = :id")
    await store.database.run(stale, {"id": interview.id})


async def test_an_interviews_worker_is_the_pulse(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    interview = await an_interview(store)
    async with local_temporal() as temporal:
        environment = {
            "DATABASE_URL": database_url,
            "TEMPORAL_ADDRESS": temporal.service_client.config.target_host,
            "DATA_DIR": str(tmp_path),
        }
        async with unsupervised(worker_plan("interviews", INTERVIEWS, tmp_path, environment)):
            client = InterviewClient(temporal)
            began = await typing(client, interview)
            await eventually(lambda: _saved_as(store, interview, S.IN_PROGRESS))
            await eventually(lambda: _beats(store))
            await away_for(store, minutes=2)
            await eventually(lambda: _beats(store))
            told = await client.snapshot(interview.id)
    assert told.state_version > began.state_version


async def _beats(store: Store) -> bool:
    late = text("SELECT 1 FROM service_pulse WHERE last_at > clock_timestamp() - interval '5 s'")
    return await store.database.row(late) is not None
