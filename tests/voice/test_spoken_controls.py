"""Requests spoken aloud, and the silence of somebody who says nothing."""

from __future__ import annotations

import time

from contracts.conversation import ConversationEnd
from contracts.interview import InterviewStatus
from contracts.turns import TurnPurpose
from tests.voice.rooms import CACHE, HASH, Room, RoomFor, question
from tests.waiting import eventually

TABLE = "It is a table that maps keys to values with a hash function."
BACK = "Can we go back to the previous question?"
STACK = question("stack", "In a stack, which element comes off next?")


def notices(room: Room, code: str) -> int:
    return sum(message.get("code") == code for _, message in room.told)


async def test_a_question_is_put_in_other_words(room_for: RoomFor) -> None:
    rephrase = "Could you rephrase the question, please?"
    room = room_for(HASH, rehearse=(rephrase,))
    await room.candidate.join()
    await room.asked("Question one. What is a hash table?")
    await room.candidate.ask(rephrase)
    assert "Let me put it another way. In other words: What is a hash table?" in room.said()
    assert TurnPurpose.ANSWER not in room.purposes()
    assert room.interview.calls == []


async def test_going_back_leads_to_the_question_before_and_from_the_first_nowhere(
    room_for: RoomFor,
) -> None:
    room = room_for(HASH, CACHE, rehearse=(TABLE, BACK))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.ask(BACK)
    assert "This is the first question, so there is nothing to go back to." in room.said()
    assert room.interview.snapshot().cursor.position == 1
    await room.candidate.ask(TABLE)
    await room.asked("What is a cache used for?")
    await room.candidate.ask(BACK)
    await room.asked("All right, back to the previous question.")
    assert room.bot_turns()[-1] == "Question one. What is a hash table?"
    assert room.interview.calls == ["go_back", "record 1", "go_back"]
    cursor = room.interview.snapshot().cursor
    assert (cursor.position, cursor.revision) == (1, 2)
    assert "back" not in room.answer(1)


async def test_a_short_answer_that_sounds_like_a_request_is_an_answer(room_for: RoomFor) -> None:
    room = room_for(HASH, STACK, CACHE, rehearse=(TABLE, "The last one."))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.ask(TABLE)
    await room.asked("which element comes off next?")
    await room.candidate.ask("The last one.")
    await room.asked("What is a cache used for?")
    assert "last one" in room.answer(2).lower()
    assert room.interview.calls == ["record 1", "record 1"]


async def test_ending_the_interview_is_asked_back(room_for: RoomFor) -> None:
    finish, yes = "I would like to end the interview.", "Yes, please."
    room = room_for(HASH, CACHE, rehearse=(finish, yes))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.ask(finish)
    assert "Shall we end the interview now?" in room.said()
    assert room.interview.calls == []
    await room.candidate.ask(yes)
    assert (await room.reception.result()).end is ConversationEnd.FINISHED
    assert room.interview.calls == ["finish"]
    assert "We end here, as you asked." in room.said()
    assert TurnPurpose.ANSWER not in room.purposes()


async def test_a_pause_can_be_asked_for(room_for: RoomFor) -> None:
    pause = "Can we pause the interview?"
    room = room_for(HASH, CACHE, rehearse=(pause,))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.ask(pause)
    assert (await room.reception.result()).end is ConversationEnd.PAUSED
    assert room.interview.calls == ["pause"]
    assert room.interview.status is InterviewStatus.PAUSED
    assert "The interview is paused" in room.said()
    assert TurnPurpose.ANSWER not in room.purposes()


async def test_im_done_closes_the_answer_at_once_and_is_no_part_of_it(room_for: RoomFor) -> None:
    room = room_for(HASH, CACHE, patience_s=6.0, rehearse=(TABLE, "I'm done."))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.say(TABLE)
    await eventually(lambda: TurnPurpose.ANSWER in room.purposes())
    said = await room.candidate.say("I'm done.")
    await eventually(lambda: room.interview.calls == ["record 1"], within_s=4)
    assert time.monotonic() - said.ended_at < 4.0
    assert "maps keys to values" in room.answer(1)
    assert "done" not in room.answer(1)


async def test_into_a_silence_comes_one_gentle_word_one_offer_and_nothing_more(
    room_for: RoomFor,
) -> None:
    think = "Give me five seconds, please."
    room = room_for(HASH, CACHE, rehearse=(think, TABLE))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.ask(think)
    assert "Of course, take your time." in room.said()
    await eventually(lambda: "There is no hurry." in room.said())
    assert notices(room, "silence_offer") == 0
    await eventually(lambda: "or skip this question." in room.said(), within_s=30)
    await eventually(lambda: room.candidate.state == "thinking")
    await room.candidate.ask(TABLE)
    await room.asked("What is a cache used for?")
    assert room.said().count("There is no hurry.") == 1
    assert room.said().count("If you prefer") == 1
    assert notices(room, "silence_offer") == 1
    assert room.interview.calls == ["record 1"]
    assert "maps keys to values" in room.answer(1)
