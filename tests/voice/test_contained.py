"""Bots that live and are of no use: deaf, mute, stuck, or deaf to their own end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.voices import ShiftedHeart
from tests.voice.rooms import CACHE, HASH, Room, RoomFor
from tests.voice.test_stuck import StuckModels
from tests.waiting import eventually
from voice.conversation import Speech
from voice.engines import Engines, SpeechToText, TextToSpeech
from voice.senses import Senseless

TABLE = "It is a table that maps keys to values with a hash function."
#: From when words or sound are due to the end of the bot.
FOUND_WITHIN_S = 10.0


class Faults:
    """What is wrong with the models of a room just now."""

    def __init__(self) -> None:
        self.working = asyncio.Event()
        self.working.set()
        self.speechless = False
        self.swallows = False
        self.raises = False

    async def pass_by(self) -> None:
        if self.raises:
            raise OSError("the model's file is gone")
        while not self.working.is_set():
            try:
                await self.working.wait()
            except asyncio.CancelledError:
                if not self.swallows:
                    raise


class Ears(SpeechToText):
    """The session's recogniser, which does not return while something is wrong."""

    def __init__(self, real: SpeechToText, faults: Faults) -> None:
        self._real, self._faults = real, faults

    @property
    def busy(self) -> bool:
        return self._real.busy

    async def transcribe(self, pcm16_16k: bytes) -> str:
        await self._faults.pass_by()
        return await self._real.transcribe(pcm16_16k)


class Voice(TextToSpeech):
    """The session's voice, which does not return while something is wrong, or says nothing."""

    def __init__(self, real: TextToSpeech, faults: Faults) -> None:
        self._real, self._faults = real, faults

    async def synthesise(self, text: str, *, speed: float = 1.0) -> AsyncIterator[bytes]:
        await self._faults.pass_by()
        if not self._faults.speechless:
            async for spoken in self._real.synthesise(text, speed=speed):
                yield spoken


class Wrong:
    """What is wrong in a room: with its ears, its voice, or the detector in its pipeline."""

    def __init__(self) -> None:
        self.ears, self.voice, self.models = Faults(), Faults(), StuckModels()

    def end(self) -> None:
        for fault in (self.ears, self.voice):
            fault.working.set()
            fault.raises = fault.speechless = False
        self.models.going.set()


@pytest.fixture
async def wrong() -> AsyncIterator[Wrong]:
    before = asyncio.all_tasks()
    wrong = Wrong()
    yield wrong
    wrong.models.close()
    # Of a pipeline that has swallowed its cancellation nothing else is left.
    for task in asyncio.all_tasks() - before - {asyncio.current_task()}:
        task.cancel()


@pytest.fixture
async def faulty_room_for(
    speech: Speech, heart: ShiftedHeart, wrong: Wrong, tmp_path: Path
) -> AsyncIterator[RoomFor]:
    real = speech.engines
    engines = Engines(
        Ears(real.speech_to_text, wrong.ears), Voice(real.text_to_speech, wrong.voice)
    )
    rooms = RoomFor(Speech(engines, wrong.models, speech.repair), heart, tmp_path)
    yield rooms
    wrong.end()
    await rooms.close()


async def _asked(room: Room) -> None:
    await room.candidate.join()
    await room.asked("What is a hash table?")


async def _found(room: Room, what: str) -> None:
    """The newest bot ends with that failure, and not too late."""
    with pytest.raises(Senseless, match=what):
        await room.reception.result(FOUND_WITHIN_S)


def _break(fault: Faults, how: str) -> None:
    match how:
        case "hangs":
            fault.working.clear()
        case "fails":
            fault.raises = True
        case "says nothing":
            fault.speechless = True


@pytest.mark.parametrize("how", ["hangs", "fails"])
async def test_a_deaf_bot_is_replaced_and_what_was_said_is_kept(
    faulty_room_for: RoomFor, wrong: Wrong, how: str
) -> None:
    room = faulty_room_for(HASH, CACHE, rehearse=(TABLE,))
    await _asked(room)
    _break(wrong.ears, how)
    await room.candidate.say(TABLE)
    await _found(room, "hears no words")
    wrong.end()
    await eventually(lambda: room.interview.epoch == 2, within_s=5)
    await eventually(lambda: "Welcome back" in room.said(), within_s=15)
    assert "maps keys" in room.answer(1)
    assert not room.reception.conversation.wedged.is_set()


@pytest.mark.parametrize("how", ["hangs", "fails", "says nothing"])
async def test_a_mute_bot_is_replaced(faulty_room_for: RoomFor, wrong: Wrong, how: str) -> None:
    room = faulty_room_for(HASH, CACHE, rehearse=(TABLE,))
    await _asked(room)
    _break(wrong.voice, how)
    await room.candidate.say(TABLE)
    await eventually(lambda: "record 1" in room.interview.calls)
    await _found(room, "makes no sound")
    wrong.end()
    await room.asked("What is a cache used for?")
    assert room.interview.epoch == 2


async def test_a_stuck_bot_is_replaced(faulty_room_for: RoomFor, wrong: Wrong) -> None:
    room = faulty_room_for(HASH)
    await _asked(room)
    room.candidate.ended = "does not offer again"
    wrong.models.going.clear()
    await _found(room, "stuck")


async def test_models_that_fail_one_bot_after_the_other_end_the_process(
    faulty_room_for: RoomFor, wrong: Wrong
) -> None:
    room = faulty_room_for(HASH, rehearse=(TABLE,))
    await _asked(room)
    wrong.ears.working.clear()
    await room.candidate.say(TABLE)
    await _found(room, "hears no words")
    assert not room.reception.conversation.wedged.is_set()
    await eventually(lambda: "Welcome back" in room.said(), within_s=15)
    await room.candidate.say(TABLE)
    await _found(room, "hears no words")
    assert room.reception.conversation.wedged.is_set()


async def test_a_bot_that_swallows_its_end_is_left_and_its_neighbour_goes_on(
    faulty_room_for: RoomFor, room_for: RoomFor, wrong: Wrong
) -> None:
    """`wedged` has the worker hand the others over and end its process."""
    room = faulty_room_for(HASH, CACHE, rehearse=(TABLE,))
    neighbour = room_for(HASH, CACHE, rehearse=(TABLE,))
    await asyncio.gather(_asked(room), _asked(neighbour))
    wrong.voice.swallows = True
    wrong.voice.working.clear()
    await room.candidate.say(TABLE)
    await eventually(lambda: "record 1" in room.interview.calls)
    room.candidate.ended = "does not offer again"
    began, hold = time.monotonic(), room.reception.held[0]
    hold.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hold
    assert time.monotonic() - began < 1.5
    wedged = room.reception.conversation.wedged
    await asyncio.wait_for(wedged.wait(), FOUND_WITHIN_S - 1.5)
    await neighbour.candidate.ask(TABLE)
    await neighbour.asked("What is a cache used for?")
