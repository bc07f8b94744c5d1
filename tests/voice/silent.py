"""A conversation in text: a room without sound, where lines are heard at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from pipecat.frames.frames import Frame

from contracts.interview import Fence, InterviewStatus
from contracts.language import AsksModels
from contracts.questions import Question
from contracts.turns import Speaker, TurnPurpose
from tests.voice.memory import (
    MemoryInterview,
    MemoryJournal,
    MemoryUpdates,
    Missing,
    nothing_missing,
)
from tests.voice.rooms import CACHE, HASH, Terse
from tests.waiting import eventually
from voice.clerk import Clerk
from voice.dialogue import Dialogue
from voice.improvising import Improviser, Model
from voice.interviewer import Interviewer
from voice.messages import Message
from voice.notebook import Notebook
from voice.pauses import Kind
from voice.speaking import Mouth, SpeechMark
from voice.speech import Heard


class SilentRoom:
    """`speak` holds the candidate's voice up until the words are `heard`."""

    def __init__(self) -> None:
        self.marks: asyncio.Queue[SpeechMark] = asyncio.Queue()
        self.audible = asyncio.Event()
        self.dialogue: Dialogue
        self.candidate_speaking = False
        self.words_due = False
        self.sent: list[Message] = []
        self.expected: list[Kind] = []
        self.began_at = datetime.now(UTC)

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def quiet(self, asked: timedelta | None) -> None:
        """There is no turn taking here."""

    def expect(self, kind: Kind, *, reply: bool = False) -> None:
        self.expected.append(kind)

    def prepare(self, texts: Sequence[str]) -> None:
        """Nothing is synthesised."""

    async def close_turn(self) -> None:
        self.dialogue.turn_stopped()

    async def push(self, frame: Frame) -> None:
        if isinstance(frame, SpeechMark):
            self.marks.put_nowait(frame)

    async def interrupt(self) -> None:
        """There is no sound to stop."""

    async def pass_marks(self) -> None:
        while True:
            mark = await self.marks.get()
            await self.audible.wait()
            await self.dialogue.mouth.passed(mark)

    # -- the candidate

    def speak(self) -> None:
        self.candidate_speaking = self.words_due = True
        self.began_at = datetime.now(UTC)
        self.dialogue.turn_started()

    def heard(self, text: str) -> None:
        self.dialogue.heard(Heard(text, text, self.began_at, datetime.now(UTC)))
        self.candidate_speaking = self.words_due = False

    def say(self, *stretches: str) -> None:
        """A whole turn, with a breath after each stretch."""
        for text in stretches:
            self.speak()
            self.heard(text)
        self.dialogue.turn_stopped()


class Talk:
    def __init__(self, interview: MemoryInterview, room: SilentRoom) -> None:
        self.interview = interview
        self.room = room

    def said(self) -> list[tuple[str, TurnPurpose, UUID | None, int | None]]:
        spoken = [t for t in self.interview.turns if t.speaker is Speaker.CANDIDATE]
        return [(t.text, t.purpose, t.question_id, t.revision) for t in spoken]

    def bot(self) -> list[str]:
        return [t.text for t in self.interview.turns if t.speaker is Speaker.INTERVIEWER]

    def asked(self) -> str:
        prompts = (TurnPurpose.QUESTION, TurnPurpose.FOLLOW_UP)
        return " ".join(self.interview.texts(*prompts))

    async def purposes(self, count: int) -> list[tuple[str, TurnPurpose]]:
        await eventually(lambda: len(self.said()) == count)
        return [(text, purpose) for text, purpose, _, _ in self.said()]


@asynccontextmanager
async def talking(
    model: AsksModels | None = None,
    missing: Missing = nothing_missing,
    questions: Sequence[Question] = (HASH, CACHE),
    *,
    heard: bool = True,
) -> AsyncIterator[Talk]:
    """The first question is asked; or nothing is `heard` of the bot before `audible` is set."""
    interview = MemoryInterview(questions, missing=missing)
    fence, room = Fence(epoch=0), SilentRoom()
    journal, updates = MemoryJournal(interview, fence), MemoryUpdates(interview, fence)
    notebook = Notebook(journal, lambda: None)
    clerk = Clerk(
        interview.id,
        fence,
        journal=journal,
        updates=updates,
        notebook=notebook,
        recording=None,
    )
    interview.status = InterviewStatus.IN_PROGRESS
    improviser = Improviser(Model(model), interview.used.append)
    interviewer = Interviewer(interview.questions, Terse(), interview.snapshot(), improviser)
    dialogue = room.dialogue = Dialogue(interviewer, clerk, room, fence.epoch)
    dialogue.mouth = Mouth(room.push, room.interrupt, dialogue.page)

    async def follow() -> None:
        async for version in interview.watch():
            dialogue.changed(version)

    talk = Talk(interview, room)
    beside = (notebook.run(), room.pass_marks(), follow(), dialogue.run([]))
    tasks = [asyncio.create_task(each) for each in beside]
    try:
        if heard:
            room.audible.set()
            await eventually(lambda: questions[0].prompt in talk.asked())
        yield talk
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
