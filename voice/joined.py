"""The whole interview as one two-channel file, joined from what each of its bots recorded.

The conversations stand on one clock, the candidate on the left and the interviewer on the right.
Between them is silence; a break longer than `LONGEST_BREAK_S` is cut down to that. Where two bots
recorded at once (a hand-over) both are heard. The file is FLAC: what was said, bit by bit, at less
than half the size of its parts.

Memory is a block, however long the interview. The file is written aside and moved when it is whole,
so whoever finds it finds all of it; a try that dies leaves nothing but that aside, which the next
one removes.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Final, Protocol
from uuid import UUID, uuid4, uuid5

import fsspec
import numpy as np
import soundfile
from numpy.typing import NDArray

from contracts.conduct import Part
from voice.recorder import CHANNELS, FRAME_BYTES, HEADER_BYTES, RATE_HZ, wav_header

#: Samples of both sides, two to a frame.
Sides = NDArray[np.int16]

BLOCK: Final = 4 * RATE_HZ
#: A pause may last for days; a hand-over lasts for seconds and is kept as it was.
LONGEST_BREAK_S: Final = 30
_ASIDE: Final = ".part"


class Recorded(Protocol):
    """One conversation's recording. `complete` is None when nobody has closed it."""

    @property
    def id(self) -> UUID: ...
    @property
    def url(self) -> str: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def complete(self) -> bool | None: ...


@dataclass(frozen=True)
class Piece:
    """A recording of `frames`, from `begins` on, in frames of the whole."""

    recording_id: UUID
    url: str
    begins: int
    frames: int

    @property
    def ends(self) -> int:
        return self.begins + self.frames


@dataclass(frozen=True)
class Whole:
    """`complete`: every conversation's recording is there and misses nothing."""

    id: UUID
    url: str
    started_at: datetime
    pieces: tuple[Piece, ...]
    complete: bool

    @property
    def frames(self) -> int:
        return max(piece.ends for piece in self.pieces)

    @property
    def duration_ms(self) -> int:
        return 1000 * self.frames // RATE_HZ

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(
            Part(recording_id=piece.recording_id, begins_ms=1000 * piece.begins // RATE_HZ)
            for piece in self.pieces
        )


def lay_out(interview_id: UUID, folder: str, recordings: Sequence[Recorded]) -> Whole | None:
    """Where each recording lies in the whole; None when none holds a sound. Blocks.

    The whole's id follows from the interview's, so trying again makes the same file. Raises
    OSError when the storage cannot be asked.
    """
    ordered = sorted(recordings, key=lambda each: each.started_at)
    lengths = [(each, _frames_of(each.url)) for each in ordered]
    heard = [(each, frames) for each, frames in lengths if frames]
    if not heard:
        return None
    pieces: list[Piece] = []
    first, until, left_out = heard[0][0].started_at, 0, 0
    for each, frames in heard:
        begins = round((each.started_at - first).total_seconds() * RATE_HZ) - left_out
        cut = max(0, begins - until - LONGEST_BREAK_S * RATE_HZ)
        left_out += cut
        pieces.append(Piece(each.id, each.url, begins - cut, frames))
        until = max(until, pieces[-1].ends)
    whole_id = uuid5(interview_id, "whole")
    return Whole(
        id=whole_id,
        url=f"{folder.rstrip('/')}/{interview_id}/{whole_id}.flac",
        started_at=first,
        pieces=tuple(pieces),
        complete=all(each.complete and frames for each, frames in lengths),
    )


def blocks(whole: Whole) -> Iterator[Sides]:
    """The sound of the whole, a block at a time. Raises OSError."""
    waiting = sorted(whole.pieces, key=lambda piece: piece.begins)
    open_now: list[tuple[Piece, IO[bytes]]] = []
    try:
        for begins in range(0, whole.frames, BLOCK):
            ends = min(begins + BLOCK, whole.frames)
            while waiting and waiting[0].begins < ends:
                open_now.append((waiting[0], _opened(waiting.pop(0))))
            yield _mixed(open_now, begins, ends)
            for piece, file in [each for each in open_now if each[0].ends <= ends]:
                file.close()
                open_now.remove((piece, file))
    finally:
        for _, file in open_now:
            file.close()


def write(whole: Whole) -> None:
    """Makes the file; one that is there is replaced. Blocks. Raises OSError."""
    files, place = fsspec.core.url_to_fs(whole.url)
    files.makedirs(files._parent(place), exist_ok=True)
    _sweep(files, place)
    aside = f"{place}.{uuid4().hex}{_ASIDE}"
    try:
        # The length stands at the file's beginning and is known at its end, and an object store
        # cannot go back.
        with tempfile.TemporaryFile() as spool:
            _encode(whole, spool)
            spool.seek(0)
            with files.open(aside, "wb") as file:
                shutil.copyfileobj(spool, file, 1 << 20)
        files.mv(aside, place)
    except BaseException:
        with suppress(OSError):
            files.rm(aside)
        raise


def _encode(whole: Whole, file: IO[bytes]) -> None:
    with soundfile.SoundFile(
        file, "w", RATE_HZ, CHANNELS, format="FLAC", subtype="PCM_16"
    ) as encoder:
        for block in blocks(whole):
            encoder.write(block)


def _sweep(files: Any, place: str) -> None:
    """What tries that died have left. A try that still runs loses its file and fails."""
    name = place.rpartition("/")[2]
    for path in files.ls(files._parent(place), detail=False):
        left = path.rpartition("/")[2]
        if left.startswith(name) and left.endswith(_ASIDE):
            with suppress(OSError):
                files.rm(path)


def _mixed(pieces: Sequence[tuple[Piece, IO[bytes]]], begins: int, ends: int) -> Sides:
    mixed = np.zeros((ends - begins, CHANNELS), np.int32)
    for piece, file in pieces:
        first, last = max(begins, piece.begins), min(ends, piece.ends)
        file.seek(HEADER_BYTES + (first - piece.begins) * FRAME_BYTES)
        sound = file.read((last - first) * FRAME_BYTES)
        if len(sound) != (last - first) * FRAME_BYTES:
            raise OSError("a recording is shorter than it was")
        mixed[first - begins : last - begins] += np.frombuffer(sound, "<i2").reshape(-1, CHANNELS)
    return np.clip(mixed, -32768, 32767).astype(np.int16)


def _opened(piece: Piece) -> IO[bytes]:
    files, place = fsspec.core.url_to_fs(piece.url)
    file: IO[bytes] = files.open(place, "rb")
    return file


def _frames_of(url: str) -> int:
    """By the size of the file: a header whose writer died says less. None there, or none of ours:
    no frames."""
    files, place = fsspec.core.url_to_fs(url)
    try:
        with files.open(place, "rb") as file:
            if file.read(HEADER_BYTES)[8:40] != wav_header(0)[8:40]:
                return 0
            return int(max(0, file.seek(0, io.SEEK_END) - HEADER_BYTES) // FRAME_BYTES)
    except FileNotFoundError:
        return 0
