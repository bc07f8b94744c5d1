"""The recording of a whole interview, and its figures, once the interview is over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from temporalio import activity

from activities.alive import alive
from activities.failures import told_to_temporal
from contracts.activities import MeasureConduct, Measured
from contracts.conduct import Conduct, Part
from contracts.errors import TooMany
from contracts.turns import Turn

#: Who finds another interview being scored comes again after this.
_AGAIN_S = 5.0


class Whole(Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def url(self) -> str: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def duration_ms(self) -> int: ...
    @property
    def complete(self) -> bool: ...
    @property
    def parts(self) -> Sequence[Part]: ...


class Scores(Protocol):
    """Takes the store's recordings, and its own wholes back."""

    async def join(self, interview_id: UUID, recordings: Sequence[Any]) -> Whole | None:
        """Writes the file of the whole interview; None when nothing was recorded."""

    async def score(self, whole: Any, turns: Sequence[Turn]) -> Conduct: ...


class KeepsRecordings(Protocol):
    async def of_interview(self, interview_id: UUID) -> Sequence[object]: ...
    async def put_whole(
        self,
        recording_id: UUID,
        interview_id: UUID,
        url: str,
        started_at: datetime,
        *,
        duration_ms: int,
        complete: bool,
        parts: Sequence[Part],
    ) -> None: ...
    async def put_conduct(self, recording_id: UUID, conduct: Conduct) -> None: ...


class ListsTurns(Protocol):
    async def of_interview(self, interview_id: UUID) -> Sequence[Turn]: ...


class ConductStore(Protocol):
    """The part of the store that is used here; `db.store.Store` is one."""

    @property
    def recordings(self) -> KeepsRecordings: ...
    @property
    def turns(self) -> ListsTurns: ...


class ConductActivities:
    """One interview at a time: the others leave their slots to those who wait for a grade.

    Without a `scorer` nothing is joined or scored.
    """

    def __init__(self, store: ConductStore, scorer: Scores | None) -> None:
        self._store = store
        self._scorer = scorer
        self._one = asyncio.Lock()

    @activity.defn(name="measure_conduct")
    async def measure_conduct(self, order: MeasureConduct) -> Measured:
        """Idempotent: the same file under the same name, the same row, the same figures. The
        recording stands as soon as it is joined, whatever becomes of its figures."""
        with told_to_temporal():
            if self._one.locked():
                raise TooMany("another interview is being scored", retry_after_s=_AGAIN_S)
            async with self._one, alive():
                return await self._measure(order.interview_id)

    async def _measure(self, interview_id: UUID) -> Measured:
        if self._scorer is None:
            return Measured(recorded=False, scored=False)
        recordings = await self._store.recordings.of_interview(interview_id)
        whole = await self._scorer.join(interview_id, recordings)
        if whole is None:
            return Measured(recorded=False, scored=False)
        await self._store.recordings.put_whole(
            whole.id,
            interview_id,
            whole.url,
            whole.started_at,
            duration_ms=whole.duration_ms,
            complete=whole.complete,
            parts=whole.parts,
        )
        turns = await self._store.turns.of_interview(interview_id)
        await self._store.recordings.put_conduct(whole.id, await self._scorer.score(whole, turns))
        return Measured(recorded=True, scored=True)
