"""Short activities on the workflow's own queue: what the workflow decided, into the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from temporalio import activity
from uuid_utils.compat import uuid7

from activities.failures import told_to_temporal
from contracts.activities import CloseAnswer, ClosedAnswer
from contracts.errors import NotFound
from contracts.interview import Outcome, Snapshot


class SavesSnapshots(Protocol):
    async def save_snapshot(self, snapshot: Snapshot) -> bool: ...


class FindsOpenTurns(Protocol):
    async def open(
        self, interview_id: UUID, question_id: UUID, revision: int
    ) -> Sequence[object]: ...


class PutsAnswers(Protocol):
    async def put(
        self,
        interview_id: UUID,
        question_id: UUID,
        revision: int,
        answer_id: UUID,
        *,
        outcome: Outcome,
    ) -> UUID: ...


class InterviewStore(Protocol):
    """The part of the store that is used here; `db.store.Store` is one."""

    @property
    def interviews(self) -> SavesSnapshots: ...
    @property
    def turns(self) -> FindsOpenTurns: ...
    @property
    def answers(self) -> PutsAnswers: ...


class InterviewActivities:
    """Both are idempotent: an older snapshot changes nothing, an answer's row is made once."""

    def __init__(self, store: InterviewStore) -> None:
        self._store = store

    @activity.defn(name="save_state")
    async def save_state(self, snapshot: Snapshot) -> None:
        with told_to_temporal(give_up=False):
            try:
                await self._store.interviews.save_snapshot(snapshot)
            except NotFound:
                # The interview was deleted meanwhile: nobody is left to read its state.
                activity.logger.info("no row for interview %s", snapshot.interview_id)

    @activity.defn(name="close_answer")
    async def close_answer(self, order: CloseAnswer) -> ClosedAnswer:
        """Keeps what was being said as an `interrupted` answer."""
        place = (order.interview_id, order.question_id, order.revision)
        with told_to_temporal():
            if not await self._store.turns.open(*place):
                return ClosedAnswer(answer_id=None)
            kept = await self._store.answers.put(*place, uuid7(), outcome=Outcome.INTERRUPTED)
            return ClosedAnswer(answer_id=kept)
