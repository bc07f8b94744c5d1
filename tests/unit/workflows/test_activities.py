"""Temporal's edge: what an activity makes of failures, of a cancellation, of a shutdown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.conversations import ConversationActivities
from activities.grading import GradingActivities, KeptGrade
from activities.interviews import InterviewActivities
from contracts.activities import AnswerRef, CloseAnswer
from contracts.conversation import ConversationEnd, ConversationResult, HoldConversation
from contracts.errors import (
    GradingFailed,
    InvalidInput,
    NotFound,
    StaleFence,
)
from contracts.grades import Flag, Grade, GradeKind, PointGrade, Verdict
from contracts.interview import Cursor, Fence, InterviewStatus, Outcome, Snapshot
from contracts.questions import Difficulty, KeyPoint, Question
from contracts.turns import Turn, TurnPurpose
from contracts.usage import Usage
from tests.waiting import eventually

QUESTION_ID = uuid4()
MINUTE = timedelta(minutes=1)


# ---------------------------------------------------------------- the state


async def test_saving_the_state_is_never_given_up() -> None:
    class Refuses(OpenAnswer):
        async def save_snapshot(self, snapshot: object) -> bool:
            raise InvalidInput("the database refuses the row")

    with pytest.raises(ApplicationError) as raised:
        await ActivityEnvironment().run(InterviewActivities(Refuses()).save_state, a_state())
    assert not raised.value.non_retryable


async def test_the_state_of_a_deleted_interview_has_nowhere_to_go_and_is_let_go() -> None:
    await ActivityEnvironment().run(InterviewActivities(OpenAnswer()).save_state, a_state())


def a_state() -> Snapshot:
    return Snapshot(
        interview_id=uuid4(),
        state_version=1,
        status=InterviewStatus.WAITING,
        cursor=Cursor(question_id=None, position=1),
        questions=(),
        remaining=timedelta(0),
        as_of=datetime.now(UTC),
    )


# ---------------------------------------------------------------- grading


def a_question() -> Question:
    return Question(
        slug="hashing",
        topic="Data structures",
        difficulty=Difficulty.EASY,
        prompt="How does a hash map find a value?",
        rephrased="What happens on a lookup in a hash map?",
        key_points=tuple(KeyPoint(id=p, text="a key point of it") for p in ("a", "b", "c")),
        model_answer="The key is hashed; the hash picks a bucket.",
    )


def a_grade(*flags: Flag, **verdicts: Verdict) -> Grade:
    credit = {Verdict.COVERED: 1.0, Verdict.PARTIAL: 0.6}
    points = tuple(
        PointGrade(key_point_id=point, verdict=verdict, credit=credit.get(verdict, 0.0))
        for point, verdict in verdicts.items()
    )
    return Grade(kind=GradeKind.EMBEDDED, grader_version="1", score=0, points=points, flags=flags)


class Records:
    """The store's part, in memory: it keeps what was graded."""

    def __init__(self) -> None:
        self.kept: list[tuple[UUID, Grade]] = []
        self.grade_id = uuid4()
        self.interviews = self.answers = self.grades = self.costs = self

    async def plan(self, interview_id: UUID) -> dict[UUID, Question]:
        return {QUESTION_ID: a_question()}

    async def seal(self, answer_id: UUID) -> SimpleNamespace:
        return SimpleNamespace(text="the sealed text")

    async def put(self, answer_id: UUID, grade: Grade) -> UUID:
        self.kept.append((answer_id, grade))
        return self.grade_id

    async def of_answer(self, answer_id: UUID) -> tuple[KeptGrade, ...]:
        return ()

    async def book(self, interview_id: UUID, calls: Iterable[Usage]) -> None:
        assert not list(calls)


class Gives:
    """A grader that gives one grade to whatever it is shown."""

    def __init__(self, grade: Grade) -> None:
        self._grade = grade
        self.shown: list[str] = []

    async def grade(self, question: Question, answer: str) -> Grade:
        self.shown.append(answer)
        return self._grade


def an_answer(question_id: UUID = QUESTION_ID) -> AnswerRef:
    return AnswerRef(interview_id=uuid4(), question_id=question_id, revision=1, answer_id=uuid4())


async def test_an_assessment_names_the_least_covered_points_first_and_keeps_the_grade() -> None:
    grade = a_grade(c=Verdict.MISSED, b=Verdict.PARTIAL, a=Verdict.MISSED)
    records, grader, answer = Records(), Gives(grade), an_answer()
    activities = GradingActivities(records, grader)
    found = await ActivityEnvironment().run(activities.assess_answer, answer)
    assert found.missed == ("c", "a", "b")
    assert grader.shown == ["the sealed text"]
    assert records.kept == [(answer.answer_id, grade)]


@pytest.mark.parametrize("flag", [Flag.EMPTY, Flag.NO_ANSWER])
async def test_nobody_is_pressed_on_a_question_they_cannot_answer(flag: Flag) -> None:
    activities = GradingActivities(Records(), Gives(a_grade(flag, a=Verdict.MISSED)))
    assert (await ActivityEnvironment().run(activities.assess_answer, an_answer())).missed == ()


async def test_a_grade_is_settled_by_its_rows_id() -> None:
    records, answer = Records(), an_answer()
    activities = GradingActivities(records, Gives(a_grade(a=Verdict.COVERED)))
    settled = await ActivityEnvironment().run(activities.grade_answer, answer)
    assert (settled.answer_id, settled.grade_id) == (answer.answer_id, records.grade_id)


async def test_an_answer_to_a_question_outside_the_plan_is_not_retried() -> None:
    activities = GradingActivities(Records(), Gives(a_grade()))
    with pytest.raises(ApplicationError) as raised:
        await ActivityEnvironment().run(activities.grade_answer, an_answer(uuid4()))
    assert raised.value.non_retryable


class Hangs(Gives):
    """A grader that gives nothing before `open` is set."""

    def __init__(self, grade: Grade) -> None:
        super().__init__(grade)
        self.open = asyncio.Event()

    async def grade(self, question: Question, answer: str) -> Grade:
        grade = await super().grade(question, answer)
        await self.open.wait()
        return grade


def within(limit: timedelta) -> ActivityEnvironment:
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, start_to_close_timeout=limit)
    return environment


async def test_answers_that_nobody_waits_for_leave_the_grader_to_whoever_waits() -> None:
    grader = Hangs(a_grade(a=Verdict.MISSED))
    activities = GradingActivities(Records(), grader)
    graded = [
        asyncio.ensure_future(within(MINUTE).run(activities.grade_answer, an_answer()))
        for _ in range(5)
    ]
    assessed = asyncio.ensure_future(within(MINUTE).run(activities.assess_answer, an_answer()))
    await eventually(lambda: len(grader.shown) == 2)
    grader.open.set()
    assert (await assessed).missed == ("a",)
    assert len({(await each).answer_id for each in graded}) == 5


async def test_a_grader_that_hangs_is_given_up_in_time_and_does_not_hold_up_the_next() -> None:
    grader = Hangs(a_grade(a=Verdict.COVERED))
    activities = GradingActivities(Records(), grader)
    for activity in (activities.grade_answer, activities.assess_answer):
        with pytest.raises(ApplicationError) as raised:
            await within(timedelta(milliseconds=20)).run(activity, an_answer())
        assert (raised.value.type, raised.value.non_retryable) == (GradingFailed.kind, False)
    grader.open.set()
    assert (await within(MINUTE).run(activities.grade_answer, an_answer())).grade_id


# ---------------------------------------------------------------- closing an answer


class OpenAnswer:
    """A store in which some turns may stand open."""

    def __init__(self, *turns: str) -> None:
        self._turns = turns
        self.outcomes: list[Outcome] = []
        self.answer_id = uuid4()
        self.interviews = self.turns = self.answers = self

    async def open(self, interview_id: UUID, question_id: UUID, revision: int) -> tuple[str, ...]:
        return self._turns

    async def put(
        self,
        interview_id: UUID,
        question_id: UUID,
        revision: int,
        answer_id: UUID,
        *,
        outcome: Outcome,
    ) -> UUID:
        self.outcomes.append(outcome)
        return self.answer_id

    async def save_snapshot(self, snapshot: object) -> bool:
        raise NotFound

    async def plan(self, interview_id: UUID) -> dict[UUID, Question]:
        return {}

    async def asked(
        self, interview_id: UUID, question_id: UUID, purpose: TurnPurpose, words: str
    ) -> bool:
        return True

    async def add(self, turn: Turn) -> Turn:
        return turn


def an_order() -> CloseAnswer:
    return CloseAnswer(interview_id=uuid4(), question_id=QUESTION_ID, revision=2)


async def test_what_was_being_said_becomes_an_interrupted_answer() -> None:
    store = OpenAnswer("so the first thing is")
    closed = await ActivityEnvironment().run(InterviewActivities(store).close_answer, an_order())
    assert (closed.answer_id, store.outcomes) == (store.answer_id, [Outcome.INTERRUPTED])


async def test_when_nothing_was_said_no_answer_is_made() -> None:
    store = OpenAnswer()
    closed = await ActivityEnvironment().run(InterviewActivities(store).close_answer, an_order())
    assert (closed.answer_id, store.outcomes) == (None, [])


# ---------------------------------------------------------------- holding a conversation


class Bot:
    """A conversation that goes on until it is told to end, or that ends as it was made to."""

    def __init__(
        self, ends: ConversationEnd | Exception | None = None, *, moves: bool = False
    ) -> None:
        self._ends, self._moves = ends, moves
        self.began = asyncio.Event()
        self.fence: Fence | None = None
        self.leaving: asyncio.Event | None = None
        self.let_go = False
        self.may_leave = asyncio.Event()

    async def __call__(
        self,
        order: HoldConversation,
        fence: Fence,
        beat: Callable[[], None],
        leaving: asyncio.Event,
    ) -> ConversationResult:
        self.fence, self.leaving = fence, leaving
        for _ in range(1000):
            beat()
        self.began.set()
        try:
            if isinstance(self._ends, Exception):
                raise self._ends
            if self._ends is None:
                await (leaving.wait() if self._moves else self.may_leave.wait())
            return ConversationResult(end=self._ends or ConversationEnd.HANDOFF)
        finally:
            self.let_go = True


MOMENT = timedelta(milliseconds=50)


def held(
    bot: Bot, environment: ActivityEnvironment, drain: timedelta = MOMENT
) -> asyncio.Task[ConversationResult]:
    activities = ConversationActivities(bot, drain=drain, let_go=MOMENT)
    order = HoldConversation(interview_id=uuid4(), organisation_id=uuid4(), epoch=4)
    return asyncio.ensure_future(environment.run(activities.hold_conversation, order))


async def test_a_conversation_is_fenced_by_its_epoch_and_attempt_and_its_end_is_told() -> None:
    bot = Bot(ConversationEnd.FINISHED)
    assert (await held(bot, ActivityEnvironment())).end is ConversationEnd.FINISHED
    assert bot.fence == Fence(epoch=4, attempt=1)


async def test_a_bot_that_a_newer_one_replaced_ends_superseded() -> None:
    assert (await held(Bot(StaleFence()), ActivityEnvironment())).end is ConversationEnd.SUPERSEDED


async def test_of_the_beats_of_many_frames_few_go_to_temporal() -> None:
    environment, beats = ActivityEnvironment(), []
    environment.on_heartbeat = lambda *details: beats.append(details)
    await held(Bot(ConversationEnd.LEFT), environment)
    assert 1 <= len(beats) <= 3


async def test_a_cancellation_ends_the_bot_and_stays_a_cancellation() -> None:
    bot, environment = Bot(), ActivityEnvironment()
    conversation = held(bot, environment)
    await bot.began.wait()
    environment.cancel(ActivityCancellationDetails(cancel_requested=True))
    with pytest.raises(asyncio.CancelledError):
        await conversation
    assert bot.let_go


async def test_a_shutdown_is_told_to_the_bot_which_hands_over() -> None:
    bot, environment = Bot(moves=True), ActivityEnvironment()
    conversation = held(bot, environment)
    await bot.began.wait()
    environment.worker_shutdown()
    assert (await conversation).end is ConversationEnd.HANDOFF
    assert bot.leaving is not None
    assert bot.leaving.is_set()


async def test_a_bot_that_talks_on_is_taken_off_the_line_when_the_drain_is_over() -> None:
    bot, environment = Bot(), ActivityEnvironment()
    conversation = held(bot, environment)
    await bot.began.wait()
    environment.worker_shutdown()
    assert (await conversation).end is ConversationEnd.HANDOFF
    assert bot.let_go


async def test_a_bot_that_hands_over_is_heard_out_though_the_next_one_is_called_for() -> None:
    bot, environment = Bot(), ActivityEnvironment()
    conversation = held(bot, environment, drain=timedelta(minutes=1))
    await bot.began.wait()
    environment.worker_shutdown()
    assert bot.leaving is not None
    await bot.leaving.wait()

    environment.cancel(ActivityCancellationDetails(cancel_requested=True))
    ended, _ = await asyncio.wait({conversation}, timeout=0.1)
    assert not ended
    assert not bot.let_go

    bot.may_leave.set()
    with pytest.raises(asyncio.CancelledError):
        await conversation
