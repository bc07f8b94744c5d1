"""The turn-taking benchmark: what its detectors decide, ahead of time and in real time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from pipecat.audio.vad.vad_analyzer import VADState

from bench.turns.ahead import run_ahead
from bench.turns.deciding import Detector, Scores, Table
from bench.turns.hearing import FRAME_BYTES, Heard, Words
from bench.turns.lines import Sound
from voice.pauses import PROMISED_S, Pace, Patience

#: A voice from 1 to 3 s, and again from 5 to 6 s.
ENDS_S = 6.0
STOPPED_S = 0.2


@pytest.fixture
def confident(tmp_path: Path) -> Iterator[Scores]:
    """Smart Turn's opinion is not at stake: every voice has finished."""
    yield Scores(lambda pcm: 0.95, tmp_path / "scores.txt")


def two_stretches(first: str, second: str = "It is fast.") -> tuple[Sound, Heard]:
    states = [VADState.QUIET] * 800
    for begin_s, end_s in ((1.0, 3.0), (5.0, 6.0)):
        for at in range(int((begin_s + 0.16) * 50), int((end_s + STOPPED_S) * 50)):
            states[at] = VADState.SPEAKING
    words = [Words(at_s=3.3, text=first, last=True), Words(at_s=6.3, text=second, last=True)]
    pcm = bytes(FRAME_BYTES * len(states))
    return Sound(pcm, (), ENDS_S), Heard(states=[state.value for state in states], words=words)


def ends(scores: Scores, detector: Detector, wait_s: float, text: str) -> list[float]:
    sound, heard = two_stretches(text)
    return run_ahead(Table(detector, scores, Patience(wait_s)).ends(sound, heard, Pace()))


def test_silence_alone_ends_the_turn_when_it_has_lasted(confident: Scores) -> None:
    assert ends(confident, Detector.SILENCE, 1.0, "Because") == pytest.approx([4.0, 7.0], abs=0.1)
    assert ends(confident, Detector.SILENCE, 2.5, "Because") == pytest.approx([8.5], abs=0.1)


def test_stock_smart_turn_ends_the_turn_at_its_verdict(confident: Scores) -> None:
    assert ends(confident, Detector.STOCK, 3.0, "Because") == pytest.approx([3.3, 6.3], abs=0.1)


def test_our_policy_waits_for_its_patience_and_for_what_words_promise(confident: Scores) -> None:
    plain = ends(confident, Detector.OURS, 1.0, "It is a queue.")
    promised = ends(confident, Detector.OURS, 1.0, "It is a queue because")
    assert plain == pytest.approx([4.0, 7.15], abs=0.1)  # the pause of 2 s is slower than usual
    assert promised[0] > 5.0 or promised[0] == pytest.approx(3.0 + PROMISED_S, abs=0.1)


@pytest.mark.parametrize("detector", [Detector.OURS, Detector.STOCK])
async def test_ahead_of_time_turns_end_when_they_do_in_real_time(
    confident: Scores, detector: Detector
) -> None:
    sound, heard = two_stretches("It is a queue.")
    in_time = await Table(detector, confident, Patience(0.5)).ends(sound, heard, Pace())
    ahead = await asyncio.to_thread(ends, confident, detector, 0.5, "It is a queue.")
    assert len(in_time) == 2
    assert in_time == pytest.approx(ahead, abs=0.1)


def test_a_taken_back_answer_counts_into_the_pace(confident: Scores) -> None:
    pace = Pace()
    sound, heard = two_stretches("It is a queue.")
    for _ in range(6):
        run_ahead(Table(Detector.OURS, confident, Patience(1.0)).ends(sound, heard, pace))
    assert pace.relative > 1.3  # pauses of 2 s, of 1 s usually
