"""Compares what database, Temporal, bots, files and LiveKit say of the same interviews; heals, or
raises.

Every promise of the product is kept without it. It finds what no promise covers: an operator who
terminated a workflow, a restored database, a lost disk, a bug. It runs each minute in the
interviews worker, and by `codevoice doctor --deep` over all there is.

What is healed has one truth to be healed from. The rest is named, in ids and counts, for a person;
nothing is ever deleted. A look at a moving system may be a moment old, so what contradicts is
looked at again, from its source, before it counts.
"""

from __future__ import annotations

import asyncio
import logging
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import fsspec
from temporalio.client import Client
from temporalio.common import MetricMeter

from activities.interviews import InterviewActivities
from contracts.errors import CodeVoiceError
from contracts.interview import Cursor, InterviewStatus, Snapshot
from db.rows import KeptRecording, OpenInterview
from db.store import Store
from findings import ALL, LATELY, MOST, Finding, Kind, Reach, each_of
from room_reconciler import RoomReconciler
from workflows.interview_client import InterviewClient
from workflows.standing import running, standing_of

if TYPE_CHECKING:
    from livekit_rooms import LiveKitRooms

#: A start over HTTP has marked its row by then.
_LEFT_BEHIND: Final = timedelta(seconds=10)
#: A save that was under way as its workflow was ended is over by then: it has 5 s.
_LAST_SAVE: Final = timedelta(seconds=6)
_PATIENCE: Final = timedelta(seconds=5)
_HEADER_BYTES: Final = 44
_log = logging.getLogger("codevoice.reconciler")


class Reconciler:
    """Many may run: one at a time does. `recordings_url` is the folder of the recordings. Without
    `rooms` this service has no LiveKit, and nothing is said of rooms.

    Each finding is logged once, until it has gone, and counted with what was done about it.
    """

    def __init__(
        self,
        store: Store,
        temporal: Client,
        recordings_url: str,
        meter: MetricMeter = MetricMeter.noop,
        *,
        rooms: LiveKitRooms | None = None,
    ) -> None:
        self._store = store
        self._temporal = temporal
        self._interviews = InterviewClient(temporal, patience=_PATIENCE)
        self._save = InterviewActivities(store).save_state
        self._recordings_url = recordings_url.rstrip("/")
        self._rooms = RoomReconciler(store, temporal, rooms) if rooms else None
        self._counter = meter.create_counter(
            "codevoice_reconcile_findings", "What did not agree, by kind and by what was done"
        )
        self._raised: frozenset[Finding] = frozenset()

    async def round(self, *, deep: bool = False) -> list[Finding]:
        """Everything that does not agree, of what changed lately and of what is open; of all there
        is when `deep`. Nothing while another process looks, unless deep: then it waits its turn.
        Raises Unavailable, RPCError."""
        reach = ALL if deep else LATELY
        async with self._store.discrepancies.alone(wait=deep) as alone:
            if not alone:
                return []
            started = await self.start_left_behind()
            found = [each async for each in self._workflows(reach)]
            found += [each async for each in self._rows(reach)]
            found += [each async for each in self._files(reach)]
            if self._rooms:
                found += [each async for each in self._rooms.findings(reach.calls)]
        self._tell(found)
        self._raised = frozenset(each for each in found if not each.healed)
        return started + found

    async def start_left_behind(self) -> list[Finding]:
        """Starts the workflows of rows that were left without one."""
        found = []
        for row in await self._store.interviews.unstarted(datetime.now(UTC) - _LEFT_BEHIND):
            await self._interviews.start(row.start)
            await self._store.interviews.mark_started(row.id)
            found.append(Finding(Kind.NOT_STARTED, row.id, healed=True))
        self._tell(found)
        return found

    def _tell(self, found: Iterable[Finding]) -> None:
        for each in found:
            if each not in self._raised:
                _log.warning("%s", each)
                self._counter.add(1, {"kind": each.kind.value, "act": each.act})

    # ------------------------------------------------------------------ workflows

    async def _workflows(self, reach: Reach) -> AsyncIterator[Finding]:
        rows = await self._store.discrepancies.open(MOST)
        alive = await running(self._temporal, MOST)
        over = await self._store.discrepancies.over(alive)
        looks: tuple[tuple[Iterable[Any], Callable[[Any], Awaitable[Finding | None]]], ...] = (
            ((row for row in rows if row.id not in alive), self._without_workflow),
            ((row for row in rows if row.quiet and reach.asks(row)), self._behind),
            ((row for row in rows if row.silent), self._bot_gone),
            ((each for each in alive if over.get(each, True)), self._still_runs),
        )
        for subjects, look in looks:
            async for found in each_of(subjects, look, reach.calls):
                yield found

    async def _without_workflow(self, row: OpenInterview) -> Finding | None:
        """A workflow that is gone altogether is raised alone: the namespace may be mistaken, and no
        mistake in a setting shall fail every interview."""
        standing = await standing_of(self._temporal, row.id)
        if standing is None:
            return Finding(Kind.WORKFLOW_MISSING, row.id)
        if standing.running or not standing.closed_for(_LAST_SAVE, datetime.now(UTC)):
            return None
        last = await self._last_state(row.id)
        state = last if standing.completed or last.status.ended else failed(last)
        healed = await self._store.interviews.save_snapshot(state)
        return Finding(Kind.WORKFLOW_ENDED, row.id, healed=healed)

    async def _last_state(self, interview_id: UUID) -> Snapshot:
        """The newer of the row's and the workflow's own, which may have ended unsaved."""
        saved = await self._store.interviews.snapshot(interview_id)
        with suppress(CodeVoiceError):
            own = await self._interviews.snapshot(interview_id)
            return max(saved, own, key=lambda state: state.state_version)
        return saved

    async def _behind(self, row: OpenInterview) -> Finding | None:
        """What is being saved is not behind."""
        with suppress(CodeVoiceError):  # it cannot be asked now
            state = await self._interviews.snapshot(row.id)
            if state.state_version <= row.state_version:
                return None
            standing = await standing_of(self._temporal, row.id)
            saved = await self._store.interviews.snapshot(row.id)
            behind = state.state_version > saved.state_version
            if behind and standing is not None and "save_state" not in standing.pending:
                await self._save(state)
                return Finding(Kind.STATE_BEHIND, row.id, healed=True)
        return None

    async def _bot_gone(self, row: OpenInterview) -> Finding | None:
        standing = await standing_of(self._temporal, row.id)
        if standing is None or not standing.running or "hold_conversation" in standing.pending:
            return None
        return Finding(Kind.BOT_GONE, row.id)

    async def _still_runs(self, interview_id: UUID) -> Finding | None:
        standing = await standing_of(self._temporal, interview_id)
        if standing is None or not standing.running or "measure_conduct" in standing.pending:
            return None
        known = interview_id in await self._store.discrepancies.over([interview_id])
        return Finding(Kind.WORKFLOW_LEFT if known else Kind.ROW_MISSING, interview_id)

    # ------------------------------------------------------------------ rows and files

    async def _rows(self, reach: Reach) -> AsyncIterator[Finding]:
        for interview_id in await self._store.discrepancies.without_answer(reach.within, MOST):
            yield Finding(Kind.ANSWER_MISSING, interview_id)
        for interview_id in await self._store.discrepancies.without_report(reach.within, MOST):
            yield Finding(Kind.REPORT_MISSING, interview_id)

    async def _files(self, reach: Reach) -> AsyncIterator[Finding]:
        """A process that cannot see the folder cannot say what is missing there."""
        if not await asyncio.to_thread(_exists, self._recordings_url):
            return
        recordings = await self._store.discrepancies.recordings(reach.within, reach.files)
        for each in recordings:
            if each.complete is None and each.over:
                length = await asyncio.to_thread(length_ms, each.url)
                await self._store.recordings.close_left(each.id, duration_ms=length)
                yield Finding(Kind.RECORDING_OPEN, each.interview_id, True, each.id)
            elif each.duration_ms and not await asyncio.to_thread(_exists, each.url):
                yield Finding(Kind.FILE_MISSING, each.interview_id, recording_id=each.id)
        async for found in self._strays(recordings):
            yield found

    async def _strays(self, recordings: Sequence[KeptRecording]) -> AsyncIterator[Finding]:
        """Files in the folders of these interviews; their names are those of their rows."""
        interviews = {each.interview_id for each in recordings}
        listed = await asyncio.to_thread(self._listed, interviews)
        named = await self._store.discrepancies.named(list(listed))
        for recording_id, interview_id in listed.items():
            if recording_id not in named:
                yield Finding(Kind.FILE_STRAY, interview_id, recording_id=recording_id)

    def _listed(self, interviews: Iterable[UUID]) -> dict[UUID, UUID]:
        """The interview, by its recordings' ids. What is named otherwise is none of ours."""
        found = {}
        for interview_id in interviews:
            files, place = fsspec.core.url_to_fs(f"{self._recordings_url}/{interview_id}")
            with suppress(FileNotFoundError):
                for path in files.ls(place, detail=False):
                    name, _, kind = path.rpartition("/")[2].rpartition(".")
                    with suppress(ValueError):
                        if kind in ("wav", "flac"):
                            found[UUID(name)] = interview_id
        return found


def failed(last: Snapshot) -> Snapshot:
    """How an interview stands whose workflow was ended from outside."""
    return last.model_copy(
        update={
            "state_version": last.state_version + 1,
            "status": InterviewStatus.FAILED,
            "cursor": Cursor(question_id=None, position=len(last.questions)),
            "live_epoch": None,
            "clock_running": False,
            "no_capacity": False,
            "ends_reason": "failed",
            "as_of": datetime.now(UTC),
        }
    )


def length_ms(url: str) -> int:
    """Of a recording, by the size of its file: a header whose writer died says less. A bot that
    died before its first block left no file."""
    files, place = fsspec.core.url_to_fs(url)
    try:
        with files.open(place, "rb") as file, wave.open(file) as sound:
            bytes_a_second = sound.getframerate() * sound.getnchannels() * sound.getsampwidth()
        return max(0, int(1000 * (files.size(place) - _HEADER_BYTES) // bytes_a_second))
    except (FileNotFoundError, wave.Error, EOFError):
        return 0


def _exists(url: str) -> bool:
    files, place = fsspec.core.url_to_fs(url)
    return bool(files.exists(place))
