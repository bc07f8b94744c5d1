"""What becomes of each stretch of speech, in a room without sound where lines are heard at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from pipecat.frames.frames import Frame

from contracts.interview import Fence, InterviewStatus, Move
from contracts.turns import Speaker, TurnPurpose
from tests.voice.memory import MemoryInterview, MemoryJournal, MemoryUpdates
from tests.voice.rooms import CACHE, HASH, Terse
from tests.waiting import eventually
from voice.clerk import Clerk
from voice.dialogue import Dialogue
from voice.interviewer import Interviewer
from voice.messages import Message
from voice.notebook import Notebook
from voice.pauses import Kind
from voice.speaking import Mouth, SpeechMark
from voice.speech import Heard

POINTER = "Each node holds a pointer."
ANSWER, CONTROL = TurnPurpose.ANSWER, TurnPurpose.CONTROL


class SilentRoom:
    """`speak` holds the candidate's voice up until the words are `heard`."""

    def __init__(self) -> None:
        self.marks: asyncio.Queue[SpeechMark] = asyncio.Queue()
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
            await self.dialogue.mouth.passed(await self.marks.get())

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

    def asked(self) -> str:
        prompts = (TurnPurpose.QUESTION, TurnPurpose.FOLLOW_UP)
        return " ".join(self.interview.texts(*prompts))

    async def purposes(self, count: int) -> list[tuple[str, TurnPurpose]]:
        await eventually(lambda: len(self.said()) == count)
        return [(text, purpose) for text, purpose, _, _ in self.said()]


@asynccontextmanager
async def talking() -> AsyncIterator[Talk]:
    interview = MemoryInterview([HASH, CACHE])
    fence, room = Fence(epoch=0), SilentRoom()
    journal, updates = MemoryJournal(interview, fence), MemoryUpdates(interview, fence)
    notebook = Notebook(journal, lambda: None)
    clerk = Clerk(
        interview.id,
        fence,
        journal=journal,
        updates=updates,
        notebook=notebook,
        place=lambda at: (None, None),
    )
    interview.status = InterviewStatus.IN_PROGRESS
    interviewer = Interviewer(interview.questions, Terse(), interview.snapshot())
    dialogue = room.dialogue = Dialogue(interviewer, clerk, room, fence.epoch)
    dialogue.mouth = Mouth(room.push, room.interrupt, dialogue.page)

    async def follow() -> None:
        async for version in interview.watch():
            dialogue.changed(version)

    talk = Talk(interview, room)
    beside = (notebook.run(), room.pass_marks(), follow(), dialogue.run([]))
    tasks = [asyncio.create_task(each) for each in beside]
    try:
        await eventually(lambda: "What is a hash table?" in talk.asked())
        yield talk
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize(
    "stretches",
    [
        ["The last one."],
        ["Thirty seconds."],
        [POINTER, "To the previous one."],
        ["The thread has to", "wait."],
        ["If the lock is taken you try", "again."],
        ["Skip", "lists are sorted."],
        ["Wait.", "Go back.", "That is what a reader does."],
    ],
)
async def test_every_stretch_of_an_answer_is_in_it(stretches: list[str]) -> None:
    async with talking() as talk:
        talk.room.say(*stretches)
        await eventually(lambda: talk.interview.calls == ["record 1"])
        first = next(iter(talk.interview.questions))
        assert talk.interview.answers[first, 1][1] == " ".join(stretches)
        assert await talk.purposes(len(stretches)) == [(text, ANSWER) for text in stretches]


@pytest.mark.parametrize("request_text", ["Skip it.", "Could you repeat the question?", "Wait."])
async def test_a_whole_turn_that_is_a_request_is_no_answer(request_text: str) -> None:
    async with talking() as talk:
        talk.room.say(request_text)
        assert await talk.purposes(1) == [(request_text, CONTROL)]
        assert talk.interview.calls == []


async def test_a_request_in_full_after_an_answer_is_no_part_of_it() -> None:
    async with talking() as talk:
        talk.room.say(POINTER, "Let me think.")
        assert await talk.purposes(2) == [(POINTER, ANSWER), ("Let me think.", CONTROL)]
        assert talk.interview.calls == []


async def test_what_was_begun_before_the_end_belongs_to_the_answer_and_the_rest_does_not() -> None:
    async with talking() as talk:
        first = next(iter(talk.interview.questions))
        talk.room.speak()
        talk.interview.move("finish", Move())
        await eventually(lambda: {"type": "cursor", "state_version": 2} in talk.room.sent)
        talk.room.heard(POINTER)
        talk.room.say("Now I have to go.")
        await eventually(lambda: len(talk.said()) == 2)
        assert talk.said() == [
            (POINTER, ANSWER, first, 1),
            ("Now I have to go.", CONTROL, None, None),
        ]


async def test_what_was_begun_before_an_answer_was_typed_is_part_of_that_answer() -> None:
    async with talking() as talk:
        first = next(iter(talk.interview.questions))
        talk.room.speak()
        talk.interview.type_answer("What I typed.")
        await eventually(lambda: {"type": "cursor", "state_version": 2} in talk.room.sent)
        talk.room.heard(POINTER)
        talk.room.dialogue.turn_stopped()
        await eventually(lambda: talk.interview.calls == ["reopen 1", "record 2"])
        assert talk.interview.answers[first, 2][1] == f"What I typed. {POINTER}"


async def test_a_request_begun_before_the_end_is_no_answer() -> None:
    async with talking() as talk:
        talk.room.speak()
        talk.interview.move("finish", Move())
        await eventually(lambda: {"type": "cursor", "state_version": 2} in talk.room.sent)
        talk.room.heard("Could you repeat the question?")
        assert await talk.purposes(1) == [("Could you repeat the question?", CONTROL)]


async def test_turn_taking_is_told_what_kind_of_answer_comes() -> None:
    async with talking() as talk:
        await eventually(lambda: "hash table" in talk.asked())
        assert set(talk.room.expected) == {Kind.EXPLAIN}
        talk.room.say("Please skip this question.")
        await eventually(lambda: talk.room.expected[-1] is Kind.CONTROL)
        talk.room.say("No.")
        await eventually(lambda: talk.room.expected[-1] is Kind.EXPLAIN)
