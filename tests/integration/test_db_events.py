"""Word of what changed: stored in order, heard at once, nothing missed over a lost connection."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from contracts.errors import StaleFence, Unavailable
from contracts.interview import Fence, Snapshot
from db.database import make_engine
from db.events import Listener, Subscription
from db.ids import new_id
from db.journal import ConversationJournal
from db.migrate import migrate
from db.rows import Interview
from db.store import Store
from local.processes import Children
from tests.builders import a_turn, an_interview
from tests.conftest import postgres_in
from tests.waiting import eventually


def at(interview: Interview, version: int) -> Snapshot:
    return interview.snapshot.model_copy(update={"state_version": version})


async def heard(subscription: Subscription) -> int:
    return await asyncio.wait_for(anext(subscription), 10)


async def test_a_subscriber_hears_of_its_interview_alone(store: Store, listener: Listener) -> None:
    mine, other = await an_interview(store), await an_interview(store)
    with listener.subscribe(mine.id) as told:
        await store.interviews.save_snapshot(at(other, 5))
        await store.interviews.save_snapshot(at(mine, 1))

        assert await heard(told) == 1


async def test_many_subscribers_hear_one_event(store: Store, listener: Listener) -> None:
    interview = await an_interview(store)
    subscriptions = [listener.subscribe(interview.id) for _ in range(20)]

    await store.interviews.save_snapshot(at(interview, 3))

    assert {await heard(each) for each in subscriptions} == {3}


async def test_what_comes_before_the_reading_begins_is_not_missed(
    store: Store, listener: Listener
) -> None:
    interview = await an_interview(store)
    told = listener.subscribe(interview.id)
    for version in (1, 2, 3):
        await store.interviews.save_snapshot(at(interview, version))
    last = listener.subscribe(interview.id)
    await store.interviews.save_snapshot(at(interview, 4))
    while await heard(last) < 4:
        pass  # the database may tell of an earlier one late

    assert await heard(told) == 4


async def test_a_stopped_listener_ends_its_subscriptions(database_url: str) -> None:
    listener = Listener(database_url)
    async with listener:
        told = listener.subscribe(new_id())

    with pytest.raises(StopAsyncIteration):
        await heard(told)


async def test_events_resume_after_the_last_one_seen(store: Store) -> None:
    interview = await an_interview(store)
    assert await store.events.latest(interview.id) == 0
    await store.interviews.save_snapshot(at(interview, 1))
    seen = await store.events.latest(interview.id)
    await store.turns.add(a_turn(interview, "a hash"))
    await store.interviews.save_snapshot(at(interview, 2))

    found = await store.events.since(interview.id, seen)

    assert [(event.kind, event.state_version, event.turn_number) for event in found] == [
        ("turn", 1, 1),
        ("state", 2, None),
    ]


async def test_the_channel_carries_ids_alone(store: Store, database_url: str) -> None:
    interview = await an_interview(store)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as raw:
        await raw.execute("LISTEN interview_events")
        await store.turns.add(a_turn(interview, "canary"))
        notice = await anext(raw.notifies(timeout=10))

    event_id = await store.events.latest(interview.id)
    assert notice.payload == (
        f'{{"interview_id" : "{interview.id}", "event_id" : {event_id}, "state_version" : 0}}'
    )


async def test_after_its_connection_is_cut_the_listener_tells_what_it_missed(
    store: Store, listener: Listener, database_url: str
) -> None:
    interview = await an_interview(store)
    told = listener.subscribe(interview.id)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as other:
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'codevoice listener' AND datname = current_database()"
        )
        await eventually(lambda: not listener.connected)
        await store.interviews.save_snapshot(at(interview, 9))

    assert await heard(told) == 9


async def test_a_journal_tells_rising_versions_and_refuses_an_older_bot(
    store: Store, listener: Listener
) -> None:
    interview = await an_interview(store)
    journal = ConversationJournal(store, listener, interview.id, Fence(epoch=1))
    await journal.take_fence()
    changes = journal.changes()
    await journal.add_turn(a_turn(interview, "a hash"))
    await store.interviews.save_snapshot(at(interview, 2))

    async def up_to_two() -> list[int]:
        found: list[int] = []
        async for version in changes:
            found.append(version)
            if version == 2:
                return found
        return found

    versions = await asyncio.wait_for(up_to_two(), 10)
    assert versions == sorted(set(versions))
    await store.interviews.take_fence(interview.id, Fence(epoch=2))
    with pytest.raises(StaleFence):
        await journal.touch_alive()


async def test_a_journal_closes_what_a_bot_that_died_left_open(
    store: Store, listener: Listener
) -> None:
    interview = await an_interview(store)
    died, alive, mine = new_id(), new_id(), new_id()
    began = datetime.now(UTC)
    journal = ConversationJournal(store, listener, interview.id, Fence(epoch=2))
    for place, recording_id in enumerate((died, alive, mine)):
        at = began + timedelta(seconds=place)
        await journal.begin_recording(recording_id, f"{recording_id}.wav", at)
    left = await journal.left_recordings()
    assert [each.id for each in left] == [died, alive, mine]
    assert (left[0].url, left[0].started_at) == (f"{died}.wav", began)

    await journal.finish_recording(alive, complete=True, duration_ms=900)
    for recording_id in (died, alive):
        await journal.close_left_recording(recording_id, duration_ms=500)

    assert [each.id for each in await journal.left_recordings()] == [mine]
    stand = {each.id: each for each in await store.recordings.of_interview(interview.id)}
    assert (stand[died].complete, stand[died].duration_ms) == (False, 500)
    assert (stand[alive].complete, stand[alive].duration_ms) == (True, 900)

    await journal.finish_recording(died, complete=True, duration_ms=800)  # it was only frozen
    assert (await store.recordings.of_interview(interview.id))[0].complete is True


async def test_a_killed_server_loses_nothing_and_everybody_finds_back(
    open_folder: Path,
) -> None:
    server = postgres_in(open_folder)
    children = Children()
    try:
        child = await children.start(server.plan(open_folder / "postgres.log"))
        await server.make_database()
        await asyncio.to_thread(migrate, server.url())
        store = Store(make_engine(server.url()))
        interview = await an_interview(store)
        async with Listener(server.url()) as listener:
            await listener.listening()
            journal = ConversationJournal(store, listener, interview.id, Fence(epoch=1))
            told = listener.subscribe(interview.id)
            written = [await journal.add_turn(a_turn(interview, str(n))) for n in range(20)]
            await heard(told)

            os.kill(child.pid or 0, signal.SIGKILL)
            await eventually(lambda: child.restarts == 1)
            written.append(await journal.add_turn(a_turn(interview, "after")))

            assert await store.turns.of_interview(interview.id) == tuple(written)
            await heard(told)
        await store.close()
    finally:
        await children.stop()


async def test_an_unreachable_server_is_told_as_unavailable() -> None:
    store = Store(make_engine("postgresql://nobody@/none?host=/nonexistent"))

    with pytest.raises(Unavailable):
        await store.interviews.get(new_id())
    with pytest.raises(Unavailable):
        migrate("postgresql://nobody@/none?host=/nonexistent")
