"""Cuts pieces out of recordings, also out of one that a crash left unfinished."""

from __future__ import annotations

import io
import struct
import wave
from dataclasses import dataclass
from typing import IO, Final

import fsspec

from contracts.errors import InvalidInput, NotFound, Unavailable

#: Recordings are mono per side, interleaved: which channel is whose.
CANDIDATE_CHANNEL: Final = 0
INTERVIEWER_CHANNEL: Final = 1
#: Heard around a cut, so that no first or last sound is lost.
MARGIN_MS: Final = 150
LONGEST_CLIP_MS: Final = 15 * 60_000


@dataclass(frozen=True)
class _Layout:
    """Where the samples are. `frames` counts what is in the file, not what its header says."""

    data_at: int
    frames: int
    channels: int
    rate_hz: int


def clip(url: str, start_ms: int, end_ms: int, channel: int | None = None) -> bytes:
    """A WAV of `start_ms` to `end_ms`, with a small margin, cut at the ends of the recording.

    `channel` picks one side; None keeps both. Blocks on storage: call it in a thread. Raises
    NotFound when there is no such recording, InvalidInput when it is not one or the span is longer
    than 15 minutes, and Unavailable when the storage fails.
    """
    if end_ms < start_ms or end_ms - start_ms > LONGEST_CLIP_MS:
        raise InvalidInput("the span is empty or longer than 15 minutes", field="end_ms")
    try:
        with fsspec.open(url, "rb") as file:
            layout = _layout(file)
            first = max(0, start_ms - MARGIN_MS) * layout.rate_hz // 1000
            last = min((end_ms + MARGIN_MS) * layout.rate_hz // 1000, layout.frames)
            size = 2 * layout.channels
            file.seek(layout.data_at + min(first, last) * size)
            pcm = file.read(max(0, last - first) * size)
    except FileNotFoundError as missing:
        raise NotFound("there is no such recording") from missing
    except OSError as failure:
        raise Unavailable("the recording's storage cannot be read") from failure
    return _wav(pcm, layout, channel)


def _layout(file: IO[bytes]) -> _Layout:
    """Reads the header; an open-ended or torn data part is measured by the file's own end."""
    riff = file.read(12)
    if riff[:4] != b"RIFF" or riff[8:12] != b"WAVE":
        raise InvalidInput("the recording is not a WAV file")
    channels, rate_hz = 0, 0
    while len(head := file.read(8)) == 8:
        name, size = head[:4], struct.unpack("<I", head[4:])[0]
        if name == b"data" and channels:
            data_at = file.tell()
            present = file.seek(0, io.SEEK_END) - data_at
            return _Layout(data_at, min(size, present) // (2 * channels), channels, rate_hz)
        body = file.read(size + size % 2)
        if name == b"fmt ":
            _, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", body[:16])
            if bits != 16:
                raise InvalidInput("the recording is not 16-bit PCM")
    raise InvalidInput("the recording holds no audio")


def _wav(pcm: bytes, layout: _Layout, channel: int | None) -> bytes:
    if channel is not None and layout.channels > 1:
        size = 2 * layout.channels
        whole = memoryview(pcm)[: len(pcm) // size * size]
        pcm = whole.cast("B").cast("h")[channel :: layout.channels].tobytes()
    out = io.BytesIO()
    with wave.open(out, "wb") as writer:
        writer.setnchannels(1 if channel is not None else layout.channels)
        writer.setsampwidth(2)
        writer.setframerate(layout.rate_hz)
        writer.writeframes(pcm)
    return out.getvalue()
