"""What joining and scoring a recording costs, and how right its figures are: on a conversation that
is put together from known pieces, whose every pause, overlap and cut-off is known.

`python -m bench.conduct` (20 minutes of sound; `--minutes`, `--noise`: amplitude of the room).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import numpy as np
import soxr
from numpy.typing import NDArray

from bench import voices
from contracts.conduct import Conduct
from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose
from voice.conduct import spread
from voice.recorder import RATE_HZ, wav_header
from voice.scorer import join, score
from voice.voiced import Voice

Samples = NDArray[np.int16]

QUESTION: Final = "How does a hash table find the place of a key, and what happens in a collision?"
ANSWER: Final = "The hash of the key gives the index of a bucket. Keys that share one are chained."
MORE: Final = "And the table grows when it is too full."
STOP: Final = "Sorry, could you please say that again?"
#: Silences before the interviewer speaks, in turn.
WAITS_S: Final = (0.7, 0.9, 1.2, 1.6, 2.4)
_STEP_S: Final = 0.35


@dataclass
class Known:
    """The conversation's sound so far, and what is true of it."""

    noise: int
    waits_s: list[float] = field(default_factory=list)
    barge_ins_s: list[float] = field(default_factory=list)
    cut_offs: int = 0
    turns: list[Turn] = field(default_factory=list)
    at: int = 0

    def __post_init__(self) -> None:
        self.recording_id, self.started_at = uuid4(), datetime.now(UTC)
        self.url, self.complete = "", True
        self._random = np.random.default_rng(7)

    @property
    def id(self) -> UUID:
        return self.recording_id

    def room(self, *sounds: tuple[int, float, Samples], lasts_s: float) -> Samples:
        """So much of both sides, with these sounds in it: side, beginning in seconds, samples."""
        sides = np.zeros((round(lasts_s * RATE_HZ), 2), np.int16)
        sides[:, 0] = np.rint(self._random.normal(0, self.noise, len(sides)))
        for side, begins_s, sound in sounds:
            begins = round(begins_s * RATE_HZ)
            sides[begins : begins + len(sound), side] += sound
        self.at += len(sides)
        return sides

    def said(
        self, speaker: Speaker, begins_s: float, lasts_s: float, purpose: TurnPurpose, about: UUID
    ) -> None:
        """At so many seconds after the present place."""
        at_s = self.at / RATE_HZ + begins_s
        began_at = self.started_at + timedelta(seconds=at_s)
        self.turns.append(
            Turn(
                id=uuid4(),
                interview_id=uuid4(),
                question_id=about,
                speaker=speaker,
                kind=TurnKind.SPOKEN,
                purpose=purpose,
                text="said",
                started_at=began_at,
                ended_at=began_at + timedelta(seconds=lasts_s),
                recording_id=self.recording_id,
                recording_offset_ms=round(1000 * at_s),
            )
        )


class Speech:
    """The pieces, at the recording's rate."""

    def __init__(self) -> None:
        candidate, heart = voices.ShiftedHeart(), voices.ShiftedHeart(pitch=1.0)
        self.question = _at_rate(heart.say(QUESTION))
        self.answer, self.more, self.stop = (
            _at_rate(candidate.say(text)) for text in (ANSWER, MORE, STOP)
        )


def talk(known: Known, speech: Speech, minutes: float) -> Iterator[Samples]:
    """Question and answer in turn; each fifth answer is cut off, each seventh question barged into.
    The interviewer falls silent `_STEP_S` after the candidate has begun."""
    number = 0
    while known.at < minutes * 60 * RATE_HZ:
        about, number = uuid4(), number + 1
        if number % 7 == 0:
            yield _barged_into(known, speech, about)
        asked_s, answer_s = _length(speech.question), _length(speech.answer)
        known.said(Speaker.INTERVIEWER, 0, asked_s, TurnPurpose.QUESTION, about)
        known.said(Speaker.CANDIDATE, asked_s + 1.5, answer_s, TurnPurpose.ANSWER, about)
        sounds = [(1, 0.0, speech.question), (0, asked_s + 1.5, speech.answer)]
        lasts_s = asked_s + 1.5 + answer_s
        if number % 5 == 0:
            yield known.room(*sounds, lasts_s=lasts_s)
            yield _cut_off(known, speech, about)
            lasts_s = 0.0
            sounds = []
        wait_s = WAITS_S[number % len(WAITS_S)]
        known.waits_s.append(wait_s)
        yield known.room(*sounds, lasts_s=lasts_s + wait_s)
    known.waits_s.pop()


def _cut_off(known: Known, speech: Speech, about: UUID) -> Samples:
    """The interviewer begins 0.8 s after the words so far; the answer goes on."""
    known.cut_offs += 1
    more_s, resumes_s = _length(speech.more), 0.8 + 0.3
    known.said(Speaker.INTERVIEWER, 0.8, 0.3 + _STEP_S, TurnPurpose.ACKNOWLEDGEMENT, about)
    known.said(Speaker.CANDIDATE, resumes_s, more_s, TurnPurpose.ANSWER, about)
    begun = speech.question[: round((0.3 + _STEP_S) * RATE_HZ)]
    return known.room((1, 0.8, begun), (0, resumes_s, speech.more), lasts_s=resumes_s + more_s)


def _barged_into(known: Known, speech: Speech, about: UUID) -> Samples:
    known.barge_ins_s.append(_STEP_S)
    stop_s = _length(speech.stop)
    known.said(Speaker.INTERVIEWER, 0, 1 + _STEP_S, TurnPurpose.QUESTION, about)
    known.said(Speaker.CANDIDATE, 1, stop_s, TurnPurpose.CONTROL, about)
    known.waits_s.append(1.0)
    begun = speech.question[: round((1 + _STEP_S) * RATE_HZ)]
    return known.room((1, 0, begun), (0, 1.0, speech.stop), lasts_s=1 + stop_s + 1.0)


def record(known: Known, speech: Speech, folder: Path, minutes: float) -> None:
    path = folder / f"{known.recording_id}.wav"
    with path.open("wb") as file:
        file.write(wav_header(0))
        for sides in talk(known, speech, minutes):
            file.write(sides.tobytes())
        file.seek(0)
        file.write(wav_header(4 * known.at))
    known.url = str(path)


def measure(folder: Path, minutes: float, noise: int) -> None:
    known = Known(noise)
    record(known, Speech(), folder, minutes)
    sound_min = known.at / RATE_HZ / 60
    _say(f"{sound_min:.1f} min of sound, room noise {noise}")
    with _cost("joining"):
        whole = join(uuid4(), str(folder), [known])
    assert whole is not None
    bytes_a_minute = Path(whole.url).stat().st_size / sound_min
    _say(f"FLAC {bytes_a_minute / 1e6:.2f} MB a minute, beside WAV 3.84")
    with _cost("scoring"):
        found = score(whole, known.turns, Voice())
    _say(f"known: {_truth(known)}")
    _say(f"found: {_told(found)}")


@contextmanager
def _cost(what: str) -> Iterator[None]:
    """CPU, and by how much memory grew at most. The peak is Linux's and begins anew here."""
    Path("/proc/self/clear_refs").write_text("5")
    cpu, held = time.process_time(), _held_mb("VmRSS")
    yield
    grew, took = _held_mb("VmHWM") - held, time.process_time() - cpu
    _say(f"{what}: {took:.1f} s of CPU, peak of memory +{grew:.0f} MB")


def _held_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1000


def _truth(known: Known) -> str:
    wait, barge_in = spread(known.waits_s), spread(known.barge_ins_s)
    return f"wait {wait}; cut-offs {known.cut_offs}; barge-in {barge_in}"


def _told(found: Conduct) -> str:
    return f"wait {found.wait}; cut-offs {found.cut_offs}; barge-in {found.barge_in}"


def _at_rate(samples: Samples) -> Samples:
    at_rate: Samples = soxr.resample(samples, voices.RATE_HZ, RATE_HZ)
    return at_rate


def _length(samples: Samples) -> float:
    return len(samples) / RATE_HZ


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--noise", type=int, default=20)
    asked = parser.parse_args(given)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), asked.minutes, asked.noise)


if __name__ == "__main__":
    main()
