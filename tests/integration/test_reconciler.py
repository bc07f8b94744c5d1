"""The reconciler against real PostgreSQL, Temporal and files: what it heals, and what it raises."""

from __future__ import annotations

import asyncio
import logging
import wave
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from contracts.conduct import Part
from contracts.interview import Consent, Fence, InterviewStatus, Join, JoinPurpose, Move, Snapshot
from db.ids import new_id
from db.rows import Interview
from db.store import Store
from findings import Finding, Kind
from reconciler import Reconciler
from tests.builders import an_interview
from tests.integration.test_api.service import SilentBot, WordGrader, at_work
from tests.replay.rehearsal import local_temporal
from tests.waiting import eventually
from tests.workers import polling
from workflows.interview_client import InterviewClient, workflow_id

S = InterviewStatus


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Client]:
    async with local_temporal() as client:
        yield client


@pytest.fixture
async def temporal(server: Client, store: Store) -> AsyncIterator[Client]:
    work = at_work(store, SilentBot(store, InterviewClient(server)), WordGrader())
    async with polling(server, work):
        yield server


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    return folder


@pytest.fixture
def reconciler(store: Store, temporal: Client, recordings: Path) -> Reconciler:
    return Reconciler(store, temporal, str(recordings))


async def found_of(
    reconciler: Reconciler, interview: Interview, *, deep: bool = False
) -> list[tuple[Kind, bool]]:
    """The server holds the interviews of other tests too, which have no row here."""
    found = await reconciler.round(deep=deep)
    return [(each.kind, each.healed) for each in found if each.interview_id == interview.id]


async def change(store: Store, interview: Interview, what: str, **values: Any) -> None:
    statement = text(f"UPDATE interviews SET {what} WHERE id = :id")
    await store.database.run(statement, {"id": interview.id, **values})


async def settle(store: Store, interview: Interview) -> None:
    """As if nothing had happened for two minutes."""
    long_ago = "now() - interval '2 minutes'"
    await change(store, interview, f"updated_at = {long_ago}, workflow_started_at = {long_ago}")


async def typing(store: Store, client: InterviewClient) -> Interview:
    """An interview that goes on by typing, saved as it stands."""
    interview = await an_interview(store)
    await client.start(interview.start)
    await store.interviews.mark_started(interview.id)
    await client.consent(interview.id, Consent(consent_id=uuid4()))
    await client.join(interview.id, Join(purpose=JoinPurpose.TYPING))
    await saved(store, client, interview)
    await settle(store, interview)
    return interview


async def saved(store: Store, client: InterviewClient, interview: Interview) -> Snapshot:
    async def agrees() -> Snapshot | None:
        state, row = await client.snapshot(interview.id), await store.interviews.get(interview.id)
        return row.snapshot if row.state_version == state.state_version else None

    found = await eventually(agrees)
    assert found is not None
    return found


async def put_back(store: Store, interview: Interview, state: Snapshot) -> None:
    """The row as it was once: a database that was restored."""
    what = "status = :status, state_version = :version, snapshot = CAST(:state AS jsonb)"
    values = {"status": state.status.value, "version": state.state_version}
    await change(store, interview, what, state=state.model_dump_json(), **values)
    await settle(store, interview)


async def test_what_agrees_is_left_alone(
    store: Store, temporal: Client, reconciler: Reconciler
) -> None:
    client = InterviewClient(temporal)
    asking, over = await typing(store, client), await typing(store, client)
    await client.finish(over.id, Move())

    async def completed() -> bool:
        return (await store.interviews.get(over.id)).status is S.COMPLETED

    await eventually(completed, within_s=20)
    await settle(store, over)
    before = [await store.interviews.get(each.id) for each in (asking, over)]
    for interview in (asking, over):
        assert await found_of(reconciler, interview, deep=True) == []
    assert [await store.interviews.get(each.id) for each in (asking, over)] == before


async def test_a_row_without_a_workflow_is_started(
    store: Store, temporal: Client, reconciler: Reconciler
) -> None:
    interview = await an_interview(store)
    assert await found_of(reconciler, interview) == []
    await change(store, interview, "created_at = now() - interval '1 minute'")
    assert await found_of(reconciler, interview) == [(Kind.NOT_STARTED, True)]
    assert (await InterviewClient(temporal).snapshot(interview.id)).status is S.WAITING
    assert await found_of(reconciler, interview) == []


async def test_an_interview_whose_workflow_was_ended_from_outside_has_failed(
    store: Store, temporal: Client, reconciler: Reconciler
) -> None:
    """The state that stands at the end is the workflow's own, though it was not saved."""
    client = InterviewClient(temporal)
    interview = await typing(store, client)
    earlier = (await store.interviews.get(interview.id)).snapshot
    await client.skip(interview.id, Move())
    await saved(store, client, interview)
    await put_back(store, interview, earlier)
    await temporal.get_workflow_handle(workflow_id(interview.id)).terminate()

    async def healed() -> bool:
        return await found_of(reconciler, interview) == [(Kind.WORKFLOW_ENDED, True)]

    await eventually(healed, within_s=30, every_s=0.5)
    row = await store.interviews.get(interview.id)
    assert row.status is row.snapshot.status is S.FAILED
    assert row.state_version > earlier.state_version + 1
    assert [each.outcome.value for each in row.snapshot.questions].count("skipped") == 1
    assert not row.snapshot.clock_running
    (*_, event) = await store.events.since(interview.id, 0)
    assert event.state_version == row.state_version
    assert await found_of(reconciler, interview, deep=True) == []


async def test_a_workflow_that_temporal_does_not_know_fails_nothing(
    store: Store, reconciler: Reconciler
) -> None:
    """The namespace may be mistaken."""
    interview = await an_interview(store)
    await store.interviews.mark_started(interview.id)
    await settle(store, interview)
    assert await found_of(reconciler, interview) == [(Kind.WORKFLOW_MISSING, False)]
    assert (await store.interviews.get(interview.id)).status is S.WAITING


async def test_a_row_behind_its_workflow_is_brought_up_to_it(
    store: Store, temporal: Client, reconciler: Reconciler
) -> None:
    client = InterviewClient(temporal)
    interview = await typing(store, client)
    earlier = (await store.interviews.get(interview.id)).snapshot
    await client.skip(interview.id, Move())
    newest = await saved(store, client, interview)
    await put_back(store, interview, earlier)
    assert await found_of(reconciler, interview) == [(Kind.STATE_BEHIND, True)]
    assert (await store.interviews.get(interview.id)).state_version == newest.state_version

    await put_back(store, interview, interview.snapshot)  # called waiting: none is asked lately
    assert await found_of(reconciler, interview) == []
    assert await found_of(reconciler, interview, deep=True) == [(Kind.STATE_BEHIND, True)]
    assert (await store.interviews.get(interview.id)).state_version == newest.state_version


async def test_a_workflow_that_runs_for_nothing_is_raised(
    store: Store, temporal: Client, reconciler: Reconciler
) -> None:
    client = InterviewClient(temporal)
    ended, deleted = await typing(store, client), await typing(store, client)
    await change(store, ended, "status = 'cancelled'")
    await store.database.run(text("DELETE FROM interviews WHERE id = :id"), {"id": deleted.id})

    async def raised() -> bool:  # Temporal's list is a moment old
        return await found_of(reconciler, ended) == [(Kind.WORKFLOW_LEFT, False)]

    await eventually(raised)
    assert await found_of(reconciler, deleted) == [(Kind.ROW_MISSING, False)]
    assert (await client.snapshot(ended.id)).status is S.IN_PROGRESS


async def test_a_bot_that_nobody_holds_is_raised(
    store: Store, temporal: Client, reconciler: Reconciler
) -> None:
    client = InterviewClient(temporal)
    silent, gone = await typing(store, client), await typing(store, client)
    offer_id = new_id()
    await store.offers.put(offer_id, silent.id, "v=0")
    await client.join(silent.id, Join(offer_id=offer_id))
    state = await saved(store, client, silent)
    assert state.live_epoch is not None
    await change(store, gone, "snapshot = jsonb_set(snapshot, '{live_epoch}', '1')")
    for interview in (silent, gone):
        await change(store, interview, "last_alive_at = now() - interval '20 seconds'")
        await settle(store, interview)
    assert await found_of(reconciler, silent) == []
    assert await found_of(reconciler, gone) == [(Kind.BOT_GONE, False)]
    await client.cancel(silent.id, Move())


async def test_a_state_that_names_what_has_no_row_is_raised(
    store: Store, reconciler: Reconciler
) -> None:
    answered, reported, given_up = [await an_interview(store) for _ in range(3)]
    await change(
        store,
        answered,
        "status = 'cancelled', snapshot = jsonb_set("
        "snapshot, '{questions,0,answer_id}', to_jsonb(CAST(:answer AS text)))",
        answer=str(uuid4()),
    )
    completed = "status = 'completed', snapshot = snapshot || CAST(:said AS jsonb)"
    await change(store, reported, completed, said='{"report_version": 2}')
    await change(store, given_up, completed, said='{"report_given_up": true}')
    await store.reports.put(new_id(), reported.id, 1, {})
    assert await found_of(reconciler, answered) == [(Kind.ANSWER_MISSING, False)]
    assert await found_of(reconciler, reported) == [(Kind.REPORT_MISSING, False)]
    assert await found_of(reconciler, given_up) == []
    await store.reports.put(new_id(), reported.id, 2, {})
    assert await found_of(reconciler, reported) == []


# ---------------------------------------------------------------------------- files


def write_sound(path: Path, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(int(seconds * 64_000)))


async def recorded(store: Store, folder: Path, interview: Interview) -> tuple[UUID, Path]:
    recording_id = new_id()
    path = folder / str(interview.id) / f"{recording_id}.wav"
    await store.recordings.begin(
        recording_id, interview.id, path.as_uri(), datetime.now(UTC), Fence(epoch=1)
    )
    return recording_id, path


async def test_a_recording_left_open_is_closed_once_its_interview_is_over(
    store: Store, reconciler: Reconciler, recordings: Path
) -> None:
    """Until then the next bot may recover words from it."""
    interview = await an_interview(store)
    recording_id, path = await recorded(store, recordings, interview)
    await recorded(store, recordings, interview)  # its bot died before the first block
    write_sound(path, 2.5)
    await settle(store, interview)
    assert Kind.RECORDING_OPEN not in dict(await found_of(reconciler, interview))
    await change(store, interview, "status = 'cancelled'")
    assert await found_of(reconciler, interview) == [(Kind.RECORDING_OPEN, True)] * 2
    rows = await store.recordings.of_interview(interview.id)
    lengths = {row.id: (row.complete, row.duration_ms) for row in rows}
    assert lengths.pop(recording_id) == (False, 2500)
    assert list(lengths.values()) == [(False, 0)]
    assert await found_of(reconciler, interview) == []


async def test_files_and_rows_without_each_other_are_raised_and_kept(
    store: Store, reconciler: Reconciler, recordings: Path
) -> None:
    interview = await an_interview(store)
    await change(store, interview, "status = 'cancelled'")
    recording_id, path = await recorded(store, recordings, interview)
    write_sound(path, 1)
    await store.recordings.finish(recording_id, complete=True, duration_ms=1000)
    assert await found_of(reconciler, interview) == []
    stray = path.with_name(f"{new_id()}.wav")
    path.rename(stray)
    assert sorted(await found_of(reconciler, interview)) == [
        (Kind.FILE_MISSING, False),
        (Kind.FILE_STRAY, False),
    ]
    assert stray.exists()
    assert (await store.recordings.of_interview(interview.id))[0].complete is True


async def test_the_file_of_a_whole_interview_is_looked_for_too(
    store: Store, reconciler: Reconciler, recordings: Path
) -> None:
    interview = await an_interview(store)
    await change(
        store,
        interview,
        "status = 'completed', snapshot = snapshot || CAST(:s AS jsonb)",
        s='{"report_given_up": true}',
    )
    recording_id, path = await recorded(store, recordings, interview)
    write_sound(path, 1)
    await store.recordings.finish(recording_id, complete=True, duration_ms=1000)
    whole_id = new_id()
    whole = path.with_name(f"{whole_id}.flac")
    whole.write_bytes(b"sound")
    assert await found_of(reconciler, interview) == [(Kind.FILE_STRAY, False)]
    await store.recordings.put_whole(
        whole_id,
        interview.id,
        whole.as_uri(),
        datetime.now(UTC),
        duration_ms=1000,
        complete=True,
        parts=(Part(recording_id=recording_id, begins_ms=0),),
    )
    assert await found_of(reconciler, interview) == []
    whole.unlink()
    assert await found_of(reconciler, interview) == [(Kind.FILE_MISSING, False)]


# ---------------------------------------------------------------------------- telling


async def test_one_reconciles_at_a_time(
    store: Store, temporal: Client, reconciler: Reconciler
) -> None:
    interview = await an_interview(store)
    await change(store, interview, "created_at = now() - interval '1 minute'")
    async with store.discrepancies.alone(wait=False) as alone:
        assert alone
        assert await found_of(reconciler, interview) == []
        waiting = asyncio.create_task(found_of(reconciler, interview, deep=True))
        done, _ = await asyncio.wait([waiting], timeout=0.5)
        assert not done
    assert await waiting == [(Kind.NOT_STARTED, True)]


async def test_a_finding_is_logged_and_counted_once(
    store: Store,
    temporal: Client,
    recordings: Path,
    unused_tcp_port: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    address = f"127.0.0.1:{unused_tcp_port}"
    metrics = TelemetryConfig(metrics=PrometheusConfig(bind_address=address))
    runtime = Runtime(telemetry=metrics)
    reconciler = Reconciler(store, temporal, str(recordings), runtime.metric_meter)
    interview = await an_interview(store)
    recording_id, path = await recorded(store, recordings, interview)
    await store.recordings.finish(recording_id, complete=True, duration_ms=1000)
    caplog.set_level(logging.WARNING, "codevoice.reconciler")
    for _ in range(3):
        assert await found_of(reconciler, interview) == [(Kind.FILE_MISSING, False)]
    finding = Finding(Kind.FILE_MISSING, interview.id, recording_id=recording_id)
    assert caplog.messages.count(str(finding)) == 1
    write_sound(path, 1)
    assert await found_of(reconciler, interview) == []
    path.unlink()
    assert await found_of(reconciler, interview) == [(Kind.FILE_MISSING, False)]
    assert caplog.messages.count(str(finding)) == 2
    async with httpx.AsyncClient() as http:
        told = (await http.get(f"http://{address}/metrics")).text
    (line,) = (each for each in told.splitlines() if 'kind="file_missing"' in each)
    assert line.startswith("codevoice_reconcile_findings{")
    assert 'act="raised"' in line
    assert line.endswith(" 2")
