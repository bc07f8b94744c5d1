"""An interview whose bot was killed, and what the dead bot left behind."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import soxr
from numpy.typing import NDArray
from uuid_utils.compat import uuid7

from bench.voices import RATE_HZ as VOICE_HZ
from bench.voices import ShiftedHeart
from contracts.interview import Fence
from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose
from tests.voice.memory import MemoryInterview, MemoryJournal
from voice.conversation import Speech
from voice.interviewer import Interviewer
from voice.recorder import OPEN_ENDED, RATE_HZ, wav_header
from voice.recovered import Recovery
from voice.script import Script

TABLE = "It is a table that maps keys to values with a hash function."
BUCKET = "The hash of the key gives the index of the bucket."
FASTER = "A cache keeps copies of data so that reading it again is faster."
DEAD, NEXT = Fence(epoch=1), Fence(epoch=2)
Samples = NDArray[np.int16]


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE_HZ), np.int16)


def _sides(*said: Samples) -> bytes:
    candidate = np.concatenate(said)
    return np.stack([candidate, np.zeros_like(candidate)], axis=1).tobytes()


@dataclass
class Dead:
    """An interview whose bot was killed, what it left behind, and the bot that comes next.

    The first question was asked 10 s before the recording begins, unless a test says otherwise.
    """

    interview: MemoryInterview
    folder: Path
    speech: Speech
    recording_id: UUID = field(default_factory=uuid7)
    began: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(minutes=5))

    def __post_init__(self) -> None:
        self.interview.held = DEAD

    @property
    def journal(self) -> MemoryJournal:
        return MemoryJournal(self.interview, DEAD)

    @property
    def recording(self) -> Path:
        return self.folder / f"{self.recording_id}.wav"

    async def left(self, *said: Samples) -> None:
        """Its recording: the candidate's side, as the last write left it a minute ago."""
        path, at = self.recording, time.time() - 60
        path.write_bytes(wav_header(OPEN_ENDED) + _sides(*said) + b"torn")
        os.utime(path, (at, at))
        await self.journal.begin_recording(self.recording_id, str(path), self.began)

    def writes(self, *said: Samples) -> None:
        """It is not dead, and adds this to its recording."""
        with self.recording.open("r+b") as file:
            file.seek(-len(b"torn"), os.SEEK_END)
            file.write(_sides(*said) + b"torn")

    async def asked(
        self,
        at_s: float = -10.0,
        purpose: TurnPurpose = TurnPurpose.QUESTION,
        text: str = "What is it?",
    ) -> None:
        await self._wrote(Speaker.INTERVIEWER, purpose, text, (at_s, at_s + 2))

    async def answered(
        self, text: str, begins_s: float, ends_s: float, *, placed_s: float | None = None
    ) -> None:
        """The bot that died recognised this before, or tries to write it now. `placed_s` is where
        its recording has it, when that is noted."""
        span_s = (begins_s, ends_s)
        await self._wrote(Speaker.CANDIDATE, TurnPurpose.ANSWER, text, span_s, placed_s)

    async def _wrote(
        self,
        speaker: Speaker,
        purpose: TurnPurpose,
        text: str,
        span_s: tuple[float, float],
        placed_s: float | None = None,
    ) -> None:
        await self.journal.add_turn(
            Turn(
                id=uuid7(),
                interview_id=self.interview.id,
                question_id=next(iter(self.interview.questions)),
                revision=1 if speaker is Speaker.CANDIDATE else None,
                speaker=speaker,
                kind=TurnKind.SPOKEN,
                purpose=purpose,
                text=text,
                started_at=self.began + timedelta(seconds=span_s[0]),
                ended_at=self.began + timedelta(seconds=span_s[1]),
                recording_id=self.recording_id,
                recording_offset_ms=None if placed_s is None else round(1000 * placed_s),
            )
        )

    async def recovered(self, fence: Fence = NEXT) -> list[Turn]:
        """What the next bot adds."""
        journal = MemoryJournal(self.interview, fence)
        await journal.take_fence()
        known = await journal.turns()
        recovery = await self.recovery(journal)
        await recovery.run(await journal.left_recordings())
        return recovery.turns[len(known) :]

    async def recovery(self, journal: MemoryJournal) -> Recovery:
        script, snapshot = Script(), self.interview.snapshot()
        ready: asyncio.Future[Interviewer] = asyncio.get_running_loop().create_future()
        ready.set_result(Interviewer(self.interview.questions, script, snapshot))
        return Recovery(
            self.speech,
            script,
            journal,
            plan=self.interview.questions,
            turns=await journal.turns(),
            interviewer=ready,
            book=self.interview.used.append,
        )

    @property
    def closed(self) -> bool | None:
        return self.interview.recordings[self.recording_id][1]


class Narrow:
    """A candidate's voice as a recording holds it."""

    def __init__(self, voice: ShiftedHeart) -> None:
        self._voice = voice

    def say(self, text: str) -> Samples:
        wide = self._voice.say(text).astype(np.float32)
        return np.asarray(soxr.resample(wide, VOICE_HZ, RATE_HZ).clip(-32768, 32767), np.int16)


def killed(room: Any, folder: Path, speech: Speech) -> Dead:
    """A bot held this room before, and the first question was asked."""
    room.interview.epoch = DEAD.epoch
    return Dead(room.interview, folder, speech)
