"""Joins and scores recordings after an interview, beside whatever else the process does.

Everything runs in one thread that gives way to all others of the machine, one interview at a time:
live conversations may be held next door.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar
from uuid import UUID

from contracts.conduct import Conduct
from contracts.turns import Turn
from voice.conduct import Said, conduct
from voice.joined import Recorded, Whole, blocks, lay_out, write
from voice.recorder import RATE_HZ
from voice.voiced import Ear, Loudness, Voice

#: Of 19: it gets what others leave.
_NICENESS: Final = 10
T = TypeVar("T")


class Scorer:
    """`recordings_url` is the folder of the recordings. Close it at the end."""

    def __init__(self, recordings_url: str) -> None:
        self._folder = recordings_url
        self._thread = ThreadPoolExecutor(1, "scorer", initializer=_give_way)

    async def join(self, interview_id: UUID, recordings: Sequence[Recorded]) -> Whole | None:
        """Writes the file of the whole interview; None when nothing was recorded. May be repeated.
        Raises OSError."""
        return await self._beside(lambda: join(interview_id, self._folder, recordings))

    async def score(self, whole: Whole, turns: Sequence[Turn]) -> Conduct:
        """Raises OSError."""
        return await self._beside(lambda: score(whole, turns, Voice()))

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _beside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def join(interview_id: UUID, folder: str, recordings: Sequence[Recorded]) -> Whole | None:
    whole = lay_out(interview_id, folder, recordings)
    if whole is not None:
        write(whole)
    return whole


def score(whole: Whole, turns: Sequence[Turn], candidate: Ear) -> Conduct:
    """Reads the recordings once, a block at a time; `candidate` judges the first channel."""
    interviewer = Loudness()
    for block in blocks(whole):
        candidate.hear(block[:, 0])
        interviewer.hear(block[:, 1])
    seams = [piece.begins / RATE_HZ for piece in whole.pieces[1:]]
    return conduct(candidate.heard(), interviewer.heard(), placed(turns, whole), seams)


def placed(turns: Sequence[Turn], whole: Whole) -> list[Said]:
    """The turns that were recorded, where they lie in the whole."""
    begins_s = {piece.recording_id: piece.begins / RATE_HZ for piece in whole.pieces}
    found = []
    for turn in turns:
        if turn.recording_id in begins_s and turn.recording_offset_ms is not None:
            at_s = begins_s[turn.recording_id] + turn.recording_offset_ms / 1000
            lasts_s = (turn.ended_at - turn.started_at).total_seconds()
            found.append(Said(turn, at_s, at_s + lasts_s))
    return found


def _give_way() -> None:
    """On Linux niceness is a thread's own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
