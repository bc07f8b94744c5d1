"""Cutting and trimming audio, and holding the interviewer's voice. No models."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from numpy.typing import NDArray

from voice.engines import LEAD_SAMPLES, STT_RATE_HZ, TAIL_SAMPLES, pieces, trimmed
from voice.holding import HeldVoice

RATE_HZ = 24_000
CHUNK = RATE_HZ * 40 // 1000


def tone(seconds: float, rate_hz: int = STT_RATE_HZ) -> NDArray[np.float32]:
    wave: NDArray[np.float32] = np.sin(np.arange(int(seconds * rate_hz)) * 0.2).astype(np.float32)
    return wave


def chunk(level: int) -> bytes:
    return np.full(CHUNK, level, np.int16).tobytes()


def test_short_audio_stays_in_one_piece() -> None:
    assert [len(piece) for piece in pieces(tone(14.9))] == [int(14.9 * STT_RATE_HZ)]


def test_long_audio_is_cut_at_the_quietest_moment_and_nothing_is_lost() -> None:
    audio = tone(50)
    audio[10 * STT_RATE_HZ : 10 * STT_RATE_HZ + 8000] = 0
    cut = pieces(audio)
    assert all(len(piece) <= 15 * STT_RATE_HZ for piece in cut)
    assert np.array_equal(np.concatenate(cut), audio)
    assert 10.0 <= len(cut[0]) / STT_RATE_HZ <= 10.5


def test_a_sentence_keeps_a_little_silence_around_it() -> None:
    silence = np.zeros(RATE_HZ, np.float32)
    audio = np.concatenate([silence, tone(1.0, RATE_HZ), silence])
    assert len(trimmed(audio)) == pytest.approx(RATE_HZ + LEAD_SAMPLES + TAIL_SAMPLES, abs=50)


def test_silence_alone_trims_to_nothing() -> None:
    assert len(trimmed(np.zeros(1000, np.float32))) == 0


@pytest.fixture
async def voice() -> HeldVoice:
    held = HeldVoice()
    await held.start(RATE_HZ)
    return held


async def test_a_free_voice_passes_unchanged(voice: HeldVoice) -> None:
    assert await voice.filter(chunk(5)) == chunk(5)


async def test_a_held_voice_writes_nothing_until_it_goes_on(voice: HeldVoice) -> None:
    voice.hold()
    writing = asyncio.create_task(voice.filter(chunk(5)))
    await asyncio.sleep(0)
    assert voice.held
    assert not writing.done()
    voice.resume()
    assert await writing == chunk(5)


async def test_going_on_begins_again_where_it_was_quietest(voice: HeldVoice) -> None:
    for level in (900, 900, 3, 900, 900):
        await voice.filter(chunk(level))
    voice.hold()
    voice.resume()
    said = np.frombuffer(await voice.filter(chunk(77)), np.int16)
    assert said[0] == 3
    assert said[-1] == 77
    assert len(said) == 4 * CHUNK


async def test_a_dropped_sentence_is_not_heard_again(voice: HeldVoice) -> None:
    voice.hold()
    writing = asyncio.create_task(voice.filter(chunk(5)))
    await asyncio.sleep(0)
    voice.drop()
    assert await writing == b""
    assert await voice.filter(chunk(6)) == b""
    voice.begin()
    assert await voice.filter(chunk(7)) == chunk(7)


async def test_a_line_that_is_torn_down_is_not_held(voice: HeldVoice) -> None:
    voice.hold()
    writing = asyncio.create_task(voice.filter(chunk(5)))
    await asyncio.sleep(0)
    await voice.stop()
    assert await writing == chunk(5)
