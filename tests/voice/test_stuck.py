"""A conversation whose pipeline is stuck: its process lives, and it counts as dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import onnxruntime
import pytest
from pipecat.audio.vad.vad_analyzer import VADParams, VADState

from bench.voices import ShiftedHeart
from tests.voice.rooms import HASH, RoomFor
from tests.waiting import eventually
from voice.conversation import Speech
from voice.held import STUCK_AFTER_S
from voice.models import VOICE, SpeechModels, VoiceDetector


class Stuck(VoiceDetector):
    """A detector that does not return while `going` is not set."""

    def __init__(
        self, session: onnxruntime.InferenceSession, params: VADParams, going: asyncio.Event
    ) -> None:
        super().__init__(session, params)
        self._going = going

    async def analyze_audio(self, buffer: bytes) -> VADState:
        await self._going.wait()
        return await super().analyze_audio(buffer)


class StuckModels(SpeechModels):
    def __init__(self) -> None:
        super().__init__()
        self.going = asyncio.Event()
        self.going.set()

    def voice_detector(self, params: VADParams | None = None) -> VoiceDetector:
        return Stuck(self._silero, params or VOICE, self.going)


@pytest.fixture
async def models() -> AsyncIterator[StuckModels]:
    models = StuckModels()
    yield models
    models.close()


@pytest.fixture
async def stuck_room_for(
    speech: Speech, heart: ShiftedHeart, models: StuckModels, tmp_path: Path
) -> AsyncIterator[RoomFor]:
    rooms = RoomFor(Speech(speech.engines, models, speech.repair), heart, tmp_path)
    yield rooms
    models.going.set()
    await rooms.close()


async def test_a_stuck_pipeline_neither_beats_nor_counts_as_alive(
    stuck_room_for: RoomFor, models: StuckModels
) -> None:
    room = stuck_room_for(HASH)
    reception, interview = room.reception, room.interview
    await room.candidate.join()
    await room.asked("What is a hash table?")
    beats = reception.beats
    await eventually(lambda: reception.beats > beats + 2)

    def silent_s() -> float:
        assert interview.alive_at is not None
        return (datetime.now(UTC) - interview.alive_at).total_seconds()

    room.candidate.ended = "misses the pulse and does not offer again"
    models.going.clear()
    beats = reception.beats
    await eventually(lambda: silent_s() > STUCK_AFTER_S, within_s=3 * STUCK_AFTER_S)
    assert reception.beats <= beats + 1  # what had passed already
    assert not reception.held[0].done()  # the loop goes on: this is Temporal's to find out

    models.going.set()
    await eventually(lambda: reception.beats > beats + 2 and silent_s() < STUCK_AFTER_S)
