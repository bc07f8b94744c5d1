"""Time that runs out while somebody speaks: announced aloud, never over the candidate's words."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import numpy as np

from bench.candidate import Exchange
from bench.voices import RATE_HZ, Samples
from contracts.conversation import ConversationEnd
from contracts.turns import Speaker, TurnPurpose
from tests.voice.rooms import CACHE, HASH, Room, RoomFor
from tests.waiting import eventually

TABLE = "It is a table that maps keys to values with a hash function."
PLACE = "The hash of the key gives the index of the bucket."
FASTER = "A cache keeps copies of data so that reading it again is faster."
SHORT_OF_TIME = HASH.model_copy(update={"time_limit": timedelta(seconds=31)})
OUT_OF_TIME = HASH.model_copy(update={"time_limit": timedelta(seconds=-29)})


def with_breaths(room: Room, *sentences: str) -> Samples:
    """One answer: between two sentences as long a pause as a breath takes."""
    breath = np.zeros(int(0.6 * RATE_HZ), np.int16)
    pieces = [piece for text in sentences for piece in (room.candidate.rehearse(text), breath)]
    return np.concatenate(pieces[:-1])


def time_left(room: Room, left: timedelta) -> None:
    """The clock jumps, as it does when lost time is given back, and the bot is told."""
    room.interview.remaining = left
    room.interview.changed()


async def in_the_middle(room: Room, *sentences: str) -> asyncio.Task[Exchange]:
    """An answer of which the first sentence is known, and which goes on."""
    answer = with_breaths(room, *sentences)
    await room.candidate.join()
    await room.asked("What is a hash table?")
    speech = asyncio.create_task(room.candidate.say(answer))
    await eventually(lambda: TurnPurpose.ANSWER in room.purposes())
    assert not speech.done()
    return speech


async def speaking_at_the_deadline(room: Room, *sentences: str) -> asyncio.Task[Exchange]:
    speech = await in_the_middle(room, *sentences)
    room.interview.end("deadline")
    room.interview.changed()
    return speech


def spoke_first_after(room: Room, said: Exchange) -> float:
    """Seconds from the end of what the candidate said to the bot's next word; negative: into it."""
    onset = room.candidate.ear.next_onset(said.began_at)
    assert onset is not None
    return onset - said.ended_at


async def test_the_end_of_the_interviews_time_is_announced_aloud_twice(room_for: RoomFor) -> None:
    room = room_for(HASH, CACHE, rehearse=(TABLE,))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    for minutes, words in ((5, "We have about five minutes left."), (1, "about a minute left.")):
        time_left(room, timedelta(minutes=minutes))
        await room.asked(words)
        time_left(room, timedelta(minutes=minutes, seconds=-1))
    await room.candidate.ask(TABLE)
    await room.asked("What is a cache used for?")
    told = [text for text in room.bot_turns() if "left" in text]
    assert told == ["We have about five minutes left.", "We have about a minute left."]
    assert room.when("notice", code="wind_down") is not None
    assert room.interview.calls == ["record 1"]


async def test_the_time_is_not_announced_into_an_answer(room_for: RoomFor) -> None:
    room = room_for(HASH, CACHE, patience_s=1.5)
    speaking = await in_the_middle(room, TABLE, PLACE, FASTER)
    time_left(room, timedelta(minutes=1))
    said = await speaking
    await room.asked("What is a cache used for?")
    assert spoke_first_after(room, said) > 0
    assert "about a minute left" in room.said()
    assert room.interview.calls == ["record 1"]
    assert all(word in room.answer(1) for word in ("maps keys", "bucket", "copies"))


async def test_a_questions_own_limit_is_announced_once_and_cuts_nothing(room_for: RoomFor) -> None:
    room = room_for(SHORT_OF_TIME, CACHE, rehearse=(TABLE,))
    await room.candidate.join()
    await room.asked("Please bring this answer to a close.")
    assert room.when("notice", code="question_wind_down") is not None
    await room.candidate.ask(TABLE)
    await room.asked("What is a cache used for?")
    assert room.said().count("Please bring this answer to a close.") == 1
    assert "maps keys" in room.answer(1)


async def test_an_answer_beyond_its_limit_is_closed_at_a_pause_and_not_at_a_breath(
    room_for: RoomFor,
) -> None:
    room = room_for(OUT_OF_TIME, CACHE, patience_s=8.0)
    answer = with_breaths(room, TABLE, PLACE, FASTER)
    await room.candidate.join()
    await room.asked("Please bring this answer to a close.")
    said = await room.candidate.say(answer)
    await eventually(lambda: room.interview.calls == ["record 1"], within_s=5)
    await room.asked("What is a cache used for?")
    assert spoke_first_after(room, said) > 0
    assert all(word in room.answer(1) for word in ("maps keys", "bucket", "copies"))
    assert room.interview.calls == ["record 1"]


async def test_the_deadline_lets_the_candidate_finish_the_sentence(room_for: RoomFor) -> None:
    room = room_for(HASH, CACHE, patience_s=4.0)
    said = await (await speaking_at_the_deadline(room, TABLE, PLACE))
    assert (await room.reception.result()).end is ConversationEnd.FINISHED
    assert 0 < spoke_first_after(room, said) < 4
    assert room.candidate.ended == "finished"
    closing = "Our time is up. Thank you, your answers are saved and a person decides. Goodbye."
    assert room.bot_turns()[-1] == closing
    spoken = [turn for turn in room.interview.turns if turn.speaker is Speaker.CANDIDATE]
    question_id = next(iter(room.interview.questions))
    places = {(turn.purpose, turn.question_id, turn.revision) for turn in spoken}
    assert places == {(TurnPurpose.ANSWER, question_id, 1)}
    assert all(word in room.answer(1) for word in ("maps keys", "bucket"))
    assert room.interview.calls == []


async def test_at_the_deadline_nobody_who_is_silent_is_waited_for(room_for: RoomFor) -> None:
    room = room_for(HASH)
    await room.candidate.join()
    await room.asked("What is a hash table?")
    room.interview.end("deadline")
    room.interview.changed()
    await eventually(lambda: "Our time is up." in room.said(), within_s=2)
    assert (await room.reception.result()).end is ConversationEnd.FINISHED


async def test_at_the_deadline_somebody_who_talks_on_is_not_waited_for_without_end(
    room_for: RoomFor,
) -> None:
    room = room_for(HASH)
    speaking = await speaking_at_the_deadline(room, *[TABLE, PLACE, FASTER] * 3)
    assert (await room.reception.result(within_s=30)).end is ConversationEnd.FINISHED
    assert not speaking.done()
    assert all(word in room.answer(1) for word in ("maps keys", "bucket"))
    speaking.cancel()
