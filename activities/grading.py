"""Grades as activities: one row for each answer and grader, whatever is retried.

Where a language model grades, its grade is what settles an answer. The embedded grade is made too,
for follow-ups and to stand beside it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple, Protocol
from uuid import UUID

from temporalio import activity

from activities.alive import alive
from activities.failures import told_to_temporal
from activities.remembered import Remembered
from contracts.activities import AnswerRef, Assessment, GradeRef
from contracts.errors import CodeVoiceError, GradingFailed, NotFound
from contracts.grades import Flag, Grade, GradeKind
from contracts.questions import Question
from contracts.usage import Usage

#: Nobody is pressed on a question that they said they cannot answer.
_NOTHING_TO_FOLLOW = frozenset({Flag.EMPTY, Flag.NO_ANSWER})
_log = logging.getLogger("codevoice.grading")


class Grader(Protocol):
    async def grade(self, question: Question, answer: str) -> Grade:
        """Raises GradingFailed; a `TooMany` or `Unavailable` says when to try again."""


class LanguageModel(Protocol):
    @property
    def version(self) -> str: ...

    async def grade(
        self, question: Question, answer: str, beside: Grade | None, book: Callable[[Usage], None]
    ) -> Grade:
        """Raises as `Grader` does, and Ungradable where no try will help. `book` is told of every
        call that was made, whatever came of it."""


class SealedAnswer(Protocol):
    @property
    def text(self) -> str: ...


class SealsAnswers(Protocol):
    async def seal(self, answer_id: UUID) -> SealedAnswer: ...


class KnowsPlans(Protocol):
    async def plan(self, interview_id: UUID) -> Mapping[UUID, Question]: ...


class KeptGrade(Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def grade(self) -> Grade: ...


class KeepsGrades(Protocol):
    async def put(self, answer_id: UUID, grade: Grade) -> UUID: ...
    async def of_answer(self, answer_id: UUID) -> Sequence[KeptGrade]: ...


class BooksCosts(Protocol):
    async def book(self, interview_id: UUID, calls: Iterable[Usage]) -> None: ...


class GradingStore(Protocol):
    """The part of the store that is used here; `db.store.Store` is one."""

    @property
    def interviews(self) -> KnowsPlans: ...
    @property
    def answers(self) -> SealsAnswers: ...
    @property
    def grades(self) -> KeepsGrades: ...
    @property
    def costs(self) -> BooksCosts: ...


class _Made(NamedTuple):
    """A grade that was paid for, until its row stands."""

    grade: Grade
    calls: Sequence[Usage]


class GradingActivities:
    """What nobody waits for is graded `unhurried` at a time, so that whoever waits for a follow-up
    shares the grader with few: one suits a grader that has one thread. The worker needs a slot for
    each answer that stands in that queue.

    An answer that was assessed here is not graded twice: its text is sealed and its grade stands.
    With a `language_model`, of which `asked_at_once` answers are asked, that grade does not settle
    the answer: the model's does.
    """

    def __init__(
        self,
        store: GradingStore,
        grader: Grader,
        unhurried: int = 1,
        language_model: LanguageModel | None = None,
        asked_at_once: int = 16,
    ) -> None:
        self._store = store
        self._grader = grader
        self._unhurried = asyncio.Semaphore(unhurried)
        self._language_model = language_model
        self._asking = asyncio.Semaphore(asked_at_once)
        self._assessed: Remembered[UUID, UUID] = Remembered()  # grades by answer
        self._made: Remembered[UUID, _Made] = Remembered(most=100)  # by answer

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
        if self._language_model is not None:
            async with _in_time():
                grade_id = await self._judged(answer, self._language_model)
                return GradeRef(answer_id=answer.answer_id, grade_id=grade_id)
        if (known := self._assessed.get(answer.answer_id)) is not None:
            return GradeRef(answer_id=answer.answer_id, grade_id=known)
        async with _in_time(), self._unhurried:
            _, grade_id = await self._grade(answer)
            return GradeRef(answer_id=answer.answer_id, grade_id=grade_id)

    async def _grade(self, answer: AnswerRef) -> tuple[Grade, UUID]:
        return await self._embedded(answer, *await self._read(answer))

    async def _read(self, answer: AnswerRef) -> tuple[Question, str]:
        question = (await self._store.interviews.plan(answer.interview_id)).get(answer.question_id)
        if question is None:
            raise NotFound(f"question {answer.question_id} is not in the plan")
        return question, (await self._store.answers.seal(answer.answer_id)).text

    async def _embedded(
        self, answer: AnswerRef, question: Question, text: str
    ) -> tuple[Grade, UUID]:
        grade = await self._grader.grade(question, text)
        return grade, await self._store.grades.put(answer.answer_id, grade)

    async def _judged(self, answer: AnswerRef, model: LanguageModel) -> UUID:
        """The row of the model's grade. What was paid for once is not asked for again."""
        kept = await self._store.grades.of_answer(answer.answer_id)
        for row in kept:
            if row.grade.kind is GradeKind.LLM and row.grade.grader_version == model.version:
                return row.id
        made = self._made.get(answer.answer_id)
        if made is None:
            made = await self._asked(answer, model, kept)
            self._made.put(answer.answer_id, made)
        await self._store.costs.book(answer.interview_id, made.calls)
        return await self._store.grades.put(answer.answer_id, made.grade)

    async def _asked(
        self, answer: AnswerRef, model: LanguageModel, kept: Sequence[KeptGrade]
    ) -> _Made:
        question, text = await self._read(answer)
        beside = next((row.grade for row in kept if row.grade.kind is GradeKind.EMBEDDED), None)
        if beside is None:
            with suppress(GradingFailed):  # one grader's failure stops no other
                async with self._unhurried:
                    beside, _ = await self._embedded(answer, question, text)
        calls: list[Usage] = []
        try:
            async with self._asking:
                return _Made(await model.grade(question, text, beside, calls.append), calls)
        except BaseException:
            await self._book_in_vain(answer, calls)
            raise

    async def _book_in_vain(self, answer: AnswerRef, calls: Sequence[Usage]) -> None:
        """A grade that failed was paid for as well. A booking that fails hides no reason."""
        try:
            await self._store.costs.book(answer.interview_id, calls)
        except CodeVoiceError as failure:
            lost = f"{len(calls)} calls for answer {answer.answer_id} are not booked"
            _log.warning("%s: %s", lost, failure.kind)


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
