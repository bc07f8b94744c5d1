"""The candidate is speaking when somebody else moves the interview: no word is lost by that."""

from __future__ import annotations

import asyncio

import numpy as np

from bench.candidate import Exchange
from bench.voices import RATE_HZ
from contracts.conversation import ConversationEnd
from contracts.interview import InterviewStatus, Move
from contracts.turns import Speaker, TurnPurpose
from tests.voice.rooms import CACHE, HASH, Room, RoomFor
from tests.waiting import eventually

TABLE = "It is a table that maps keys to values with a hash function."
PLACE = "The hash of the key gives the index of the bucket."
TYPED = "Collisions are handled by chaining."


async def in_a_sentence(room: Room, *sentences: str) -> asyncio.Task[Exchange]:
    """The first sentence is being said and nothing of it is recognised for good."""
    breath = np.zeros(int(1.2 * RATE_HZ), np.int16)
    pieces = [piece for text in sentences for piece in (room.candidate.rehearse(text), breath)]
    await room.candidate.join()
    await room.asked("What is a hash table?")
    speech = asyncio.create_task(room.candidate.say(np.concatenate(pieces[:-1])))
    await eventually(lambda: any(c.who == "candidate" for c in room.candidate.captions.values()))
    assert not speech.done()
    assert TurnPurpose.ANSWER not in room.purposes()
    return speech


async def test_a_sentence_begun_before_the_end_belongs_to_the_answer_and_a_later_one_does_not(
    room_for: RoomFor,
) -> None:
    room = room_for(HASH, CACHE)
    speaking = await in_a_sentence(room, TABLE, PLACE)
    room.interview.move("finish", Move())
    assert (await room.reception.result()).end is ConversationEnd.FINISHED
    speaking.cancel()
    assert "We end here, as you asked." in room.said()
    assert "maps keys to values" in room.answer(1)
    assert "bucket" not in room.answer(1)
    spoken = [turn for turn in room.interview.turns if turn.speaker is Speaker.CANDIDATE]
    first = next(iter(room.interview.questions))
    assert (spoken[0].question_id, spoken[0].revision) == (first, 1)
    assert room.interview.calls == ["finish"]


async def test_a_sentence_in_progress_joins_the_answer_that_was_typed_meanwhile(
    room_for: RoomFor,
) -> None:
    room = room_for(HASH, CACHE)
    speaking = await in_a_sentence(room, TABLE)
    room.interview.type_answer(TYPED)
    await speaking
    await eventually(lambda: "record 2" in room.interview.calls)
    first = next(iter(room.interview.questions))
    text = room.interview.answers[first, 2][1]
    assert "maps keys to values" in text
    assert TYPED in text
    assert room.interview.calls == ["reopen 1", "record 2"]
    await room.asked("What is a cache used for?")


async def test_a_pause_in_the_middle_of_a_sentence_keeps_the_sentence(room_for: RoomFor) -> None:
    room = room_for(HASH, CACHE, patience_s=4.0)
    speaking = await in_a_sentence(room, TABLE)
    room.interview.move("pause", Move())
    assert (await room.reception.result()).end is ConversationEnd.PAUSED
    speaking.cancel()
    assert "maps keys to values" in room.answer(1)
    assert "record 1" not in room.interview.calls

    room.interview.status = InterviewStatus.INTERRUPTED
    await room.come_back()
    await room.asked("What you said so far is kept")
