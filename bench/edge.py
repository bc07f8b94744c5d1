"""The bot's edge: what a recording says about who yielded when.

A recording holds both sides as the bot received and wrote them, on one clock: the candidate on the
first channel, the interviewer on the second.
"""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Amplitude (of 32767) above which a sample is heard.
VOICED: Final = 400
_FRAME_S: Final = 0.01
#: A side that was silent for this long begins anew.
_APART_S: Final = 0.6
#: Silence after which the interviewer has fallen silent, longer than the gaps between words.
_YIELDED_S: Final = 0.4


def yields(recording: Path) -> list[float]:
    """Seconds from each first voiced sample of the candidate over the speaking interviewer to the
    interviewer's last one.
    """
    candidate, interviewer = _loud(recording)
    found = []
    for onset in _onsets(candidate):
        if not interviewer[max(0, onset - 15) : onset].any():
            continue
        spoken = np.flatnonzero(interviewer[onset:])
        gaps = np.flatnonzero(np.diff(spoken) > _YIELDED_S / _FRAME_S)
        last = spoken[gaps[0]] if len(gaps) else spoken[-1] if len(spoken) else 0
        found.append(round(float(last + 1) * _FRAME_S, 2))
    return found


def _loud(recording: Path) -> NDArray[np.bool_]:
    """For each side and 10 ms, whether anything is heard."""
    with wave.open(str(recording)) as file:
        rate = file.getframerate()
        sides = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    size = int(rate * _FRAME_S)
    frames = len(sides) // size
    shaped = np.abs(sides[: frames * size].astype(np.int32)).reshape(frames, size, 2)
    loud: NDArray[np.bool_] = (shaped.max(axis=1) > VOICED).T
    return loud


def _onsets(loud: NDArray[np.bool_]) -> list[int]:
    heard = np.flatnonzero(loud)
    if not len(heard):
        return []
    new = np.flatnonzero(np.diff(heard) > _APART_S / _FRAME_S) + 1
    return [int(heard[0]), *(int(heard[each]) for each in new)]
