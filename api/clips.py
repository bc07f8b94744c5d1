"""The sound of one turn, cut out of its conversation's recording while it is sent, or a whole file.

A recording is a WAV file of 16-bit samples, the candidate on the first channel and the interviewer
on the second. Its place comes from the database alone, never from a request. The header's length is
not believed: a recording whose writer died, or one on an object store, says less or nothing.
"""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import IO, Any, ClassVar, Final, Protocol

import fsspec
from starlette.responses import Response, StreamingResponse

from contracts.errors import CodeVoiceError, NotFound
from contracts.turns import Speaker, Turn
from db.rows import Recording

_HEADER_BYTES: Final = 44
_CHUNK_FRAMES: Final = 32_768
_CHUNK_BYTES: Final = 131_072
#: Heard before and after the turn: recognisers clip first and last sounds.
_MARGIN_S: Final = 0.15
#: A turn is never longer than its interview (four hours); a wrong row shall not read for ever.
_LONGEST_S: Final = 4 * 3600


class RangeNotSatisfiable(CodeVoiceError):
    kind, status, title = "range-not-satisfiable", 416, "That part does not exist"


class Sound(Protocol):
    """`size` bytes."""

    media_type: ClassVar[str]

    @property
    def size(self) -> int: ...

    def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `stop`."""


@dataclass(frozen=True)
class Stored:
    """A file as it stands, which is never changed."""

    media_type: ClassVar[str] = "audio/flac"

    filesystem: Any
    path: str
    size: int

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        file: IO[bytes] = await asyncio.to_thread(self.filesystem.open, self.path, "rb")
        try:
            await asyncio.to_thread(file.seek, start)
            while start < stop:
                piece = await asyncio.to_thread(file.read, min(_CHUNK_BYTES, stop - start))
                if not piece:
                    raise OSError("a recording is shorter than it was")
                yield piece
                start += len(piece)
        finally:
            await asyncio.to_thread(file.close)


@dataclass(frozen=True)
class Clip:
    """A mono WAV file that is not written anywhere: `size` bytes, the header first."""

    media_type: ClassVar[str] = "audio/wav"

    filesystem: Any
    path: str
    rate_hz: int
    channels: int
    channel: int
    first_frame: int
    frames: int

    @property
    def size(self) -> int:
        return _HEADER_BYTES + 2 * self.frames

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `stop`."""
        header = _mono_header(self.rate_hz, 2 * self.frames)
        if start < _HEADER_BYTES:
            yield header[start:stop]
        at, end = max(0, start - _HEADER_BYTES), max(0, stop - _HEADER_BYTES)
        if at >= end:
            return
        file: IO[bytes] = await asyncio.to_thread(self.filesystem.open, self.path, "rb")
        try:
            while at < end:
                sound = await asyncio.to_thread(self._frames, file, at // 2)
                piece = sound[at % 2 : end - at + at % 2]
                yield piece
                at += len(piece)
        finally:
            await asyncio.to_thread(file.close)

    def _frames(self, file: IO[bytes], frame: int) -> bytes:
        """The next frames' samples of our channel; silence where the file ends early."""
        wanted = min(_CHUNK_FRAMES, self.frames - frame)
        width = 2 * self.channels
        file.seek(_HEADER_BYTES + (self.first_frame + frame) * width)
        raw = file.read(wanted * width).ljust(wanted * width, b"\0")
        return memoryview(raw).cast("h")[self.channel :: self.channels].tobytes()


async def stored(url: str) -> Stored:
    """Raises NotFound for a file that is not there."""
    filesystem, path = fsspec.core.url_to_fs(url)
    try:
        return Stored(filesystem, path, await asyncio.to_thread(filesystem.size, path))
    except OSError:
        raise NotFound("The recording is not there.") from None


async def cut(turn: Turn, recordings: tuple[Recording, ...]) -> Clip:
    """Raises NotFound for a turn that was typed or not recorded."""
    recording = next((each for each in recordings if each.id == turn.recording_id), None)
    if recording is None or turn.recording_offset_ms is None:
        raise NotFound("This turn was not recorded.")
    try:
        return await asyncio.to_thread(_cut, turn, turn.recording_offset_ms, recording.url)
    except (OSError, struct.error, ValueError):
        raise NotFound("The recording of this turn is not there.") from None


def _cut(turn: Turn, offset_ms: int, url: str) -> Clip:
    filesystem, path = fsspec.core.url_to_fs(url)
    with filesystem.open(path, "rb") as file:
        channels, rate_hz = _layout(file.read(_HEADER_BYTES))
    there = (filesystem.size(path) - _HEADER_BYTES) // (2 * channels)
    lasts_s = min(_LONGEST_S, (turn.ended_at - turn.started_at).total_seconds())
    first = max(0, int((offset_ms / 1000 - _MARGIN_S) * rate_hz))
    last = int((offset_ms / 1000 + lasts_s + _MARGIN_S) * rate_hz)
    side = 0 if turn.speaker is Speaker.CANDIDATE else channels - 1
    frames = max(0, min(last, there) - first)
    return Clip(filesystem, path, rate_hz, channels, side, first, frames)


def _layout(header: bytes) -> tuple[int, int]:
    """Channels and rate of a canonical header. Raises ValueError for anything else."""
    riff, wave, tag, channels, rate_hz, bits, data = struct.unpack("<4s4x4s8xHHI6xH4s4x", header)
    ours = (riff, wave, tag, bits, data) == (b"RIFF", b"WAVE", 1, 16, b"data")
    if not ours or channels not in (1, 2):
        raise ValueError("not a recording of ours")
    return channels, rate_hz


def _mono_header(rate_hz: int, data_bytes: int) -> bytes:
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", data_bytes + _HEADER_BYTES - 8, b"WAVE"),
        *(b"fmt ", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16),
        *(b"data", data_bytes),
    )


def partial(sound: Sound, wanted: str | None) -> Response:
    """The whole sound, or the one range that `wanted` (a Range header) names.

    Raises RangeNotSatisfiable. Several ranges, or words that are no range, get the whole.
    """
    start, stop, status = 0, sound.size, 200
    headers = {"Accept-Ranges": "bytes"}
    found = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", wanted or "")
    if found and found.group(0) != "bytes=-":
        start, stop = _bounds(found.group(1), found.group(2), sound.size)
        status = 206
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{sound.size}"
    headers["Content-Length"] = str(stop - start)
    return StreamingResponse(sound.read(start, stop), status, headers, sound.media_type)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    start = int(first) if first else max(0, size - int(last))
    stop = min(size, int(last) + 1) if first and last else size
    if start >= stop:
        raise RangeNotSatisfiable(f"The clip has {size} bytes.")
    return start, stop
