"""An interview on real Temporal with the database, the grader and the bot in memory.

`Stage` runs the product's workflow and activities; what the activities work on is a `Room` per
interview, which a test reads, and whose grader and bot it may hold up or let fail.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from activities.conversations import ConversationActivities
from contracts.activities import BuildReport
from contracts.conversation import ConversationEnd, ConversationResult, HoldConversation
from contracts.errors import InvalidInput
from contracts.grades import Grade, GradeKind, PointGrade, Verdict
from contracts.interview import (
    BotReady,
    Consent,
    Fence,
    InterviewStart,
    InterviewStatus,
    Join,
    Joined,
    JoinPurpose,
    Outcome,
    RecordAnswer,
    Snapshot,
)
from contracts.questions import Question
from contracts.queues import CONVERSATIONS, GRADING, INTERVIEWS
from local.temporal import extra_arguments, temporal_program
from tests.replay.memory_rooms import MemoryRooms
from tests.replay.plans import POINTS, a_bank_question, a_start
from tests.workers import activities_over, polling
from workflows.interview_client import BoundInterview, InterviewClient, workflow_id
from workflows.interview_session import InterviewSession


@dataclass
class Bot:
    """A conversation in memory. It is ready at once and stays until it is told how to end."""

    order: HoldConversation
    fence: Fence
    updates: BoundInterview
    ended: asyncio.Future[ConversationEnd] = field(default_factory=asyncio.Future)
    connected: bool = True
    cancelled: bool = False


class Room:
    """What the database, the grader and the bots hold of one interview."""

    def __init__(self, stage: Stage, start: InterviewStart) -> None:
        self.stage = stage
        self.start = start
        self.saved: list[Snapshot] = []
        self.reports: list[BuildReport] = []
        self.graded: list[UUID] = []  # answer ids, in the order their grading ended
        self.bots: list[Bot] = []
        self.missed: dict[UUID, tuple[str, ...]] = {}  # by answer id
        self.misses: tuple[str, ...] = ()  # by every answer not named in `missed`
        self.open_turns: set[tuple[UUID, int]] = set()
        self.grading_open = asyncio.Event()
        self.grading_open.set()
        self.closing_open = asyncio.Event()
        self.closing_open.set()
        self.ungradable: set[UUID] = set()
        self.unreportable = 0  # how many tries at a report fail
        self.measured = 0  # how often its recordings were joined
        self.unmeasurable = False
        self.last_alive_at: Callable[[], datetime | None] = lambda: None
        self.bot_fails: Exception | None = None
        self.bot_stays_silent = False
        self.bot_polite = True  # leaves by itself when the interview is over or paused

    # -- what a test does

    @property
    def id(self) -> UUID:
        return self.start.interview_id

    @property
    def client(self) -> InterviewClient:
        return self.stage.client

    async def state(self) -> Snapshot:
        return await self.client.snapshot(self.id)

    async def agree(self) -> Snapshot:
        return await self.client.consent(self.id, Consent(consent_id=uuid4()))

    async def type_on(self) -> Snapshot:
        """Agrees and opens typing."""
        await self.agree()
        return (await self.client.join(self.id, Join(purpose=JoinPurpose.TYPING))).snapshot

    async def call(self, purpose: JoinPurpose = JoinPurpose.INTERVIEW) -> Joined:
        """A new offer. The candidate must have agreed."""
        return await self.client.join(self.id, Join(purpose=purpose, offer_id=uuid4()))

    def joining(self, join: Join | None = None) -> asyncio.Task[Joined]:
        """A join whose reply is not waited for yet."""
        wish = join or Join(offer_id=uuid4())
        return asyncio.create_task(self.client.join(self.id, wish))

    async def speak(self) -> Bot:
        """Agrees and joins by voice; the bot that is ready then."""
        await self.agree()
        await self.call()
        return self.bots[-1]

    async def answer(self, *, fence: Fence | None = None, await_next: bool = True) -> Snapshot:
        """Answers whatever is asked now."""
        cursor = (await self.state()).cursor
        assert cursor.question_id is not None
        answer = RecordAnswer(
            question_id=cursor.question_id,
            revision=cursor.revision,
            answer_id=uuid4(),
            fence=fence,
            await_next=await_next,
        )
        return await self.client.record_answer(self.id, answer)

    async def answer_all(self) -> Snapshot:
        snapshot = await self.state()
        while snapshot.cursor.question_id is not None:
            snapshot = await self.answer()
        return snapshot

    async def until(self, *statuses: InterviewStatus, within_s: float = 10) -> Snapshot:
        """Waits until a state with one of these was saved, and returns it."""
        async with asyncio.timeout(within_s), self.stage.news:
            await self.stage.news.wait_for(
                lambda: bool(self.saved) and self.saved[-1].status in statuses
            )
        return self.saved[-1]

    async def until_true(self, probe: Callable[[], bool], within_s: float = 10) -> None:
        """Waits until `probe` holds; it is asked whenever this stage has news."""
        async with asyncio.timeout(within_s), self.stage.news:
            await self.stage.news.wait_for(probe)

    async def result(self) -> Snapshot:
        await self.stage.until_ended(self)
        return await self.stage.handle(self).result()


class Stage:
    """The worker's side, for any number of interviews."""

    def __init__(self, temporal: Client) -> None:
        self.temporal = temporal
        self.client = InterviewClient(temporal)
        self.rooms: dict[UUID, Room] = {}
        self.news = asyncio.Condition()
        self.livekit = MemoryRooms()

    async def open(self, start: InterviewStart | None = None) -> Room:
        start = start or a_start()
        room = self.rooms[start.interview_id] = Room(self, start)
        await self.client.start(start)
        return room

    async def agreed(self, **changes: Any) -> Room:
        """Opened, and the candidate agrees."""
        room = await self.open(a_start(**changes))
        await room.agree()
        return room

    def handle(self, room: Room) -> WorkflowHandle[InterviewSession, Snapshot]:
        return self.temporal.get_workflow_handle_for(InterviewSession.run, workflow_id(room.id))

    async def until_ended(self, room: Room) -> None:
        """A server whose time does not pass by itself lets it pass here."""

    async def tell(self) -> None:
        async with self.news:
            self.news.notify_all()

    # -- what the activities work on: the protocols of their constructors

    @property
    def interviews(self) -> Any:
        return SimpleNamespace(save_snapshot=self._save, plan=self._plan)

    @property
    def turns(self) -> Any:
        return SimpleNamespace(open=self._open_turns, asked=self._asked)

    @property
    def answers(self) -> Any:
        return SimpleNamespace(put=self._put_answer, seal=self._seal)

    @property
    def grades(self) -> Any:
        return SimpleNamespace(put=self._put_grade)

    @property
    def recordings(self) -> Any:
        return SimpleNamespace(of_interview=self._recorded)

    async def _recorded(self, interview_id: UUID) -> Sequence[Any]:
        return ()

    async def _save(self, snapshot: Snapshot) -> bool:
        saved = self.rooms[snapshot.interview_id].saved
        newer = not saved or saved[-1].state_version < snapshot.state_version
        if newer:
            saved.append(snapshot)
        await self.tell()
        return newer

    async def _plan(self, interview_id: UUID) -> Mapping[UUID, Question]:
        planned = self.rooms[interview_id].start.questions
        return {q.question_id: a_bank_question(interview_id, n) for n, q in enumerate(planned)}

    async def _open_turns(self, interview_id: UUID, question_id: UUID, revision: int) -> list[str]:
        room = self.rooms[interview_id]
        await room.closing_open.wait()
        said = (question_id, revision) in room.open_turns
        return ["CANARY what was said"] if said else []

    async def _asked(self, *prompt: object) -> bool:
        return True  # its words are on record; no test here reads them

    async def _put_answer(
        self,
        interview_id: UUID,
        question_id: UUID,
        revision: int,
        answer_id: UUID,
        *,
        outcome: Outcome,
    ) -> UUID:
        return answer_id

    async def _seal(self, answer_id: UUID) -> Any:
        # The grader is called with the question and the text alone: the text is the answer's id.
        return SimpleNamespace(text=str(answer_id))

    async def _put_grade(self, answer_id: UUID, grade: Grade) -> UUID:
        return uuid4()

    async def grade(self, question: Question, answer: str) -> Grade:
        """`answer` is the answer's id and the topic its interview's, see `_seal` and `_plan`."""
        room, answer_id = self.rooms[UUID(question.topic)], UUID(answer)
        await room.grading_open.wait()
        if answer_id in room.ungradable:
            raise InvalidInput("this answer cannot be graded")
        room.graded.append(answer_id)
        missed = room.missed.get(answer_id, room.misses)
        return Grade(
            kind=GradeKind.EMBEDDED,
            grader_version="in-memory",
            score=5,
            points=tuple(_point(point, point in missed) for point in POINTS),
        )

    async def build(self, order: BuildReport) -> UUID:
        room = self.rooms[order.interview_id]
        if room.unreportable > 0:
            room.unreportable -= 1
            raise InvalidInput("this report cannot be made")
        room.reports.append(order)
        await self.tell()
        return uuid4()

    async def join(self, interview_id: UUID, recordings: Sequence[Any]) -> None:
        """Nothing was recorded."""
        room = self.rooms[interview_id]
        room.measured += 1
        await self.tell()
        if room.unmeasurable:
            raise InvalidInput("these recordings cannot be joined")

    async def score(self, whole: Any, turns: Sequence[Any]) -> Any:
        raise AssertionError("nothing was recorded")

    async def converse(
        self,
        order: HoldConversation,
        fence: Fence,
        beat: Callable[[], None],
        leaving: asyncio.Event,
    ) -> ConversationResult:
        room = self.rooms[order.interview_id]
        bot = Bot(order, fence, self.client.bound(order.interview_id, fence))
        room.bots.append(bot)
        await self.tell()
        if room.bot_fails is not None:
            raise room.bot_fails
        try:
            if not room.bot_stays_silent:
                await bot.updates.bot_ready(
                    BotReady(
                        fence=fence,
                        offer_id=order.offer_id,
                        purpose=order.purpose,
                        last_alive_at=room.last_alive_at(),
                    )
                )
            end = await self._until_over(room, bot, beat, leaving)
            return ConversationResult(end=end, connected=bot.connected)
        except asyncio.CancelledError:
            bot.cancelled = True
            await self.tell()
            raise

    async def _until_over(
        self, room: Room, bot: Bot, beat: Callable[[], None], leaving: asyncio.Event
    ) -> ConversationEnd:
        handed_over = asyncio.ensure_future(leaving.wait())
        polite = asyncio.ensure_future(self._seen_over(room))
        try:
            while True:
                beat()
                done, _ = await asyncio.wait(
                    (bot.ended, handed_over, polite),
                    timeout=0.5,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if bot.ended in done:
                    return bot.ended.result()
                if handed_over in done:
                    return ConversationEnd.HANDOFF
                if polite in done:
                    return polite.result()
        finally:
            handed_over.cancel()
            polite.cancel()

    async def _seen_over(self, room: Room) -> ConversationEnd:
        """What a live bot reads from the saved state."""
        async with self.news:
            await self.news.wait_for(lambda: room.bot_polite and bool(room.saved) and _over(room))
        paused = room.saved[-1].status is InterviewStatus.PAUSED
        return ConversationEnd.PAUSED if paused else ConversationEnd.FINISHED


def _over(room: Room) -> bool:
    last = room.saved[-1]
    return last.status is InterviewStatus.PAUSED or last.cursor.question_id is None


def _point(key_point_id: str, missed: bool) -> PointGrade:
    verdict = Verdict.MISSED if missed else Verdict.COVERED
    return PointGrade(key_point_id=key_point_id, verdict=verdict, credit=0.0 if missed else 1.0)


@asynccontextmanager
async def working(
    stage: Stage,
    *,
    workflow: type = InterviewSession,
    slots: int = 100,
    queues: Sequence[str] = (INTERVIEWS, GRADING, CONVERSATIONS),
) -> AsyncIterator[None]:
    """Workers for the stage's interviews. Without CONVERSATIONS no bot has a slot."""
    bots = ConversationActivities(stage.converse, drain=timedelta(seconds=2))
    activities = {
        **activities_over(stage, stage, stage, stage, stage.livekit, unhurried=slots),
        CONVERSATIONS: [bots.hold_conversation],
    }
    async with polling(
        stage.temporal,
        {queue: activities[queue] for queue in queues},
        workflow=workflow,
        max_concurrent_activities=slots,
        graceful_shutdown_timeout=timedelta(seconds=3),
    ):
        yield


@asynccontextmanager
async def local_temporal() -> AsyncIterator[Client]:
    """A development server of its own, so that no other test's workers poll the same queues."""
    async with await WorkflowEnvironment.start_local(
        data_converter=pydantic_data_converter,
        identity="rehearsal",  # by default it names the machine, and histories are committed
        dev_server_existing_path=str(temporal_program()),
        dev_server_extra_args=extra_arguments(),
    ) as environment:
        yield environment.client
