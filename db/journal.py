"""What a bot reads and writes during one conversation, bound to one interview and one fence.

Matches `voice.protocols.Journal` by its shape. Every write may be sent again, so a database that is
away for a moment (a restart) is waited for instead of ending the conversation.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from contracts.errors import Unavailable
from contracts.interview import Fence, Outcome, Snapshot
from contracts.manner import Manner
from contracts.questions import Question
from contracts.turns import Turn
from contracts.usage import Usage
from db.events import Listener, Subscription
from db.rows import Recording
from db.store import Store

T = TypeVar("T")

#: A killed PostgreSQL is back in 1 to 3 s; after this long the caller decides.
_PATIENCE_S = 20.0


class ConversationJournal:
    """Raises StaleFence from every write once a newer bot holds the interview."""

    def __init__(self, store: Store, listener: Listener, interview_id: UUID, fence: Fence) -> None:
        self._store = store
        self._listener = listener
        self._interview_id = interview_id
        self._fence = fence

    async def take_fence(self) -> None:
        await _patiently(lambda: self._store.interviews.take_fence(self._interview_id, self._fence))

    async def plan(self) -> dict[UUID, Question]:
        return await _patiently(lambda: self._store.interviews.plan(self._interview_id))

    async def manner(self) -> Manner:
        found = await _patiently(lambda: self._store.interviews.get(self._interview_id))
        return Manner(patience_s=found.patience_s, voice=found.voice, language=found.language)

    async def snapshot(self) -> Snapshot:
        return await _patiently(lambda: self._store.interviews.snapshot(self._interview_id))

    async def turns(self) -> tuple[Turn, ...]:
        return await _patiently(lambda: self._store.turns.of_interview(self._interview_id))

    async def add_turn(self, turn: Turn) -> Turn:
        return await _patiently(lambda: self._store.turns.add(turn, self._fence))

    async def put_answer(
        self,
        question_id: UUID,
        revision: int,
        answer_id: UUID,
        outcome: Outcome = Outcome.ANSWERED,
    ) -> UUID:
        """Returns the id of the row. Raises Conflict when it is being graded."""
        return await _patiently(
            lambda: self._store.answers.put(
                self._interview_id,
                question_id,
                revision,
                answer_id,
                fence=self._fence,
                outcome=outcome,
            )
        )

    async def touch_alive(self) -> None:
        """Does not wait for the database: the next second brings the next touch."""
        await self._store.interviews.touch_alive(self._interview_id, self._fence)

    async def last_alive_at(self) -> datetime | None:
        return await _patiently(lambda: self._store.interviews.last_alive_at(self._interview_id))

    async def begin_recording(self, recording_id: UUID, url: str, started_at: datetime) -> None:
        await _patiently(
            lambda: self._store.recordings.begin(
                recording_id, self._interview_id, url, started_at, self._fence
            )
        )

    async def finish_recording(
        self, recording_id: UUID, *, complete: bool, duration_ms: int
    ) -> None:
        await _patiently(
            lambda: self._store.recordings.finish(
                recording_id, complete=complete, duration_ms=duration_ms
            )
        )

    async def left_recordings(self) -> tuple[Recording, ...]:
        return await _patiently(lambda: self._store.recordings.left(self._interview_id))

    async def close_left_recording(self, recording_id: UUID, *, duration_ms: int) -> None:
        await _patiently(
            lambda: self._store.recordings.close_left(recording_id, duration_ms=duration_ms)
        )

    async def offer_sdp(self, offer_id: UUID) -> str:
        return await self._store.offers.sdp(offer_id)

    async def answer_offer(self, offer_id: UUID, sdp: str) -> None:
        await self._store.offers.put_answer(offer_id, sdp)

    async def book(self, call: Usage) -> None:
        """Not fenced: what was used was used, whoever holds the interview now."""
        await _patiently(lambda: self._store.costs.book(self._interview_id, [call]))

    def changes(self) -> AsyncIterator[int]:
        """State versions, each newer than the one before, from the moment of the call."""
        return _rising(self._listener.subscribe(self._interview_id))


async def _rising(told: Subscription) -> AsyncIterator[int]:
    newest = -1
    with told:
        async for state_version in told:
            if state_version > newest:
                newest = state_version
                yield state_version


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Raises Unavailable when the database stays away."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE_S
    wait_s = 0.05
    while True:
        try:
            return await call()
        except Unavailable:
            if asyncio.get_running_loop().time() + wait_s > deadline:
                raise
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, 1.0)
