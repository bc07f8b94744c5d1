"""Work that a worker need not do again: a grade it has just made, a prompt it has just kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.grading import GradingActivities, KeptGrade
from activities.interviews import InterviewActivities
from activities.remembered import Remembered
from contracts.activities import AnswerRef
from contracts.errors import Unavailable
from contracts.grades import Grade, GradeKind
from contracts.interview import Cursor, InterviewStatus, Snapshot
from contracts.questions import Difficulty, KeyPoint, Question
from contracts.turns import Turn, TurnPurpose
from contracts.usage import Usage

QUESTION_ID = uuid4()
QUESTION = Question(
    slug="hashing",
    topic="Data structures",
    difficulty=Difficulty.EASY,
    prompt="How does a hash map find a value?",
    rephrased="What happens on a lookup in a hash map?",
    key_points=(KeyPoint(id="bucket", text="a hash picks a bucket", follow_up="Where is it?"),),
    model_answer="The key is hashed; the hash picks a bucket.",
)


class Records:
    """The store's part, in memory; it counts what it is asked, and may be away."""

    def __init__(self) -> None:
        self.interviews = self.grades = self.costs = self
        self.answers: Any = self
        self.turns: Any = self
        self.grade_ids: dict[UUID, UUID] = {}
        self.prompts: list[str] = []
        self.saved: list[int] = []
        self.looked_up = 0
        self.away = False

    async def plan(self, interview_id: UUID) -> dict[UUID, Question]:
        self.looked_up += 1
        return {QUESTION_ID: QUESTION}

    async def seal(self, answer_id: UUID) -> SimpleNamespace:
        return SimpleNamespace(text="the sealed text")

    async def put(self, answer_id: UUID, grade: Grade) -> UUID:
        return self.grade_ids.setdefault(answer_id, uuid4())

    async def of_answer(self, answer_id: UUID) -> tuple[KeptGrade, ...]:
        return ()

    async def book(self, interview_id: UUID, calls: Iterable[Usage]) -> None:
        assert not list(calls)

    async def save_snapshot(self, snapshot: Snapshot) -> bool:
        newer = snapshot.state_version not in self.saved
        if newer:
            self.saved.append(snapshot.state_version)
        return newer

    async def asked(
        self, interview_id: UUID, question_id: UUID, purpose: TurnPurpose, words: str
    ) -> bool:
        if self.away:
            raise Unavailable("the database is away")
        return words in self.prompts

    async def add(self, turn: Turn) -> Turn:
        self.prompts.append(turn.text)
        return turn


class Counts:
    """A grader that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def grade(self, question: Question, answer: str) -> Grade:
        self.asked += 1
        return Grade(kind=GradeKind.EMBEDDED, grader_version="1", score=0, points=())


def an_answer() -> AnswerRef:
    return AnswerRef(interview_id=uuid4(), question_id=QUESTION_ID, revision=1, answer_id=uuid4())


def typed_state(interview_id: UUID, version: int, follow_up: str | None = None) -> Snapshot:
    return Snapshot(
        interview_id=interview_id,
        state_version=version,
        status=InterviewStatus.IN_PROGRESS,
        cursor=Cursor(question_id=QUESTION_ID, position=1, follow_up=follow_up),
        questions=(),
        remaining=timedelta(minutes=20),
        as_of=datetime.now(UTC),
    )


async def test_an_assessed_answer_is_not_graded_twice_and_keeps_its_row() -> None:
    records, grader, answer = Records(), Counts(), an_answer()
    activities = GradingActivities(records, grader)
    await ActivityEnvironment().run(activities.assess_answer, answer)
    settled = await ActivityEnvironment().run(activities.grade_answer, answer)
    assert settled.grade_id == records.grade_ids[answer.answer_id]
    assert grader.asked == 1


async def test_an_answer_assessed_by_another_worker_is_graded_here() -> None:
    records, answer = Records(), an_answer()
    await ActivityEnvironment().run(GradingActivities(records, Counts()).assess_answer, answer)
    grader = Counts()
    activities = GradingActivities(records, grader)
    settled = await ActivityEnvironment().run(activities.grade_answer, answer)
    assert settled.grade_id == records.grade_ids[answer.answer_id]
    assert grader.asked == 1


async def test_a_prompt_is_looked_up_once_however_often_its_state_is_saved() -> None:
    records, here = Records(), uuid4()
    activities = InterviewActivities(records)
    for version in (1, 2, 3):
        await ActivityEnvironment().run(activities.save_state, typed_state(here, version))
    await ActivityEnvironment().run(activities.save_state, typed_state(here, 4, "bucket"))
    assert records.prompts == [QUESTION.prompt, "Where is it?"]
    assert (records.saved, records.looked_up) == ([1, 2, 3, 4], 2)


async def test_a_prompt_is_kept_by_the_retry_of_a_try_that_died_after_saving_the_state() -> None:
    records, here = Records(), uuid4()
    activities = InterviewActivities(records)
    records.away = True
    with pytest.raises(ApplicationError):
        await ActivityEnvironment().run(activities.save_state, typed_state(here, 1))
    assert (records.prompts, records.saved) == ([], [1])
    records.away = False
    await ActivityEnvironment().run(activities.save_state, typed_state(here, 1))
    assert (records.prompts, records.saved) == ([QUESTION.prompt], [1])


def test_only_the_newest_are_remembered() -> None:
    remembered: Remembered[int, str] = Remembered(most=2)
    for number in (1, 2, 1, 3):
        remembered.put(number, str(number))
    assert [remembered.get(number) for number in (1, 2, 3)] == ["1", None, "3"]
