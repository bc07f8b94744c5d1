"""Conversations that are interrupted, cut, moved, paused, taken over, or cannot be recorded."""

from __future__ import annotations

import asyncio
import time
import wave
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem

from contracts.conversation import ConversationEnd
from contracts.errors import InvalidInput
from contracts.interview import Fence, InterviewStatus, JoinPurpose, Move
from contracts.turns import TurnPurpose
from tests.voice.rooms import CACHE, HASH, LONG, RoomFor
from tests.waiting import eventually
from voice.conversation import Speech

TABLE = "It is a table that maps keys to values with a hash function."
FASTER = "A cache keeps copies of data so that reading it again is faster."


async def test_a_pause_in_the_middle_of_an_answer_keeps_it_open(room_for: RoomFor) -> None:
    room = room_for(HASH, CACHE, patience_s=4.0, rehearse=(TABLE,))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.say(TABLE)
    await eventually(lambda: TurnPurpose.ANSWER in room.purposes())
    paused_at = time.monotonic()
    room.interview.move("pause", Move())
    await eventually(lambda: "The interview is paused" in room.said(), within_s=2)
    told_at = room.when("cursor", state_version=room.interview.version)
    assert told_at is not None
    assert told_at - paused_at < 0.3
    assert (await room.reception.result()).end is ConversationEnd.PAUSED
    assert room.candidate.ended == "paused"
    assert "record 1" not in room.interview.calls
    assert "maps keys to values" in room.answer(1)

    room.interview.status = InterviewStatus.INTERRUPTED
    await room.come_back()
    await room.asked("What you said so far is kept")
    assert "Welcome back. We were at question 1." in room.bot_turns()[-2]
    room.candidate.press("done")
    await eventually(lambda: "record 1" in room.interview.calls)


async def test_words_on_their_way_when_the_page_is_closed_are_kept(room_for: RoomFor) -> None:
    room = room_for(HASH, rehearse=(TABLE,))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    room.candidate.microphone.speak(room.candidate.rehearse(TABLE))
    await eventually(lambda: any(c.who == "candidate" for c in room.candidate.captions.values()))
    await room.candidate.leave()
    assert (await room.reception.result()).end is ConversationEnd.LEFT
    assert "table" in room.answer(1)
    assert room.interview.calls == []


async def test_a_lost_line_is_noticed_and_the_next_bot_goes_on(room_for: RoomFor) -> None:
    room = room_for(HASH, CACHE, rehearse=(TABLE,))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.ask(TABLE)
    await room.asked("What is a cache used for?")
    room.candidate.cut_line()
    cut_at = time.monotonic()
    await eventually(lambda: "Welcome back. We were at question 2." in room.said(), within_s=15)
    assert room.candidate.lines[-1].offered_at - cut_at < 4
    assert (await asyncio.wait_for(room.reception.held[0], 5)).end is ConversationEnd.SUPERSEDED
    assert room.interview.epoch == 2
    assert room.said().count("Question one.") == 1


async def test_a_line_that_vanishes_for_good_ends_the_conversation(room_for: RoomFor) -> None:
    room = room_for(HASH)
    await room.candidate.join()
    await room.asked("What is a hash table?")
    room.candidate.ended = "the page is gone too"
    room.candidate.cut_line()
    assert (await room.reception.result(within_s=12)).end is ConversationEnd.LEFT


async def test_a_cancelled_conversation_ends_within_a_second(room_for: RoomFor) -> None:
    room = room_for(LONG)
    await room.candidate.join()
    await room.speaking("Suppose that")
    hold, cancelled_at = room.reception.held[0], time.monotonic()
    hold.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hold
    assert time.monotonic() - cancelled_at < 1.0
    assert hold.cancelled()


async def test_one_that_is_cancelled_again_as_it_ends_closes_its_recording(
    room_for: RoomFor,
) -> None:
    room = room_for(HASH)
    await room.candidate.join()
    await room.listening()
    hold = room.reception.held[0]
    hold.cancel()
    await asyncio.sleep(0)
    hold.cancel()
    await asyncio.wait([hold], timeout=5)
    await eventually(lambda: [kept.complete for kept in room.recordings()] == [True])


async def test_a_newer_bot_silences_this_one_without_a_word(room_for: RoomFor) -> None:
    room = room_for(HASH)
    await room.candidate.join()
    await room.asked("What is a hash table?")
    turns = len(room.interview.turns)
    room.interview.held = Fence(epoch=7)
    assert (await room.reception.result(within_s=5)).end is ConversationEnd.SUPERSEDED
    assert len(room.interview.turns) == turns
    assert room.candidate.ended is None


async def test_a_draining_worker_hands_over_in_mid_interview(room_for: RoomFor) -> None:
    room = room_for(HASH, CACHE)
    await room.candidate.join()
    await room.asked("What is a hash table?")
    room.reception.conversation.drain()
    await eventually(lambda: room.interview.epoch == 2, within_s=5)
    first = await asyncio.wait_for(room.reception.held[0], 5)
    assert first.end is ConversationEnd.HANDOFF


async def test_a_page_that_does_not_move_is_not_waited_for(room_for: RoomFor) -> None:
    room = room_for(HASH, handoff_grace_s=0.5)
    await room.candidate.join()
    await room.asked("What is a hash table?")
    room.candidate.ended = "deaf to what it is told"
    room.reception.conversation.drain()
    assert (await room.reception.result(within_s=4)).end is ConversationEnd.HANDOFF


async def test_an_unusable_offer_is_refused(room_for: RoomFor) -> None:
    room = room_for(HASH)
    with pytest.raises(RuntimeError) as refused:
        await room.reception.join("v=0\r\n")
    assert isinstance(refused.value.__cause__, InvalidInput)


async def test_the_recording_is_valid_at_every_moment(room_for: RoomFor, speech: Speech) -> None:
    """What a killed worker leaves behind is what the file holds now."""
    room = room_for(LONG)
    await room.candidate.join()
    await room.speaking("Suppose that", for_s=3.0)
    (url, complete), *_ = room.interview.recordings.values()
    assert complete is None
    with wave.open(url) as file:
        frames, rate_hz = file.getnframes(), file.getframerate()
        interviewer = file.readframes(frames)
    assert frames > 3 * rate_hz
    heard = await speech.engines.speech_to_text.transcribe(
        memoryview(interviewer).cast("h")[1::2].tobytes()
    )
    assert "system online" in heard.lower()


class FullDisk(LocalFileSystem):  # type: ignore[misc]  # fsspec has no annotations
    """A disk with room for one second of audio."""

    protocol: ClassVar[str] = "fulldisk"
    cachable = False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        stripped: str = LocalFileSystem._strip_protocol(path.removeprefix("fulldisk://"))
        return stripped

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        file = super()._open(path, mode, **options)
        return _Limited(file, 64_000)


class _Limited:
    def __init__(self, file: Any, left: int) -> None:
        self._file = file
        self._left = left

    def write(self, data: bytes) -> int:
        self._left -= len(data)
        if self._left < 0:
            raise OSError(28, "No space left on device")
        written: int = self._file.write(data)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


async def test_a_full_disk_ends_the_recording_and_not_the_interview(
    room_for: RoomFor, tmp_path: Any
) -> None:
    fsspec.register_implementation("fulldisk", FullDisk, clobber=True)
    room = room_for(HASH, CACHE, rehearse=(TABLE, FASTER), recordings_url=f"fulldisk://{tmp_path}")
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.ask(TABLE)
    await room.candidate.ask(FASTER)
    assert (await room.reception.result()).end is ConversationEnd.FINISHED
    assert room.when("notice", code="recording_incomplete") is not None
    assert [complete for _, complete in room.interview.recordings.values()] == [False]


async def test_an_unwritable_folder_is_no_reason_to_stay_silent(room_for: RoomFor) -> None:
    room = room_for(HASH, recordings_url="/proc/none/of/this")
    await room.candidate.join()
    await room.asked("What is a hash table?")
    assert room.when("notice", code="recording_incomplete") is not None


async def test_the_check_tells_what_was_heard_and_stores_nothing(room_for: RoomFor) -> None:
    sentence = "The quick brown fox jumps over the lazy dog."
    room = room_for(HASH, rehearse=(sentence,), check_lasts_s=20.0)
    room.reception.purpose = JoinPurpose.CHECK
    await room.candidate.join()
    await room.candidate.listen(quiet_s=0.8)
    await room.candidate.say(sentence)
    await eventually(lambda: room.when("heard"), within_s=5)
    heard = [m["text"] for _, m in room.told if m["type"] == "heard"]
    assert "fox" in " ".join(heard).lower()
    assert room.interview.turns == []
    assert room.interview.recordings == {}
    assert room.interview.held == Fence(epoch=0)
    await room.candidate.leave()
    assert (await room.reception.result(within_s=10)).end is ConversationEnd.LEFT


async def test_two_interviews_in_one_process_keep_their_words_apart(room_for: RoomFor) -> None:
    rooms = [room_for(HASH, rehearse=(TABLE,)), room_for(CACHE, rehearse=(FASTER,))]
    await asyncio.gather(*(room.candidate.join() for room in rooms))
    await asyncio.gather(rooms[0].asked("hash table?"), rooms[1].asked("cache used for?"))
    await asyncio.gather(rooms[0].candidate.ask(TABLE), rooms[1].candidate.ask(FASTER))
    assert "maps keys" in rooms[0].answer(1)
    assert "cache" not in rooms[0].answer(1).lower()
    assert "copies" in rooms[1].answer(1)
