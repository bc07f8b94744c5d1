"""Grades as activities: one row for each answer and grader, whatever is retried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from temporalio import activity

from activities.failures import told_to_temporal
from contracts.activities import AnswerRef, Assessment, GradeRef
from contracts.errors import NotFound
from contracts.grades import Flag, Grade
from contracts.questions import Question

#: Nobody is pressed on a question that they said they cannot answer.
_NOTHING_TO_FOLLOW = frozenset({Flag.EMPTY, Flag.NO_ANSWER})


class Grader(Protocol):
    async def grade(self, question: Question, answer: str) -> Grade:
        """Raises GradingFailed; a `TooMany` or `Unavailable` says when to try again."""


class SealedAnswer(Protocol):
    @property
    def text(self) -> str: ...


class SealsAnswers(Protocol):
    async def seal(self, answer_id: UUID) -> SealedAnswer: ...


class KnowsPlans(Protocol):
    async def plan(self, interview_id: UUID) -> Mapping[UUID, Question]: ...


class PutsGrades(Protocol):
    async def put(self, answer_id: UUID, grade: Grade) -> UUID: ...


class GradingStore(Protocol):
    """The part of the store that is used here; `db.store.Store` is one."""

    @property
    def interviews(self) -> KnowsPlans: ...
    @property
    def answers(self) -> SealsAnswers: ...
    @property
    def grades(self) -> PutsGrades: ...


class GradingActivities:
    def __init__(self, store: GradingStore, grader: Grader) -> None:
        self._store = store
        self._grader = grader

    @activity.defn(name="assess_answer")
    async def assess_answer(self, answer: AnswerRef) -> Assessment:
        """Grades while somebody waits and keeps that grade; tells only which points are missed."""
        with told_to_temporal():
            grade, _ = await self._grade(answer)
            pressed = not _NOTHING_TO_FOLLOW & set(grade.flags)
            return Assessment(missed=grade.lacking if pressed else ())

    @activity.defn(name="grade_answer")
    async def grade_answer(self, answer: AnswerRef) -> GradeRef:
        with told_to_temporal():
            _, grade_id = await self._grade(answer)
            return GradeRef(answer_id=answer.answer_id, grade_id=grade_id)

    async def _grade(self, answer: AnswerRef) -> tuple[Grade, UUID]:
        question = (await self._store.interviews.plan(answer.interview_id)).get(answer.question_id)
        if question is None:
            raise NotFound(f"question {answer.question_id} is not in the plan")
        sealed = await self._store.answers.seal(answer.answer_id)
        grade = await self._grader.grade(question, sealed.text)
        return grade, await self._store.grades.put(answer.answer_id, grade)
