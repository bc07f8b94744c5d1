"""Is every hand-over acknowledged? `python -m bench.handovers --times 500`.

Two conversations workers take turns: the one that holds the conversations gets SIGTERM, the other
one takes them over. The histories then say what the server was told. A completion that is lost as
the process ends shows there as a heartbeat time-out: five seconds in which a candidate hears
nobody.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from pydantic import BaseModel
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

import connections
from contracts.conversation import ConversationEnd
from contracts.interview import Consent, FollowUp, InterviewStart, Join, PlannedQuestion
from data_folder import make_data_dir
from db.ids import new_id
from db.migrate import migrate
from db.rows import NewInterview
from db.store import Store
from local.account import server_account
from local.ports import settle
from local.postgres import Postgres
from local.processes import ChildPlan, Children
from local.temporal import TemporalServer
from questions.loader import starter_bank
from settings import Settings, load
from workflows.interview_client import InterviewClient, workflow_id

#: An interview's history has room for that many.
_AN_INTERVIEW: Final = 100
_WITHIN_S: Final = 20.0
_ENDS: Final = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: "activity_task_completed_event_attributes",
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: "activity_task_timed_out_event_attributes",
    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED: "activity_task_failed_event_attributes",
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED: "activity_task_canceled_event_attributes",
}


class HandOvers(BaseModel):
    """`ends` counts how conversations ended by the histories; all of them should be hand-overs.
    `slowest_s` is the longest from SIGTERM to the end of a worker's process."""

    sigterms: int
    conversations: int
    exit_codes: dict[int, int]
    ends: dict[str, int]
    slowest_s: float

    @property
    def whole(self) -> bool:
        told = {ConversationEnd.HANDOFF.value: self.sigterms * self.conversations}
        return self.ends == told and set(self.exit_codes) == {0}


@dataclass(frozen=True)
class _Place:
    folder: Path
    settings: Settings
    environment: dict[str, str]
    children: Children
    store: Store
    temporal: Client
    workers: list[asyncio.subprocess.Process] = field(default_factory=list)


async def hand_over(times: int, conversations: int = 3) -> HandOvers:
    """`times` SIGTERMs, each to a worker that holds so many conversations."""
    exits: Counter[int] = Counter()
    ends: Counter[str] = Counter()
    slowest_s = 0.0
    async with _servers() as place:
        for done in range(0, times, _AN_INTERVIEW):
            held = [await _begin(place) for _ in range(conversations)]
            leaving = await _worker(place, "first")
            client = InterviewClient(place.temporal)
            await asyncio.gather(*(client.join(each, Join()) for each in held))
            for number in range(1, min(_AN_INTERVIEW, times - done) + 1):
                following = await _worker(place, f"{done + number}")
                code, took_s = await _sent_away(leaving)
                exits[code] += 1
                slowest_s = max(slowest_s, took_s)
                await asyncio.gather(*(_held_again(client, each, number + 1) for each in held))
                leaving = following
            for each in held:
                ends += await _ends(place.temporal, each)
                await place.temporal.get_workflow_handle(workflow_id(each)).terminate()
            await _sent_away(leaving)
    return HandOvers(
        sigterms=times,
        conversations=conversations,
        exit_codes=dict(exits),
        ends=dict(ends),
        slowest_s=round(slowest_s, 2),
    )


async def _begin(place: _Place) -> UUID:
    """An interview in a room, whose bot is started elsewhere as its worker leaves."""
    organisation = await place.store.access.default_organisation()
    bank = (await place.store.questions.current())[:2]
    planned = tuple(
        PlannedQuestion(
            question_id=each.id,
            difficulty=each.question.difficulty,
            time_limit=each.question.time_limit,
            follow_ups=tuple(FollowUp(key_point_id=p.id) for p in each.question.key_points[:1]),
        )
        for each in bank
    )
    start = InterviewStart(
        interview_id=new_id(),
        organisation_id=organisation.id,
        questions=planned,
        expires_at=datetime.now(UTC) + timedelta(days=1),
        transport="silent-room",  # handed over as a LiveKit room is, and no LiveKit is needed
    )
    await place.store.interviews.create(NewInterview(start=start))
    client = InterviewClient(place.temporal)
    await client.start(start)
    await place.store.interviews.mark_started(start.interview_id)
    await client.consent(start.interview_id, Consent(consent_id=new_id()))
    return start.interview_id


async def _held_again(client: InterviewClient, interview_id: UUID, epoch: int) -> None:
    async with asyncio.timeout(_WITHIN_S):
        while (await client.snapshot(interview_id)).live_epoch != epoch:
            await asyncio.sleep(0.02)


async def _ends(temporal: Client, interview_id: UUID) -> Counter[str]:
    """How the conversations of this history ended."""
    ends: Counter[str] = Counter()
    scheduled: set[int] = set()
    async for event in temporal.get_workflow_handle(
        workflow_id(interview_id)
    ).fetch_history_events():
        if event.HasField("activity_task_scheduled_event_attributes"):
            asked = event.activity_task_scheduled_event_attributes
            if asked.activity_type.name == "hold_conversation":
                scheduled.add(event.event_id)
        if event.event_type in _ENDS:
            told = getattr(event, _ENDS[event.event_type])
            if told.scheduled_event_id in scheduled:
                ends[_how(event.event_type, told)] += 1
    return ends


def _how(kind: int, told: object) -> str:
    if kind == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
        return str(json.loads(told.result.payloads[0].data)["end"])  # type: ignore[attr-defined]
    return EventType.Name(kind).removeprefix("EVENT_TYPE_ACTIVITY_TASK_").lower()  # type: ignore[arg-type]


# ---------------------------------------------------------------------------- processes


async def _worker(place: _Place, name: str) -> asyncio.subprocess.Process:
    """One that polls. Nobody starts it again."""
    ready = place.folder / f"{name}.ready"
    with (place.folder / "talkers.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.talker", str(ready)),
            stdout=log,
            stderr=log,
            env=place.environment,
        )
    place.workers.append(process)
    async with asyncio.timeout(_WITHIN_S):
        while not ready.exists():
            await asyncio.sleep(0.02)
    return process


async def _sent_away(process: asyncio.subprocess.Process) -> tuple[int, float]:
    began = time.monotonic()
    process.terminate()
    async with asyncio.timeout(_WITHIN_S):
        return await process.wait(), time.monotonic() - began


@asynccontextmanager
async def _servers() -> AsyncIterator[_Place]:
    with tempfile.TemporaryDirectory(prefix="codevoice-handovers-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o711)  # PostgreSQL runs as another user when we are root
        make_data_dir(folder / "data")
        children = Children()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(children.stop)
            place = await _started(folder, children)
            stack.push_async_callback(place.store.close)
            stack.callback(_end, place.workers)
            yield place


def _end(workers: Sequence[asyncio.subprocess.Process]) -> None:
    """Those that a failure left behind."""
    for worker in workers:
        if worker.returncode is None:
            worker.kill()


async def _started(folder: Path, children: Children) -> _Place:
    postgres = Postgres(folder / "data" / "postgres", server_account())
    await asyncio.to_thread(postgres.prepare)
    temporal = TemporalServer(
        folder / "data" / "temporal",
        "default",
        settle("TEMPORAL_PORT", "127.0.0.1", 7400, configured=False),
        settle("TEMPORAL_UI_PORT", "127.0.0.1", 8400, configured=False),
    )
    plans = [postgres.plan(folder / "postgres.log"), temporal.plan(folder / "temporal.log")]
    await children.start_together(plans)
    await postgres.make_database()
    environment = {
        "DATA_DIR": str(folder / "data"),
        "DATABASE_URL": postgres.url(),
        "TEMPORAL_ADDRESS": temporal.address,
        "PATH": "/usr/bin:/bin",
    }
    settings = load(environment, folder / "no.env")
    await asyncio.to_thread(migrate, postgres.url())
    store = connections.open_store(settings)
    await store.questions.load(await asyncio.to_thread(starter_bank))
    await children.start(_interviews_worker(folder, environment))
    client = await connections.temporal_client(settings)
    return _Place(folder, settings, environment, children, store, client)


def _interviews_worker(folder: Path, environment: dict[str, str]) -> ChildPlan:
    ready = folder / "interviews.ready"

    async def polls() -> bool:
        return ready.exists()

    return ChildPlan(
        name="interviews worker",
        argv=[sys.executable, "-m", "worker", "--queues", "interviews", "--ready-file", str(ready)],
        log=folder / "interviews.log",
        environment=environment,
        folder=Path.cwd(),
        before=lambda: ready.unlink(missing_ok=True),
        ready=polls,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="SIGTERM workers; look for lost hand-overs.")
    parser.add_argument("--times", type=int, default=500)
    parser.add_argument("--conversations", type=int, default=3, help="held at each SIGTERM")
    asked = parser.parse_args(arguments)
    found = asyncio.run(hand_over(asked.times, asked.conversations))
    sys.stdout.write(found.model_dump_json(indent=2) + "\n")
    return 0 if found.whole else 1


if __name__ == "__main__":
    sys.exit(main())
