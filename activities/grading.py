"""Grades as activities: one row for each answer and grader, whatever is retried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol
from uuid import UUID

from temporalio import activity

from activities.alive import alive
from activities.failures import told_to_temporal
from activities.remembered import Remembered
from contracts.activities import AnswerRef, Assessment, GradeRef
from contracts.errors import GradingFailed, NotFound
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
    """What nobody waits for is graded `unhurried` at a time, so that whoever waits for a follow-up
    shares the grader with few: one suits a grader that has one thread. The worker needs a slot for
    each answer that stands in that queue.

    An answer that was assessed here is not graded twice: its text is sealed and its grade stands.
    """

    def __init__(self, store: GradingStore, grader: Grader, unhurried: int = 1) -> None:
        self._store = store
        self._grader = grader
        self._unhurried = asyncio.Semaphore(unhurried)
        self._assessed: Remembered[UUID, UUID] = Remembered()  # grades by answer

    @activity.defn(name="assess_answer")
    async def assess_answer(self, answer: AnswerRef) -> Assessment:
        """Grades while somebody waits and keeps that grade; tells only which points are missed."""
        async with _in_time():
            grade, grade_id = await self._grade(answer)
            self._assessed.put(answer.answer_id, grade_id)
            pressed = not _NOTHING_TO_FOLLOW & set(grade.flags)
            return Assessment(missed=grade.lacking if pressed else ())

    @activity.defn(name="grade_answer")
    async def grade_answer(self, answer: AnswerRef) -> GradeRef:
        if (known := self._assessed.get(answer.answer_id)) is not None:
            return GradeRef(answer_id=answer.answer_id, grade_id=known)
        async with _in_time(), self._unhurried:
            _, grade_id = await self._grade(answer)
            return GradeRef(answer_id=answer.answer_id, grade_id=grade_id)

    async def _grade(self, answer: AnswerRef) -> tuple[Grade, UUID]:
        question = (await self._store.interviews.plan(answer.interview_id)).get(answer.question_id)
        if question is None:
            raise NotFound(f"question {answer.question_id} is not in the plan")
        sealed = await self._store.answers.seal(answer.answer_id)
        grade = await self._grader.grade(question, sealed.text)
        return grade, await self._store.grades.put(answer.answer_id, grade)


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    """Gives up when the activity's time is over: nobody takes its result then, and a grader that
    hangs would keep its place for ever."""
    limit = activity.info().start_to_close_timeout
    with told_to_temporal():
        try:
            async with alive(), asyncio.timeout(limit.total_seconds() if limit else None):
                yield
        except TimeoutError:
            raise GradingFailed("no grade came in time") from None
