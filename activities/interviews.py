"""Short activities on the workflow's own queue: what the workflow decided, into the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID, uuid5

from temporalio import activity
from uuid_utils.compat import uuid7

from activities.failures import told_to_temporal
from activities.remembered import Remembered
from contracts.activities import CloseAnswer, ClosedAnswer
from contracts.errors import NotFound
from contracts.interview import InterviewStatus, Outcome, Snapshot
from contracts.questions import Question
from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose


class SavesSnapshots(Protocol):
    async def save_snapshot(self, snapshot: Snapshot) -> bool: ...
    async def plan(self, interview_id: UUID) -> Mapping[UUID, Question]: ...


class KeepsTurns(Protocol):
    async def open(
        self, interview_id: UUID, question_id: UUID, revision: int
    ) -> Sequence[object]: ...
    async def asked(
        self, interview_id: UUID, question_id: UUID, purpose: TurnPurpose, words: str
    ) -> bool: ...
    async def add(self, turn: Turn) -> Turn: ...


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
    def turns(self) -> KeepsTurns: ...
    @property
    def answers(self) -> PutsAnswers: ...


class InterviewActivities:
    """Both are idempotent: an older snapshot changes nothing, an answer's row is made once."""

    def __init__(self, store: InterviewStore) -> None:
        self._store = store
        self._asked: Remembered[UUID, UUID] = Remembered()  # the last prompt's turn by interview

    @activity.defn(name="save_state")
    async def save_state(self, snapshot: Snapshot) -> None:
        with told_to_temporal(give_up=False):
            try:
                await self._store.interviews.save_snapshot(snapshot)
                # Also for a state that stood already: a try before may have died between the two.
                if _asks_in_writing(snapshot):
                    await self._keep_prompt(snapshot)
            except NotFound:
                # The interview was deleted meanwhile: nobody is left to read its state.
                activity.logger.info("no row for interview %s", snapshot.interview_id)

    async def _keep_prompt(self, snapshot: Snapshot) -> None:
        """Without a bot nobody else writes down what was asked. Once, whatever is repeated."""
        interview_id, cursor = snapshot.interview_id, snapshot.cursor
        turn_id = _prompt_id(snapshot)
        if self._asked.get(interview_id) == turn_id:
            return
        plan = await self._store.interviews.plan(interview_id)
        if cursor.question_id is None or cursor.question_id not in plan:
            return
        words = plan[cursor.question_id].prompt_for(cursor.follow_up)
        purpose = TurnPurpose.FOLLOW_UP if cursor.follow_up else TurnPurpose.QUESTION
        if not await self._store.turns.asked(interview_id, cursor.question_id, purpose, words):
            await self._store.turns.add(_written_prompt(snapshot, purpose, words))
        self._asked.put(interview_id, turn_id)

    @activity.defn(name="close_answer")
    async def close_answer(self, order: CloseAnswer) -> ClosedAnswer:
        """Keeps what was being said as an `interrupted` answer."""
        place = (order.interview_id, order.question_id, order.revision)
        with told_to_temporal():
            if not await self._store.turns.open(*place):
                return ClosedAnswer(answer_id=None)
            kept = await self._store.answers.put(*place, uuid7(), outcome=Outcome.INTERRUPTED)
            return ClosedAnswer(answer_id=kept)


def _asks_in_writing(snapshot: Snapshot) -> bool:
    typing = snapshot.status is InterviewStatus.IN_PROGRESS and snapshot.live_epoch is None
    return typing and snapshot.cursor.question_id is not None and not snapshot.cursor.assessing


def _prompt_id(snapshot: Snapshot) -> UUID:
    cursor = snapshot.cursor
    return uuid5(snapshot.interview_id, f"asked:{cursor.question_id}:{cursor.follow_up or ''}")


def _written_prompt(snapshot: Snapshot, purpose: TurnPurpose, words: str) -> Turn:
    cursor = snapshot.cursor
    return Turn(
        id=_prompt_id(snapshot),
        interview_id=snapshot.interview_id,
        question_id=cursor.question_id,
        revision=cursor.revision,
        speaker=Speaker.INTERVIEWER,
        kind=TurnKind.TYPED,
        purpose=purpose,
        text=words,
        started_at=snapshot.as_of,
        ended_at=snapshot.as_of,
    )
