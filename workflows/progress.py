"""Where the interview is in its plan: which question, which revision, which follow-up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from contracts.interview import Cursor, GradeState, Outcome, PlannedQuestion, QuestionState
from contracts.questions import FOLLOW_UP_BUDGET


@dataclass
class AskedQuestion:
    """One planned question and what came of it.

    `recorded` holds every answer by revision. The one that counts is the highest that was not taken
    back; `taken_back` is the revision the candidate is going on with, 0 when none was.
    `follow_ups` are the key points already asked about, `visited` tells that it was ever asked.
    """

    plan: PlannedQuestion
    outcome: Outcome = Outcome.UNASKED
    recorded: dict[int, UUID] = field(default_factory=dict)
    taken_back: int = 0
    follow_ups: tuple[str, ...] = ()
    visited: bool = False
    grades: dict[int, GradeState] = field(default_factory=dict)

    @property
    def question_id(self) -> UUID:
        return self.plan.question_id

    @property
    def gathering(self) -> int:
        """The revision that an answer given now has."""
        return max(self.recorded, default=0) + 1

    @property
    def standing(self) -> int:
        """The revision that counts; 0 when there is none."""
        return max((r for r in self.recorded if r != self.taken_back), default=0)

    @property
    def follow_ups_left(self) -> int:
        unasked = sum(f.key_point_id not in self.follow_ups for f in self.plan.follow_ups)
        return min(unasked, FOLLOW_UP_BUDGET[self.plan.difficulty] - len(self.follow_ups))

    def stand_by_last_answer(self) -> None:
        """An answer that was taken back and not replaced counts after all."""
        self.taken_back = 0
        if self.recorded:
            self.outcome = Outcome.ANSWERED

    def state(self) -> QuestionState:
        return QuestionState(
            question_id=self.question_id,
            outcome=self.outcome,
            answer_id=self.recorded.get(self.standing),
            revision=self.standing,
            grade=self.grades.get(self.standing, GradeState.NONE),
        )


@dataclass(frozen=True)
class LastAnswer:
    """The newest answer, with the follow-up state as it was before it."""

    question_id: UUID
    revision: int
    follow_up: str | None
    follow_ups: tuple[str, ...]


class Progress:
    """The question sequence. Pure; callers check with `rules` first that a step is allowed."""

    def __init__(self, plan: Sequence[PlannedQuestion]) -> None:
        self.questions = {planned.question_id: AskedQuestion(planned) for planned in plan}
        self.follow_up: str | None = None
        self.assessing = False
        self.last_answer: LastAnswer | None = None
        self.last_reopened: tuple[UUID, int] | None = None
        self.last_move: tuple[str, UUID | None] | None = None
        self._order = list(self.questions)
        self._current: UUID | None = None
        self._visit(self._order[0])

    @property
    def current(self) -> AskedQuestion | None:
        return None if self._current is None else self.questions[self._current]

    @property
    def current_id(self) -> UUID | None:
        return self._current

    @property
    def finished(self) -> bool:
        """Nothing is left to ask, and no follow-up can come any more."""
        return self._current is None and not self.assessing

    def previous_id(self) -> UUID | None:
        """The question before the current one in the order of the plan."""
        place = len(self._order) if self._current is None else self._order.index(self._current)
        return self._order[place - 1] if place else None

    def record(self, question_id: UUID, revision: int, answer_id: UUID) -> None:
        """Stores an answer to the current question; `follow_up_on` or `advance` comes next."""
        question = self.questions[question_id]
        self.last_answer = LastAnswer(question_id, revision, self.follow_up, question.follow_ups)
        self.last_move = self.last_reopened = None
        question.recorded[revision] = answer_id
        question.taken_back = 0
        question.outcome = Outcome.ANSWERED
        self.follow_up = None

    def follow_up_on(self, missed: Iterable[str]) -> bool:
        """Makes the first missed key point whose follow-up may be asked the present prompt.

        False when there is none, or the budget of the question's difficulty is used up.
        """
        question = self.current
        if question is None or question.follow_ups_left <= 0:
            return False
        askable = {f.key_point_id for f in question.plan.follow_ups} - set(question.follow_ups)
        self.follow_up = next((point for point in missed if point in askable), None)
        if self.follow_up is None:
            return False
        question.follow_ups = (*question.follow_ups, self.follow_up)
        return True

    def advance(self) -> None:
        """Goes to the first question in the order of the plan that nothing came of yet."""
        self._visit(self._first_unasked())

    def reopen(self, last: LastAnswer) -> None:
        """Takes the newest answer back; its question goes on with the next revision."""
        question = self.questions[last.question_id]
        self._visit(last.question_id)
        question.taken_back = last.revision
        question.outcome = Outcome.ANSWERED if question.standing else Outcome.UNASKED
        question.follow_ups, self.follow_up = last.follow_ups, last.follow_up
        self.last_answer, self.last_reopened = None, (last.question_id, last.revision)

    def skip(self) -> None:
        self._leave("skip")
        if self.current is not None and not self.current.recorded:
            self.current.outcome = Outcome.SKIPPED
        self.advance()

    def go_back(self) -> None:
        """Goes to the previous question. Its old answer stands until a new one is recorded."""
        previous = self.previous_id()
        self._leave("go_back")
        self._visit(previous)

    def cursor(self) -> Cursor:
        question = self.current
        if question is None:
            return Cursor(question_id=None, position=len(self._order), assessing=self.assessing)
        return Cursor(
            question_id=question.question_id,
            position=self._order.index(question.question_id) + 1,
            revision=question.gathering,
            follow_up=self.follow_up,
            follow_ups_used=len(question.follow_ups),
            follow_ups_left=question.follow_ups_left,
            assessing=self.assessing,
            next_question_id=self._first_unasked(besides=question.question_id),
        )

    def states(self) -> tuple[QuestionState, ...]:
        return tuple(question.state() for question in self.questions.values())

    def _first_unasked(self, besides: UUID | None = None) -> UUID | None:
        return next(
            (
                question.question_id
                for question in self.questions.values()
                if question.outcome is Outcome.UNASKED and question.question_id != besides
            ),
            None,
        )

    def _leave(self, verb: str) -> None:
        self.last_move = (verb, self._current)
        self.last_answer = self.last_reopened = None
        if self.current is not None:
            self.current.stand_by_last_answer()

    def _visit(self, question_id: UUID | None) -> None:
        self._current, self.follow_up, self.assessing = question_id, None, False
        if self.current is not None:
            self.current.visited = True
