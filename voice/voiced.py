"""Who is heard when, on either side of a recording, in frames of 10 ms.

The interviewer's side holds what was played and nothing else, so loudness tells. The candidate's
holds a room, so the live line's voice detector tells, and loudness only where a voice begins and
ends. Sound is taken in pieces of any length; what is kept of it is a bit for each frame.
"""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from pipecat.audio.vad.silero import SileroVADAnalyzer

from voice.recorder import RATE_HZ

Samples = NDArray[np.int16]
#: For each frame, whether somebody is heard.
Frames = NDArray[np.bool_]

#: Amplitude (of 32767) above which a sample is heard.
LOUD: Final = 400
FRAME_S: Final = 0.01
_FRAME: Final = int(RATE_HZ * FRAME_S)
#: What Silero judges at a time.
_WINDOW: Final = 512
#: Silero's own: a voice begins where it is this sure and goes on while it is that sure.
_BEGINS: Final = 0.5
_GOES_ON: Final = 0.35
#: A shorter voice is a click; a shorter silence is within a word (both Silero's own).
_SHORTEST_VOICE_S: Final = 0.25
_WITHIN_WORDS_S: Final = 0.1
#: A voice after noise is noticed so late at most.
_NOTICED_S: Final = 0.1


class Ear(Protocol):
    def hear(self, samples: Samples) -> None:
        """The next samples, 16 kHz."""

    def heard(self) -> Frames:
        """All frames that are whole. Called once, at the end."""


class Loudness:
    """Anything above `LOUD`."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.int16)
        self._frames: list[Frames] = []

    def hear(self, samples: Samples) -> None:
        sound = np.concatenate((self._rest, samples))
        whole = len(sound) // _FRAME * _FRAME
        self._rest = sound[whole:]
        peaks = np.abs(sound[:whole].astype(np.int32)).reshape(-1, _FRAME).max(axis=1, initial=0)
        self._frames.append(peaks > LOUD)

    def heard(self) -> Frames:
        return np.concatenate((*self._frames, np.zeros(0, np.bool_)))


class Voice:
    """A voice. The model is loaded here (0.1 s of CPU); 20 minutes take it about 5 s of CPU."""

    def __init__(self) -> None:
        self._loudness = Loudness()
        self._detector = SileroVADAnalyzer()
        self._detector.set_sample_rate(RATE_HZ)
        self._rest = np.zeros(0, np.int16)
        self._windows: list[bool] = []

    def hear(self, samples: Samples) -> None:
        self._loudness.hear(samples)
        sound = np.concatenate((self._rest, samples))
        whole = len(sound) // _WINDOW * _WINDOW
        self._rest = sound[whole:]
        for place in range(0, whole, _WINDOW):
            self._windows.append(self._is_voice(sound[place : place + _WINDOW]))

    def heard(self) -> Frames:
        loud = self._loudness.heard()
        middles = (np.arange(len(loud)) * _FRAME + _FRAME // 2) // _WINDOW
        windows = np.array([*self._windows, False], np.bool_)
        voiced = windows[np.minimum(middles, len(self._windows))]
        found = np.zeros(len(loud), np.bool_)
        for begins, ends in stretches(voiced, _WITHIN_WORDS_S):
            if (ends - begins) * FRAME_S >= _SHORTEST_VOICE_S:
                first = max(0, begins - round(_NOTICED_S / FRAME_S))
                found[first:ends] |= _trimmed(loud[first:ends], begins - first)
        return found

    def _is_voice(self, window: Samples) -> bool:
        if not window.any():  # nobody was on the line
            return False
        sure = float(np.max(self._detector.voice_confidence(window.tobytes())))
        goes_on = bool(self._windows) and self._windows[-1]
        return sure >= (_GOES_ON if goes_on else _BEGINS)


def _trimmed(loud: Frames, noticed: int) -> Frames:
    """From the first loud frame to the last; of a soft voice all since it was noticed."""
    inside = np.flatnonzero(loud)
    begins, ends = (inside[0], inside[-1] + 1) if len(inside) else (noticed, len(loud))
    places = np.arange(len(loud))
    return np.asarray((begins <= places) & (places < ends))


def stretches(frames: Frames, apart_s: float) -> list[tuple[int, int]]:
    """First frame and the one after the last of each stretch; silences of up to `apart_s` are
    within one."""
    heard = np.flatnonzero(frames)
    if not len(heard):
        return []
    breaks = np.flatnonzero(np.diff(heard) - 1 > round(apart_s / FRAME_S))
    begins = heard[np.concatenate(([0], breaks + 1))]
    ends = heard[np.concatenate((breaks, [len(heard) - 1]))] + 1
    return [(int(first), int(last)) for first, last in zip(begins, ends, strict=True)]
