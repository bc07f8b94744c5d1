"""The bot's edge: what a recording says about who yielded when.

A recording holds both sides as the bot received and wrote them, on one clock: the candidate on the
first channel, the interviewer on the second. The simulated candidate's channel holds a voice and
nothing else, so loudness tells on both.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from voice import conduct
from voice.voiced import Loudness


def yields(recording: Path) -> list[float]:
    """Seconds from each first voiced sample of the candidate over the speaking interviewer to the
    interviewer's last one.
    """
    with wave.open(str(recording)) as file:
        sides = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    candidate, interviewer = Loudness(), Loudness()
    candidate.hear(sides[:, 0])
    interviewer.hear(sides[:, 1])
    return [seconds for _, _, seconds in conduct.yields(candidate.heard(), interviewer.heard())]
