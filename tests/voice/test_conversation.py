"""Whole spoken conversations: real WebRTC, real models, a candidate who speaks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import closing

import soundfile

from contracts.conversation import ConversationEnd
from contracts.interview import Outcome
from contracts.questions import Question
from contracts.turns import Speaker, TurnPurpose
from tests.voice.clips import CANDIDATE_CHANNEL, INTERVIEWER_CHANNEL, clip
from tests.voice.rooms import CACHE, HASH, LONG, QUEUE, Room, RoomFor, silent_after_ms
from tests.waiting import eventually
from voice.conversation import Speech
from voice.recorder import RATE_HZ
from voice.scorer import Scorer, placed

TABLE = "It is a table that maps keys to values with a hash function."
PLACE = "The hash of the key gives the index of the bucket."
FASTER = "A cache keeps copies of data so that reading it again is faster."
DECOUPLE = "A message queue decouples the sender from the receiver."


def misses_buckets(question: Question, answer: str) -> Sequence[str]:
    return ("point",) if question is HASH and "bucket" not in answer.lower() else ()


async def test_an_interview_is_held_from_greeting_to_farewell(
    room_for: RoomFor, speech: Speech
) -> None:
    answers = (TABLE, PLACE, FASTER, DECOUPLE)
    room = room_for(HASH, CACHE, QUEUE, missing=misses_buckets, rehearse=answers)
    await room.candidate.join()
    await room.asked("What is a hash table?")
    assert room.candidate.joined_in_s is not None
    for said in answers:
        await room.candidate.ask(said)

    result = await room.reception.result()
    assert result.end is ConversationEnd.FINISHED
    assert room.candidate.ended == "finished"
    bot = room.bot_turns()
    assert bot[0].startswith("System online.")
    assert bot[1] == "Question one. What is a hash table?"
    assert bot[3] == "How does it find a place?"
    assert bot[-1].endswith("Goodbye.")
    assert room.interview.calls == ["record 1", "record 2", "record 1", "record 1"]
    assert "maps keys to values" in room.answer(1)
    assert "bucket" in room.answer(1)
    assert [turn.number for turn in room.interview.turns] == list(range(1, result.turns + 1))
    assert room.reception.beats >= 10

    (url, complete), *_ = room.interview.recordings.values()
    assert complete
    for channel, speaker in (
        (CANDIDATE_CHANNEL, Speaker.CANDIDATE),
        (INTERVIEWER_CHANNEL, Speaker.INTERVIEWER),
    ):
        last = [turn for turn in room.interview.turns if turn.speaker is speaker][-1]
        assert last.recording_offset_ms is not None
        length_ms = int((last.ended_at - last.started_at).total_seconds() * 1000)
        start_ms = last.recording_offset_ms
        audio = await asyncio.to_thread(clip, url, start_ms, start_ms + length_ms, channel)
        heard = await speech.engines.speech_to_text.transcribe(audio[44:])
        wanted = "decouples" if speaker is Speaker.CANDIDATE else "goodbye"
        assert wanted in heard.lower().replace("-", "")

    await joined_and_scored(room, speech)


async def joined_and_scored(room: Room, speech: Speech) -> None:
    """The whole file has both sides where the turns say, and its figures are an ear's."""
    scorer, turns = Scorer(room.recordings_url), room.interview.turns
    with closing(scorer):
        whole = await scorer.join(room.interview.id, room.recordings())
        assert whole is not None
        found = await scorer.score(whole, turns)
    sound, _ = await asyncio.to_thread(soundfile.read, whole.url, dtype="int16")
    place = placed(turns, whole)
    for side, speaker, word in (
        (0, Speaker.CANDIDATE, "copies"),
        (1, Speaker.INTERVIEWER, "used"),
    ):
        said = next(
            each for each in place if each.turn.speaker is speaker and word in each.turn.text
        )
        first, last = (round(at_s * RATE_HZ) for at_s in (said.begins_s - 0.15, said.ends_s + 0.15))
        for channel in (0, 1):
            heard = await speech.engines.speech_to_text.transcribe(
                sound[first:last, channel].tobytes()
            )
            assert (word in heard.lower()) is (channel == side), (speaker, channel, heard)
    assert (found.answers, found.cut_offs, found.barge_in.count) == (3, 0, 0)
    assert found.talk_over_s < 0.3
    assert found.wait.count == 4
    # The patience of 0.8 s, less for a follow-up and for a candidate without pauses.
    assert 0.6 < (found.wait.median_s or 0) <= (found.wait.p95_s or 0) < 3.5


async def test_going_on_after_the_acknowledgement_takes_the_answer_back(room_for: RoomFor) -> None:
    more = "Collisions are handled by chaining."
    room = room_for(HASH, CACHE, patience_s=0.4, rehearse=(TABLE, more))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    said = await room.candidate.say(TABLE)
    await eventually(lambda: room.candidate.ear.next_onset(said.ended_at), within_s=5)
    again = await room.candidate.say(more)
    silent_after_s = room.candidate.ear.last_loud_at - again.began_at
    await room.asked("What is a cache used for?")

    assert room.interview.calls == ["record 1", "reopen 1", "record 2"]
    assert silent_after_s < 0.6  # in the candidate's ear, both ways included
    first = next(iter(room.interview.questions))
    text = room.interview.answers[first, 2][1]
    assert text.index("maps keys") < text.index("chaining")
    assert room.bot_turns().count("Question two. What is a cache used for?") <= 1


async def test_the_bot_is_silent_when_the_candidate_speaks_into_a_long_question(
    room_for: RoomFor,
) -> None:
    repeat = "Could you repeat that, please?"
    room = room_for(LONG, CACHE, rehearse=(repeat,))
    await room.candidate.join()
    await room.speaking("Suppose that")
    await room.candidate.interrupt(repeat)
    await eventually(lambda: "Of course. Suppose that" in room.said(), within_s=10)
    assert room.interview.calls == []
    assert TurnPurpose.ANSWER not in room.purposes()
    await room.candidate.leave()
    await room.reception.result()
    (url, _), *_ = room.interview.recordings.values()
    assert await asyncio.to_thread(silent_after_ms, url) < 400  # 90 to 245 on a loaded machine


async def test_skipping_is_asked_back_and_can_be_declined(room_for: RoomFor) -> None:
    skip, no, yes = "Please skip this question.", "No, I would like to try it.", "Yes, please."
    room = room_for(HASH, CACHE, rehearse=(skip, no, yes))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.ask(skip)
    assert "Shall I skip this question?" in room.said()
    await room.candidate.ask(no)
    assert "please go on" in room.said()
    assert room.interview.calls == []
    await room.candidate.ask(skip)
    await room.candidate.ask(yes)
    assert room.interview.calls == ["skip"]
    assert next(iter(room.interview.outcomes.values())) is Outcome.SKIPPED
    assert "What is a cache used for?" in room.said()
    assert TurnPurpose.ANSWER not in room.purposes()


async def test_a_declined_skip_is_not_waited_for_as_long_as_an_answer(room_for: RoomFor) -> None:
    skip, no = "Please skip this question.", "No, I would like to try it."
    room = room_for(HASH, CACHE, patience_s=6.0, rehearse=(skip, no))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.ask(skip)
    said = await room.candidate.ask(no)
    assert said.wait_s is not None
    assert said.wait_s < 5.0


async def test_a_nod_does_not_stop_the_bot(room_for: RoomFor) -> None:
    room = room_for(LONG, rehearse=("Mm-hm.",))
    await room.candidate.join()
    await room.speaking("Suppose that")
    await room.candidate.say("Mm-hm.")
    await room.listening()
    question = [turn for turn in room.interview.turns if turn.purpose is TurnPurpose.QUESTION]
    assert [turn.interrupted for turn in question] == [False]
    assert room.interview.calls == []


async def test_done_closes_the_answer_at_once_and_a_minute_keeps_it_open(room_for: RoomFor) -> None:
    room = room_for(HASH, CACHE, patience_s=5.0, rehearse=(TABLE,))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    room.candidate.press("minute")
    await eventually(lambda: "take your time" in room.said())
    await eventually(lambda: room.candidate.state == "thinking")
    said = await room.candidate.say(TABLE)
    room.candidate.press("done")
    await eventually(lambda: room.interview.calls == ["record 1"], within_s=2.0)
    assert time.monotonic() - said.ended_at < 2.0
    await room.asked("What is a cache used for?")


async def test_a_typed_answer_is_followed_at_once(room_for: RoomFor) -> None:
    room = room_for(LONG, CACHE)
    await room.candidate.join()
    await eventually(lambda: "Suppose that" in room.said())
    typed_at = time.monotonic()
    room.interview.type_answer("I would look at the load of that hour.")
    await eventually(lambda: "I have what you typed" in room.said(), within_s=3.0)
    followed_at = room.when("cursor", state_version=room.interview.version)
    assert followed_at is not None
    assert followed_at - typed_at < 0.3
    await room.asked("What is a cache used for?")
