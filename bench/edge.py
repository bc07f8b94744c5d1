"""The bot's edge: what a recording says about who replied and yielded when.

A recording holds both sides as the bot received and wrote them, on one clock: the candidate on the
first channel, the interviewer on the second. The simulated candidate's channel holds a voice and
nothing else, so loudness tells on both.
"""

from __future__ import annotations

import wave
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from voice import conduct
from voice.voiced import FRAME_S, Frames, Loudness, stretches

#: A shorter silence is within a word.
_WITHIN_WORDS_S: Final = 0.1


def yields(recording: Path) -> list[float]:
    """Seconds from each first voiced sample of the candidate over the speaking interviewer to the
    interviewer's last one.
    """
    candidate, interviewer = _heard(recording)
    return [seconds for _, _, seconds in conduct.yields(candidate, interviewer)]


def replies(recording: Path) -> list[float]:
    """Seconds from the candidate's last voiced sample to the interviewer's first one, where nobody
    spoke over the other.
    """
    candidate, interviewer = _heard(recording)
    found = conduct.replies(candidate, interviewer, ())
    return [round(each.begins_s - each.after_s, 2) for each in found if each.waited_for]


def silences(recording: Path) -> list[float]:
    """Seconds of each silence between two sounds of the interviewer in which the candidate was
    silent too.
    """
    candidate, interviewer = _heard(recording)
    return [
        round((begins - ended) * FRAME_S, 2)
        for (_, ended), (begins, _) in pairwise(stretches(interviewer, _WITHIN_WORDS_S))
        if not candidate[ended:begins].any()
    ]


def _heard(recording: Path) -> tuple[Frames, Frames]:
    with wave.open(str(recording)) as file:
        sides = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    candidate, interviewer = Loudness(), Loudness()
    candidate.hear(sides[:, 0])
    interviewer.hear(sides[:, 1])
    return candidate.heard(), interviewer.heard()
