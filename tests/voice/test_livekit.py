"""Spoken interviews in a LiveKit room: its own server, its own client, the real bot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from bench.room_candidate import RoomCandidate
from bench.voices import Voice
from contracts.conversation import ConversationEnd, ConversationResult, HoldConversation
from contracts.errors import Unavailable
from contracts.interview import Fence, JoinPurpose
from contracts.questions import Question
from contracts.turns import TurnPurpose
from tests.livekit import Running, livekit_server
from tests.voice.memory import MemoryInterview, MemoryJournal, MemoryUpdates
from tests.voice.rooms import CACHE, HASH, Terse
from tests.waiting import eventually
from voice.conversation import Conversation, ConversationSettings, Speech

TABLE = "It is a table that maps keys to values with a hash function."
FASTER = "A cache keeps copies of data so that reading it again is faster."


@pytest.fixture(scope="module")
async def livekit() -> AsyncIterator[Running]:
    async with livekit_server() as running:
        yield running


class InRoom:
    """An interview in memory whose bots are held one after the other, as Temporal would."""

    def __init__(
        self, livekit: Running, speech: Speech, voice: Voice, folder: Path, *questions: Question
    ) -> None:
        self.interview = MemoryInterview(questions)
        self.livekit = livekit
        self.conversation = Conversation(
            speech,
            self._journal,
            self._updates,
            ConversationSettings(str(folder / "recordings")),
            Terse(),
            rooms=livekit.rooms,
        )
        self.held: list[asyncio.Task[ConversationResult]] = []
        self.candidate = RoomCandidate(self._enter, voice)

    async def hold(
        self, attempt: int = 1, purpose: JoinPurpose = JoinPurpose.INTERVIEW
    ) -> asyncio.Task[ConversationResult]:
        """A bot; returns once it has reported ready."""
        version = self.interview.version
        spec = HoldConversation(
            interview_id=self.interview.id,
            organisation_id=uuid7(),
            epoch=1,
            transport="livekit",
            purpose=purpose,
        )
        fence = Fence(epoch=1, attempt=attempt)
        bot = asyncio.create_task(self.conversation.hold(spec, fence, lambda: None))
        self.held.append(bot)
        await eventually(lambda: self.interview.version > version or bot.done())
        return bot

    async def _enter(self) -> tuple[str, str]:
        return self.livekit.rooms.candidates_pass(self.interview.id, 1)

    def _journal(self, interview_id: UUID, fence: Fence) -> MemoryJournal:
        return MemoryJournal(self.interview, fence)

    def _updates(self, interview_id: UUID, fence: Fence) -> MemoryUpdates:
        return MemoryUpdates(self.interview, fence)

    def said(self) -> str:
        captions = self.candidate.captions.values()
        return " ".join(c.text for c in captions if c.who == "interviewer")

    async def asked(self, text: str) -> None:
        await eventually(lambda: text in self.said(), within_s=30)
        await eventually(lambda: self.candidate.state == "listening", within_s=30)

    async def close(self) -> None:
        await self.candidate.leave()
        for bot in self.held:
            bot.cancel()
        await asyncio.gather(*self.held, return_exceptions=True)


@pytest.fixture
async def room(
    livekit: Running, speech: Speech, heart: Voice, tmp_path: Path
) -> AsyncIterator[InRoom]:
    made = InRoom(livekit, speech, heart, tmp_path, HASH, CACHE)
    for text in (TABLE, FASTER):
        made.candidate.rehearse(text)
    yield made
    await made.close()


async def test_an_interview_is_held_in_a_room_from_greeting_to_farewell(room: InRoom) -> None:
    bot = await room.hold()
    await room.candidate.join()
    await room.asked("What is a hash table?")
    assert room.candidate.joined_in_s is not None
    for answer in (TABLE, FASTER):
        await room.candidate.ask(answer)
    result = await asyncio.wait_for(bot, 30)
    assert (result.end, result.connected) == (ConversationEnd.FINISHED, True)
    assert room.candidate.ended == "finished"
    assert room.interview.calls == ["record 1", "record 1"]
    assert "maps keys to values" in " ".join(room.interview.texts(TurnPurpose.ANSWER))
    assert room.interview.texts()[-1].endswith("Goodbye.")
    (_, complete), *_ = room.interview.recordings.values()
    assert complete


async def test_the_next_bot_takes_the_place_and_the_old_one_writes_nothing_more(
    room: InRoom,
) -> None:
    first = await room.hold()
    await room.candidate.join()
    await room.asked("What is a hash table?")
    second = await room.hold(attempt=2)
    assert (await asyncio.wait_for(first, 10)).end is ConversationEnd.SUPERSEDED
    written = len(room.interview.turns)
    await eventually(lambda: "Welcome back" in room.said(), within_s=15)
    assert not second.done()
    assert room.candidate.lines[-1] is room.candidate.lines[0]
    resumed = room.interview.turns[written:]
    assert {turn.purpose for turn in resumed} <= {TurnPurpose.RESUME, TurnPurpose.QUESTION}


async def test_a_closed_room_ends_its_bot_as_a_failure(room: InRoom) -> None:
    bot = await room.hold()
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.livekit.rooms.close(room.interview.id)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(bot, 10)


async def test_who_leaves_and_is_back_at_once_hears_the_question_again(room: InRoom) -> None:
    bot = await room.hold()
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.leave()
    room.candidate = RoomCandidate(room.candidate._enter, room.candidate._voice)
    await room.candidate.join()
    await eventually(lambda: "What is a hash table?" in room.said(), within_s=15)
    assert not bot.done()


async def test_who_leaves_for_good_is_waited_for_no_longer_than_that(room: InRoom) -> None:
    bot = await room.hold()
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.leave()
    result = await asyncio.wait_for(bot, 15)
    assert (result.end, result.connected) == (ConversationEnd.LEFT, True)


async def test_the_check_tells_what_was_heard(room: InRoom) -> None:
    bot = await room.hold(purpose=JoinPurpose.CHECK)
    heard: list[dict[str, Any]] = []
    room.candidate._said = heard.append
    await room.candidate.join()
    await room.candidate.listen()
    await room.candidate.say(TABLE)
    await eventually(lambda: any(each["type"] == "heard" for each in heard), within_s=15)
    await room.candidate.leave()
    assert (await asyncio.wait_for(bot, 15)).end is ConversationEnd.LEFT
    assert room.interview.turns == []


async def test_a_draining_worker_gives_the_conversation_away(room: InRoom) -> None:
    bot = await room.hold()
    await room.candidate.join()
    await room.asked("What is a hash table?")
    room.conversation.drain()
    assert (await asyncio.wait_for(bot, 10)).end is ConversationEnd.HANDOFF
