"""An answer that a language model grades: paid for once, with the embedded grade beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.grading import GradingActivities, KeptGrade
from contracts.activities import AnswerRef
from contracts.errors import CodeVoiceError, GradingFailed, TooMany, Unavailable, Ungradable
from contracts.grades import Grade, GradeKind
from contracts.questions import Question
from contracts.usage import Purpose, Usage
from tests.builders import a_question
from tests.waiting import eventually

QUESTION_ID = uuid4()
E, L = GradeKind.EMBEDDED, GradeKind.LLM


class Store:
    """In memory. `away` is how many writes of a language model's grade fail."""

    def __init__(self, away: int = 0) -> None:
        self.interviews = self.answers = self.grades = self.costs = self
        self.rows: dict[UUID, list[SimpleNamespace]] = {}
        self.booked: dict[UUID, Usage] = {}
        self.away = away

    async def plan(self, interview_id: UUID) -> dict[UUID, Question]:
        return {QUESTION_ID: a_question()}

    async def seal(self, answer_id: UUID) -> SimpleNamespace:
        return SimpleNamespace(text="the sealed text")

    async def put(self, answer_id: UUID, grade: Grade) -> UUID:
        if grade.kind is L and self.away:
            self.away -= 1
            raise Unavailable("the database is away")
        rows = self.rows.setdefault(answer_id, [])
        rows.append(SimpleNamespace(id=uuid4(), grade=grade))
        return UUID(str(rows[-1].id))

    async def of_answer(self, answer_id: UUID) -> list[KeptGrade]:
        return [*self.rows.get(answer_id, [])]

    async def book(self, interview_id: UUID, calls: Iterable[Usage]) -> None:
        self.booked |= {call.id: call for call in calls}

    def kinds(self, answer: AnswerRef) -> list[GradeKind]:
        return [row.grade.kind for row in self.rows.get(answer.answer_id, [])]


def a_grade(kind: GradeKind) -> Grade:
    return Grade(kind=kind, grader_version="1", score=5, points=())


class Embedded:
    def __init__(self, failure: CodeVoiceError | None = None) -> None:
        self.asked = 0
        self._failure = failure

    async def grade(self, question: Question, answer: str) -> Grade:
        self.asked += 1
        if self._failure:
            raise self._failure
        return a_grade(E)


class Model:
    version = "1"

    def __init__(self, failure: CodeVoiceError | None = None) -> None:
        self.beside: list[Grade | None] = []
        self.open = asyncio.Event()
        self.open.set()
        self.failure = failure

    async def grade(
        self, question: Question, answer: str, beside: Grade | None, book: Callable[[Usage], None]
    ) -> Grade:
        self.beside.append(beside)
        book(Usage(id=uuid4(), purpose=Purpose.GRADER, model="m", tokens_in=9, tokens_out=3))
        await self.open.wait()
        if self.failure:
            raise self.failure
        return a_grade(L)


def an_answer() -> AnswerRef:
    return AnswerRef(interview_id=uuid4(), question_id=QUESTION_ID, revision=1, answer_id=uuid4())


def grading(
    store: Store, model: Model, embedded: Embedded | None = None, asked_at_once: int = 16
) -> GradingActivities:
    return GradingActivities(
        store, embedded or Embedded(), language_model=model, asked_at_once=asked_at_once
    )


async def run(activity: Callable[[AnswerRef], Awaitable[object]], answer: AnswerRef) -> object:
    return await ActivityEnvironment().run(activity, answer)


async def test_the_models_grade_settles_an_answer_that_was_assessed() -> None:
    store, model, embedded, answer = Store(), Model(), Embedded(), an_answer()
    activities = grading(store, model, embedded)
    await run(activities.assess_answer, answer)
    settled = await ActivityEnvironment().run(activities.grade_answer, answer)
    assert store.kinds(answer) == [E, L]
    assert settled.grade_id == store.rows[answer.answer_id][1].id
    assert (embedded.asked, model.beside) == (1, [a_grade(E)])


async def test_an_answer_that_was_not_assessed_gets_both_grades() -> None:
    store, answer = Store(), an_answer()
    await run(grading(store, Model()).grade_answer, answer)
    assert store.kinds(answer) == [E, L]


async def test_a_failed_embedded_grader_stops_no_language_model() -> None:
    store, model, answer = Store(), Model(), an_answer()
    embedded = Embedded(GradingFailed("embedded grader: ValueError"))
    await run(grading(store, model, embedded).grade_answer, answer)
    assert (store.kinds(answer), model.beside) == ([L], [None])


async def test_a_grade_that_could_not_be_written_is_neither_asked_for_nor_booked_again() -> None:
    store, model, answer = Store(away=2), Model(), an_answer()
    activities = grading(store, model)
    for _ in range(2):
        with pytest.raises(ApplicationError) as told:
            await run(activities.grade_answer, answer)
        assert not told.value.non_retryable
    await run(activities.grade_answer, answer)
    assert store.kinds(answer) == [E, L]
    assert (len(model.beside), len(store.booked)) == (1, 1)


async def test_a_grade_that_stands_is_not_asked_for_by_another_worker() -> None:
    store, model, answer = Store(), Model(), an_answer()
    first = await ActivityEnvironment().run(grading(store, model).grade_answer, answer)
    again = await ActivityEnvironment().run(grading(store, model).grade_answer, answer)
    assert first == again
    assert len(model.beside) == 1


@pytest.mark.parametrize(
    ("failure", "for_good", "delay"),
    [
        (Ungradable(), True, None),
        (Unavailable(), False, None),
        (TooMany(retry_after_s=7), False, timedelta(seconds=7)),
    ],
)
async def test_what_fails_is_booked_and_tried_again_where_that_may_help(
    failure: CodeVoiceError, for_good: bool, delay: timedelta | None
) -> None:
    store, answer = Store(), an_answer()
    with pytest.raises(ApplicationError) as told:
        await run(grading(store, Model(failure)).grade_answer, answer)
    assert (told.value.type, told.value.non_retryable) == (failure.kind, for_good)
    assert told.value.next_retry_delay == delay
    assert store.kinds(answer) == [E]
    assert len(store.booked) == 1


async def test_several_answers_are_asked_about_at_once_but_not_any_number() -> None:
    store, model = Store(), Model()
    model.open.clear()
    activities = grading(store, model, asked_at_once=3)
    graded = [asyncio.ensure_future(run(activities.grade_answer, an_answer())) for _ in range(5)]
    await eventually(lambda: len(model.beside) == 3)
    model.open.set()
    await asyncio.gather(*graded)
    assert len(model.beside) == 5
