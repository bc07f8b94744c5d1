"""The simulated candidate: it stays on the line, and what it measures is what happens."""

from __future__ import annotations

import shutil
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from bench.candidate import PULSE_MISSED_S, SimulatedCandidate
from bench.sound import Microphone
from bench.voices import RATE_HZ, VOICES, ShiftedHeart
from tests.voice.small_bot import SmallBot
from tests.waiting import eventually
from voice.conversation import Speech

LINE = "Welcome. This is a line that is long enough to be heard."


@pytest.fixture
async def bot(speech: Speech) -> AsyncIterator[SmallBot]:
    bot = SmallBot(speech.engines, speech.models, [LINE] * 9)
    yield bot
    await bot.close()


@pytest.fixture
async def candidate(bot: SmallBot, heart: ShiftedHeart) -> AsyncIterator[SimulatedCandidate]:
    candidate = SimulatedCandidate(bot.answer, heart)
    yield candidate
    await candidate.leave()


async def test_it_hears_the_bot_and_keeps_a_recording(
    bot: SmallBot, candidate: SimulatedCandidate, tmp_path: Path
) -> None:
    await candidate.join()
    await bot.say(LINE)
    await candidate.listen(quiet_s=0.8)
    candidate.save(tmp_path / "heard.wav")
    with wave.open(str(tmp_path / "heard.wav")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.abs(samples.astype(int)).max() > 1000
    assert candidate.joined_in_s is not None


async def test_a_failed_offer_is_made_again(bot: SmallBot, heart: ShiftedHeart) -> None:
    refusals = iter([True, True, False])

    async def signal(sdp: str) -> str:
        if next(refusals):
            raise ConnectionError("no capacity")
        return await bot.answer(sdp)

    candidate = SimulatedCandidate(signal, heart)
    await candidate.join()
    assert len(candidate.lines) == 3
    await candidate.leave()


async def test_a_missed_pulse_brings_a_new_offer(
    bot: SmallBot, candidate: SimulatedCandidate
) -> None:
    await candidate.join()
    await eventually(lambda: candidate.pulsed)
    candidate.cut_line()
    await eventually(lambda: len(bot.workers) == 2, within_s=PULSE_MISSED_S + 2)
    await eventually(lambda: candidate.connected and candidate.pulsed)
    await bot.say(LINE)
    await candidate.listen(quiet_s=0.8)


async def test_moving_brings_a_new_offer_at_once(
    bot: SmallBot, candidate: SimulatedCandidate
) -> None:
    await candidate.join()
    await eventually(lambda: candidate.pulsed)
    await bot.tell({"type": "moving"})
    await eventually(lambda: len(bot.workers) == 2, within_s=1.0)


async def test_captions_states_and_the_end_are_followed(
    bot: SmallBot, candidate: SimulatedCandidate
) -> None:
    await candidate.join()
    await eventually(lambda: candidate.pulsed)
    caption = {"type": "caption", "who": "interviewer", "turn_id": "a", "final": False}
    await bot.tell({**caption, "text": "Wel"})
    await bot.tell({**caption, "text": "Welcome.", "final": True})
    await bot.tell({"type": "state", "state": "listening"})
    await bot.tell({"type": "ended", "reason": "finished"})
    await eventually(lambda: candidate.ended == "finished")
    assert candidate.captions["a"].text == "Welcome."
    assert candidate.state == "listening"


def test_a_microphone_speaks_by_the_clock_and_queues() -> None:
    microphone = Microphone()
    tone = np.full(RATE_HZ // 10, 500, np.int16)
    first = microphone.speak(tone)
    second = microphone.speak(tone)
    assert second - first == pytest.approx(0.1, abs=0.001)
    place = microphone.place(first)
    assert microphone.heard(place).max() == 500
    microphone.hush()
    assert microphone.heard(place).max() == 0


@pytest.mark.parametrize("name", sorted(VOICES))
def test_every_voice_speaks_without_silence_around_it(name: str) -> None:
    if name == "espeak" and shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng may not be installed here")
    samples = VOICES[name]().say("A queue is a list.")
    assert 0.5 < len(samples) / RATE_HZ < 4
    assert abs(int(samples[0])) > 300
    assert abs(int(samples[-1])) > 300


def test_a_shifted_voice_is_another_voice() -> None:
    low, high = (VOICES[name]().say("A queue is a list.") for name in ("low", "high"))
    assert _pitch(low) < 0.85 * _pitch(high)


def _pitch(samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> float:
    """Centre of the spectrum, in Hz: it moves with the pitch of a resampled voice."""
    power = np.abs(np.fft.rfft(samples.astype(float))) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    return float((power * frequencies).sum() / power.sum())
