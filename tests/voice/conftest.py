"""The speech models, loaded once, and rooms to hold conversations in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from loguru import logger

from bench.voices import ShiftedHeart
from tests.voice.dead import Dead, Narrow
from tests.voice.memory import MemoryInterview
from tests.voice.rooms import CACHE, HASH, RoomFor
from voice.conversation import Speech
from voice.ice import offer_loopback


@pytest.fixture(scope="session")
async def speech() -> AsyncIterator[Speech]:
    logger.remove()  # Pipecat's own debug lines, thousands of them
    offer_loopback()
    loaded = Speech.load()
    await loaded.warm()
    yield loaded
    loaded.close()


@pytest.fixture(scope="session")
def heart() -> ShiftedHeart:
    return ShiftedHeart()


@pytest.fixture
async def room_for(speech: Speech, heart: ShiftedHeart, tmp_path: Path) -> AsyncIterator[RoomFor]:
    rooms = RoomFor(speech, heart, tmp_path)
    yield rooms
    await rooms.close()


@pytest.fixture
def dead(speech: Speech, tmp_path: Path) -> Dead:
    return Dead(MemoryInterview([HASH, CACHE]), tmp_path, speech)


@pytest.fixture
def voice(heart: ShiftedHeart) -> Narrow:
    return Narrow(heart)
