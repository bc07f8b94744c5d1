"""Short activities on the workflow's own queue: what the workflow decided, into the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol
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
        self._asked: Remembered[UUID, frozenset[UUID]] = Remembered()  # turns by interview

    @activity.defn(name="save_state")
    async def save_state(self, snapshot: Snapshot) -> None:
        with told_to_temporal(give_up=False):
            try:
                await self._store.interviews.save_snapshot(snapshot)
                # Also for a state that stood already: a try before may have died between the two.
                if _asks_in_writing(snapshot):
                    await self._keep_prompts(snapshot)
            except NotFound:
                # The interview was deleted meanwhile: nobody is left to read its state.
                activity.logger.info("no row for interview %s", snapshot.interview_id)

    async def _keep_prompts(self, snapshot: Snapshot) -> None:
        """Without a bot nobody else writes down what was asked. Once, whatever is repeated.

        Also what was asked before: while a save waited for a worker to come back, the candidate may
        have left a question whose state was never saved.
        """
        interview_id = snapshot.interview_id
        kept = self._asked.get(interview_id) or frozenset()
        places = [each for each in _asked_in(snapshot) if each.turn_id(interview_id) not in kept]
        plan = await self._store.interviews.plan(interview_id) if places else {}
        for place in places:
            if place.question_id in plan:
                await self._keep_prompt(snapshot, place, plan[place.question_id])
            kept |= {place.turn_id(interview_id)}
        self._asked.put(interview_id, kept)

    async def _keep_prompt(self, snapshot: Snapshot, place: _Place, question: Question) -> None:
        words = question.prompt_for(place.follow_up)
        turn = _written_prompt(snapshot, place, words)
        sought = words if place.present else ""  # a bot may have said it in other words
        if not await self._store.turns.asked(
            snapshot.interview_id, place.question_id, turn.purpose, sought
        ):
            await self._store.turns.add(turn)

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


class _Place(NamedTuple):
    question_id: UUID
    follow_up: str | None
    revision: int
    present: bool

    def turn_id(self, interview_id: UUID) -> UUID:
        return uuid5(interview_id, f"asked:{self.question_id}:{self.follow_up or ''}")


def _asked_in(snapshot: Snapshot) -> Iterator[_Place]:
    """The questions left behind, and what is asked now. Which follow-ups there were before is not
    in a state."""
    cursor = snapshot.cursor
    for question in snapshot.questions:
        if question.question_id == cursor.question_id:
            break
        if question.outcome is not Outcome.UNASKED:
            yield _Place(question.question_id, None, 1, present=False)
    if cursor.question_id is not None:
        yield _Place(cursor.question_id, cursor.follow_up, cursor.revision, present=True)


def _written_prompt(snapshot: Snapshot, place: _Place, words: str) -> Turn:
    return Turn(
        id=place.turn_id(snapshot.interview_id),
        interview_id=snapshot.interview_id,
        question_id=place.question_id,
        revision=place.revision,
        speaker=Speaker.INTERVIEWER,
        kind=TurnKind.TYPED,
        purpose=TurnPurpose.FOLLOW_UP if place.follow_up else TurnPurpose.QUESTION,
        text=words,
        started_at=snapshot.as_of,
        ended_at=snapshot.as_of,
    )
