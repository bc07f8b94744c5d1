"""What the measurement of barge-ins reads from a recording."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from bench.edge import replies, silences, yields
from bench.figures import p95, spread

RATE_HZ = 16_000


def recorded(path: Path, candidate: tuple[float, float], bot: tuple[float, float]) -> Path:
    """Three seconds; each side is loud from the first to the second of its moments."""
    sides = np.zeros((3 * RATE_HZ, 2), "<i2")
    for channel, (begin, end) in enumerate((candidate, bot)):
        sides[int(begin * RATE_HZ) : int(end * RATE_HZ), channel] = 5000
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE_HZ, 0, "NONE", "NONE"))
        file.writeframes(sides.tobytes())
    return path


def again(path: Path, begin: float, end: float) -> None:
    """The interviewer speaks then, too."""
    with wave.open(str(path)) as file:
        sides = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).copy()
    sides[int(begin * RATE_HZ) : int(end * RATE_HZ), 1] = 5000
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE_HZ, 0, "NONE", "NONE"))
        file.writeframes(sides.tobytes())


def test_a_barge_in_is_measured_from_first_sample_to_last(tmp_path: Path) -> None:
    file = recorded(tmp_path / "a.wav", candidate=(1.0, 2.0), bot=(0.2, 1.23))
    assert yields(file) == [pytest.approx(0.23, abs=0.011)]


def test_an_interviewer_who_had_just_ended_a_sentence_is_silent_at_once(tmp_path: Path) -> None:
    file = recorded(tmp_path / "e.wav", candidate=(1.0, 2.0), bot=(0.2, 0.95))
    again(file, 2.5, 3)
    assert yields(file) == [0.0]


def test_speech_into_silence_is_no_barge_in(tmp_path: Path) -> None:
    assert yields(recorded(tmp_path / "b.wav", candidate=(1.0, 2.0), bot=(0.1, 0.5))) == []


def test_a_reply_is_measured_from_last_sample_to_first(tmp_path: Path) -> None:
    file = recorded(tmp_path / "c.wav", candidate=(0.2, 1.0), bot=(1.75, 2.5))
    assert replies(file) == [pytest.approx(0.75, abs=0.011)]


def test_a_stretch_spoken_over_the_interviewer_has_no_reply(tmp_path: Path) -> None:
    assert replies(recorded(tmp_path / "d.wav", candidate=(1.0, 2.0), bot=(0.2, 1.2))) == []


def test_a_silence_of_both_is_between_two_sounds_of_the_interviewer(tmp_path: Path) -> None:
    file = recorded(tmp_path / "f.wav", candidate=(0, 0), bot=(0.2, 0.5))
    again(file, 1.1, 1.5)
    again(file, 1.55, 1.7)  # within a word
    again(file, 2.5, 2.9)
    assert silences(file) == [pytest.approx(0.6, abs=0.011), pytest.approx(0.8, abs=0.011)]


def test_while_the_candidate_speaks_nobody_is_silent(tmp_path: Path) -> None:
    file = recorded(tmp_path / "g.wav", candidate=(1.0, 2.0), bot=(0.2, 0.5))
    again(file, 2.2, 2.6)
    assert silences(file) == []


def test_a_missed_goal_is_said() -> None:
    middle, high = spread("x", [0.1] * 18 + [0.5, 0.6], p50_at_most=0.2, p95_at_most=0.3)
    assert (middle.met, high.met) == (True, False)
    assert p95([1, 2, 3, 4]) == 4
