"""The recording, written while it is spoken.

One WAV file per conversation, 16 kHz, two channels (candidate, interviewer), in a folder named by
any fsspec URL. Every half second what was said is written by a thread and, where storage can seek,
the header is brought up to date: after a crash the file ends at the last half second and is valid.
Where it cannot (object stores) the header says "open-ended", which `clips` and players understand.

Recording never holds an interview up: when the storage fails or is slower than speech for long, the
recording is marked incomplete and the interview goes on.
"""

from __future__ import annotations

import asyncio
import logging
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Final, NamedTuple
from uuid import UUID

import fsspec
import numpy as np
import soxr
from pipecat.frames.frames import Frame, InputAudioRawFrame, OutputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from voice.speech import Heard

_log = logging.getLogger("codevoice.voice")

RATE_HZ: Final = 16_000
CHANNELS: Final = 2
FRAME_BYTES: Final = 2 * CHANNELS
HEADER_BYTES: Final = 44
OPEN_ENDED: Final = 0xFFFF_FFFF
WRITE_EVERY_S: Final = 0.5
#: Audio younger than this may still arrive out of step between the two sides.
SETTLE_S: Final = 0.3
#: A side that is this far behind the clock has paused; less is jitter and is not padded.
GAP_SAMPLES: Final = RATE_HZ // 10
#: Unwritten audio kept at most (1.9 MB for both sides); a slower storage is given up.
LONGEST_BACKLOG_S: Final = 30


class Place(NamedTuple):
    """Where something begins that was said."""

    recording_id: UUID
    offset_ms: int


@dataclass(frozen=True)
class Recorded:
    recording_id: UUID
    url: str
    complete: bool
    duration_ms: int


class _Side:
    """One channel on the recording's clock. Positions are samples since its start."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._taken = self._received = 0
        #: Each silence between what was received: after how many samples of that, and how long.
        self._silences: list[tuple[int, int]] = []

    def add(self, pcm: bytes, now: int) -> None:
        """Appends audio that ended at `now`, after silence where the side had paused."""
        gap = now - len(pcm) // 2 - self.end
        if gap > GAP_SAMPLES:
            self._pause(gap)
        self._pcm += pcm
        self._received += len(pcm) // 2

    def catch_up(self, now: int) -> None:
        """More has come than fits before `now`: it was held up, and takes the place of the silence
        before it, as far as that is not written."""
        ahead = self.end - now
        if ahead <= GAP_SAMPLES or not self._silences:
            return
        after, length = self._silences.pop()
        begins = max(self.place(after), self._taken)
        spare = min(ahead, self.place(after) + length - begins)
        if spare > 0:
            del self._pcm[2 * (begins - self._taken) : 2 * (begins + spare - self._taken)]
        self._silences.append((after, length - max(0, spare)))

    def take(self, until: int) -> bytes:
        """Everything before `until`, padded with silence up to it."""
        if until > self.end:
            self._pause(until - self.end)
        size = 2 * (until - self._taken)
        taken = bytes(self._pcm[:size])
        del self._pcm[:size]
        self._taken = until
        return taken

    def place(self, received: int) -> int:
        """Where so many samples of what was received end."""
        return received + sum(length for after, length in self._silences if after < received)

    @property
    def end(self) -> int:
        return self._taken + len(self._pcm) // 2

    def _pause(self, samples: int) -> None:
        after, length = self._received, samples
        if self._silences and self._silences[-1][0] == after:
            length += self._silences.pop()[1]
        self._silences.append((after, length))
        self._pcm += bytes(2 * samples)


class Recording:
    """One recording. `failed` is called once, on the event loop, if it becomes incomplete."""

    def __init__(
        self, folder: str, name: str, recording_id: UUID, failed: Callable[[], None]
    ) -> None:
        self.recording_id = recording_id
        self.url = f"{folder.rstrip('/')}/{name}/{recording_id}.wav"
        self.started_at = datetime.now(UTC)
        self.complete = True
        self._failed = failed
        self._began = time.monotonic()
        self._sides = (_Side(), _Side())
        self._resample: soxr.ResampleStream | None = None
        self._resample_from = 0
        self._taken = self._written = 0
        self._file: IO[bytes] | None = None
        self._writer: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._writer = asyncio.create_task(self._write_on())

    def place_at(self, at: datetime) -> Place | None:
        """Where `at` is; None in a recording that is incomplete."""
        after_s = (at - self.started_at).total_seconds()
        return self._place(after_s) if self.complete else None

    def place_of_words(self, heard: Heard) -> Place | None:
        """Where the candidate's words begin, counted back from their end.

        Not by the clock: sound that was held up lies behind silence that was written in its place.
        """
        if heard.ends is None:
            return self.place_at(heard.started_at)
        lasted_s = (heard.ended_at - heard.started_at).total_seconds()
        ends_s = self._sides[0].place(heard.ends) / RATE_HZ
        return self._place(ends_s - lasted_s) if self.complete else None

    def _place(self, after_s: float) -> Place:
        return Place(self.recording_id, max(0, round(1000 * after_s)))

    def candidate(self, pcm16_16k: bytes) -> None:
        now = self._now()
        self._sides[0].add(pcm16_16k, now)
        self._sides[0].catch_up(now)

    def interviewer(self, pcm16: bytes, rate_hz: int) -> None:
        if self._resample is None or self._resample_from != rate_hz:
            self._resample = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="int16", quality="LQ")
            self._resample_from = rate_hz
        audio = self._resample.resample_chunk(np.frombuffer(pcm16, dtype="<i2"))
        self._sides[1].add(audio.astype("<i2").tobytes(), self._now())

    async def close(self) -> Recorded:
        """Writes what is left and closes the file. Takes as long as the storage does."""
        if self._writer:
            self._writer.cancel()
            await asyncio.wait([self._writer])
        if self.complete:
            await self._write(max(self._now(), *(side.end for side in self._sides)))
        try:
            await asyncio.to_thread(self._close_file)
        except Exception as failure:
            self._give_up(type(failure).__name__)
        return self.recorded

    @property
    def recorded(self) -> Recorded:
        """What is in the file so far."""
        duration_ms = 1000 * self._written // RATE_HZ
        return Recorded(self.recording_id, self.url, self.complete, duration_ms)

    def _now(self) -> int:
        return int((time.monotonic() - self._began) * RATE_HZ)

    async def _write_on(self) -> None:
        while self.complete:
            # Of before the sleep: a process that was held up has sound to take in first.
            until = self._now() + int((WRITE_EVERY_S - SETTLE_S) * RATE_HZ)
            await asyncio.sleep(WRITE_EVERY_S)
            write = asyncio.ensure_future(self._write(until))
            try:
                await asyncio.wait_for(asyncio.shield(write), LONGEST_BACKLOG_S)
            except TimeoutError:
                self._give_up("the storage is too slow")
            except asyncio.CancelledError:
                await asyncio.wait([write])
                raise

    async def _write(self, until: int) -> None:
        frames = until - self._taken
        if frames <= 0:
            return
        sides = [np.frombuffer(side.take(until), dtype="<i2") for side in self._sides]
        self._taken = until
        try:
            await asyncio.to_thread(self._append, np.stack(sides, axis=1).tobytes())
            self._written += frames
        except Exception as failure:
            self._give_up(type(failure).__name__)

    def _append(self, pcm: bytes) -> None:
        if self._file is None:
            self._file = self._open()
        self._file.write(pcm)
        size = FRAME_BYTES * self._written + len(pcm)
        if self._file.seekable():
            self._file.seek(0)
            self._file.write(wav_header(size))
            self._file.seek(HEADER_BYTES + size)
        self._file.flush()

    def _open(self) -> IO[bytes]:
        filesystem, path = fsspec.core.url_to_fs(self.url)
        filesystem.makedirs(filesystem._parent(path), exist_ok=True)
        file: IO[bytes] = filesystem.open(path, "wb")
        file.write(wav_header(OPEN_ENDED))
        return file

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()

    def _give_up(self, why: str) -> None:
        if self.complete:
            self.complete = False
            _log.warning("recording %s is incomplete: %s", self.recording_id, why)
            self._failed()


class Recorder(FrameProcessor):
    """Stands behind the output transport: what passes has been received, or has been played."""

    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self._recording = recording

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if self._recording.complete and direction is FrameDirection.DOWNSTREAM:
            if isinstance(frame, InputAudioRawFrame):
                self._recording.candidate(frame.audio)
            elif isinstance(frame, OutputAudioRawFrame):
                self._recording.interviewer(frame.audio, frame.sample_rate)
        await self.push_frame(frame, direction)


def wav_header(data_bytes: int) -> bytes:
    """A canonical 44-byte WAV header; `OPEN_ENDED` for a length that is not known."""
    riff = OPEN_ENDED if data_bytes == OPEN_ENDED else data_bytes + HEADER_BYTES - 8
    byte_rate = RATE_HZ * FRAME_BYTES
    layout = (16, 1, CHANNELS, RATE_HZ, byte_rate, FRAME_BYTES, 16)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", riff, b"WAVE", b"fmt ", *layout, b"data", data_bytes
    )
