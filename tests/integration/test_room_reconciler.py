"""LiveKit's rooms compared with the interviews held in them: real LiveKit, PostgreSQL, Temporal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from livekit import api, rtc
from sqlalchemy import text
from temporalio.client import Client

from contracts.interview import Consent, InterviewStatus, Join, JoinPurpose, Move
from contracts.rooms import RoomPass
from db.ids import new_id
from db.rows import Interview
from db.store import Store
from findings import Finding, Kind
from livekit_rooms import LiveKitRooms
from local.doctor import examine_deeply
from local.livekit import KEY, free_ports
from reconciler import Reconciler
from room_reconciler import RoomReconciler
from tests.builders import a_new_interview
from tests.integration.test_api.service import SilentBot, WordGrader, at_work
from tests.livekit import Guest, Running
from tests.replay.rehearsal import local_temporal
from tests.waiting import eventually
from tests.workers import polling
from workflows.interview_client import InterviewClient

S = InterviewStatus


@pytest.fixture(scope="module")
async def temporal() -> AsyncIterator[Client]:
    async with local_temporal() as client:
        yield client


@pytest.fixture
def reconciler(store: Store, temporal: Client, livekit: Running) -> RoomReconciler:
    """No room is too young to count, and what is missing is looked for again at once."""
    at_once = timedelta(0)
    return RoomReconciler(store, temporal, livekit.rooms, young=at_once, back_within_s=0.05)


@pytest.fixture
async def guests() -> AsyncIterator[list[Guest]]:
    inside: list[Guest] = []
    yield inside
    for guest in inside:
        await guest.leave()


async def an_interview_in_a_room(store: Store) -> Interview:
    new = await a_new_interview(store)
    start = new.start.model_copy(update={"transport": "livekit"})
    return await store.interviews.create(new.model_copy(update={"start": start}))


async def change(store: Store, interview: Interview, what: str, **values: Any) -> None:
    statement = text(f"UPDATE interviews SET {what} WHERE id = :id")
    await store.database.run(statement, {"id": interview.id, **values})


async def over(store: Store, interview: Interview, status: S, *, minutes: int = 3) -> None:
    ago = f"updated_at = clock_timestamp() - interval '{minutes} minutes'"
    await change(store, interview, f"status = '{status}', {ago}")


async def found_of(reconciler: RoomReconciler, interview_id: UUID) -> list[tuple[Kind, bool]]:
    """The server holds the rooms of other tests too, whose rows are elsewhere."""
    found = [each async for each in reconciler.findings(100)]
    return [(each.kind, each.healed) for each in found if each.interview_id == interview_id]


def pass_as(livekit: Running, interview_id: UUID, name: str) -> RoomPass:
    """As whoever has the key may make it, by LiveKit's own command line for instance."""
    grants = api.VideoGrants(room_join=True, room=str(interview_id))
    token = api.AccessToken(KEY, livekit.server.secret).with_identity(name).with_grants(grants)
    return RoomPass(livekit.url, token.to_jwt())


@pytest.mark.parametrize("status", [S.CANCELLED, S.GRADING])
async def test_a_room_whose_interview_is_over_is_closed_whoever_is_in_it(
    store: Store, livekit: Running, reconciler: RoomReconciler, status: S
) -> None:
    interview = await an_interview_in_a_room(store)
    await livekit.rooms.open(interview.id)
    guest = await Guest().join(livekit.rooms.candidates_pass(interview.id, 1, 1))
    assert await found_of(reconciler, interview.id) == []
    await over(store, interview, status, minutes=1)
    assert await found_of(reconciler, interview.id) == []
    await over(store, interview, status)
    assert await found_of(reconciler, interview.id) == [(Kind.ROOM_LEFT, True)]
    await eventually(lambda: guest.reason == rtc.DisconnectReason.ROOM_DELETED)
    assert await livekit.rooms.standing(interview.id) == {}
    assert await found_of(reconciler, interview.id) == []


async def test_a_room_in_which_a_workflow_holds_a_conversation_is_left_to_it(
    store: Store, temporal: Client, livekit: Running, reconciler: RoomReconciler
) -> None:
    """Somebody wrote into the row; that its workflow still runs is raised as such."""
    client = InterviewClient(temporal)
    work = at_work(store, SilentBot(store, client), WordGrader(), rooms=livekit.rooms)
    async with polling(temporal, work):
        interview = await an_interview_in_a_room(store)
        await client.start(interview.start)
        await client.consent(interview.id, Consent(consent_id=uuid4()))
        await client.join(interview.id, Join(purpose=JoinPurpose.INTERVIEW))
        await over(store, interview, S.CANCELLED)
        assert await found_of(reconciler, interview.id) == []
        assert await livekit.rooms.standing(interview.id) != {}
        await client.cancel(interview.id, Move())

        async def closed() -> bool:
            return await livekit.rooms.standing(interview.id) == {}

        await eventually(closed, within_s=30)


async def test_a_room_of_no_interview_is_closed_when_nobody_is_in_it(
    store: Store, temporal: Client, livekit: Running, reconciler: RoomReconciler,
    guests: list[Guest],
) -> None:  # fmt: skip
    """Another installation may hold interviews on the same server. Names of other forms are not
    ours at all."""
    held, empty, strange = new_id(), new_id(), uuid4()
    for each in (held, empty, strange):
        await livekit.rooms.open(each)
    guests.append(await Guest().join(livekit.rooms.bots_pass(held)))
    patient = RoomReconciler(store, temporal, livekit.rooms)
    assert [await found_of(patient, each) for each in (held, empty)] == [[], []]
    assert await found_of(reconciler, empty) == [(Kind.ROOM_UNKNOWN, True)]
    assert await found_of(reconciler, held) == [(Kind.ROOM_UNKNOWN, False)]
    assert await livekit.rooms.standing(empty) == {}
    assert await livekit.inside(held) == {"bot"}
    assert await livekit.inside(strange) == set()
    assert await found_of(reconciler, strange) == []


async def test_a_bot_that_lives_without_a_room_is_raised(
    store: Store, temporal: Client, livekit: Running, reconciler: RoomReconciler
) -> None:
    interview, direct = await an_interview_in_a_room(store), await a_new_interview(store)
    beside = await store.interviews.create(direct)
    live = "status = 'in_progress', snapshot = jsonb_set(snapshot, '{live_epoch}', '1')"
    for each in (interview, beside):
        await change(store, each, f"{live}, last_alive_at = clock_timestamp()")
    assert await found_of(reconciler, interview.id) == [(Kind.ROOM_MISSING, False)]
    assert await found_of(reconciler, beside.id) == []

    patient = RoomReconciler(store, temporal, livekit.rooms, back_within_s=1.0)
    looking = asyncio.create_task(found_of(patient, interview.id))
    await asyncio.wait([looking], timeout=0.5)
    await livekit.rooms.open(interview.id)  # LiveKit had been restarted
    await change(store, interview, "last_alive_at = clock_timestamp()")
    assert await looking == []

    await livekit.rooms.close(interview.id)
    await change(store, interview, "last_alive_at = clock_timestamp() - interval '1 minute'")
    assert await found_of(reconciler, interview.id) == []


async def test_whoever_was_not_let_in_is_raised(
    store: Store, livekit: Running, reconciler: RoomReconciler, guests: list[Guest]
) -> None:
    interview, listener_id = await an_interview_in_a_room(store), new_id()
    await livekit.rooms.open(interview.id)
    await store.live_listeners.note(listener_id, interview.id, "server")
    for allowed in (
        livekit.rooms.candidates_pass(interview.id, 1, 1),
        livekit.rooms.bots_pass(interview.id),
        livekit.rooms.listeners_pass(interview.id, listener_id),
    ):
        guests.append(await Guest().join(allowed))
    assert len(await livekit.rooms.inside(interview.id)) == 3
    assert await found_of(reconciler, interview.id) == []
    for other in (
        livekit.rooms.listeners_pass(interview.id, new_id()),  # noted nowhere
        pass_as(livekit, interview.id, "recorder"),
    ):
        guest = await Guest().join(other)
        assert await found_of(reconciler, interview.id) == [(Kind.ROOM_STRANGER, False)]
        await guest.leave()
    assert not any(guest.gone.is_set() for guest in guests)


async def test_a_livekit_that_is_away_is_told_and_the_rest_is_compared(
    store: Store, temporal: Client, tmp_path: Path
) -> None:
    port, _ = free_ports()
    rooms = LiveKitRooms(f"ws://127.0.0.1:{port}", "", KEY, "s" * 43)
    live, stale = await an_interview_in_a_room(store), await an_interview_in_a_room(store)
    await change(
        store,
        live,
        "status = 'in_progress', last_alive_at = clock_timestamp(),"
        " snapshot = jsonb_set(snapshot, '{live_epoch}', '1')",
    )
    await change(store, stale, "created_at = now() - interval '1 minute'")
    found = await Reconciler(store, temporal, str(tmp_path), rooms=rooms).round()
    assert Finding(Kind.LIVEKIT_AWAY, None) in found
    assert Finding(Kind.NOT_STARTED, stale.id, healed=True) in found
    assert Kind.ROOM_MISSING not in {each.kind for each in found}
    found = await Reconciler(store, temporal, str(tmp_path)).round()
    assert Kind.LIVEKIT_AWAY not in {each.kind for each in found}


@pytest.fixture
def installed(
    database_url: str, temporal: Client, livekit: Running, open_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> pytest.MonkeyPatch:  # fmt: skip
    """What commands find in their environment."""
    for name, value in (
        ("DATA_DIR", str(open_folder)),
        ("DATABASE_URL", database_url),
        ("TEMPORAL_ADDRESS", temporal.service_client.config.target_host),
        ("LIVEKIT_URL", livekit.url),
        ("LIVEKIT_API_KEY", KEY),
        ("LIVEKIT_API_SECRET", livekit.server.secret),
    ):
        monkeypatch.setenv(name, value)
    return monkeypatch


async def test_doctor_says_what_became_of_the_rooms(
    store: Store, livekit: Running, installed: pytest.MonkeyPatch
) -> None:
    interview = await an_interview_in_a_room(store)
    await livekit.rooms.open(interview.id)
    await over(store, interview, S.CANCELLED)
    port, _ = free_ports()
    installed.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{port}")
    told = {each.state: each.ok for each in await examine_deeply()}
    assert told["livekit_away: raised"] is False
    installed.setenv("LIVEKIT_URL", livekit.url)
    told = {each.state: each.ok for each in await examine_deeply()}
    assert told[f"room_left, interview {interview.id}: healed"] is True


async def test_a_room_tells_when_it_was_made(livekit: Running) -> None:
    interview_id = new_id()
    await livekit.rooms.open(interview_id)
    made_at = (await livekit.rooms.standing())[interview_id]
    assert abs(datetime.now(UTC) - made_at) < timedelta(minutes=1)
    assert await livekit.rooms.inside(new_id()) == frozenset()
