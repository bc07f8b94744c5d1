"""Recordings with known sounds, as a bot writes them, and the turns that go with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np

from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose
from voice.recorder import RATE_HZ, wav_header

BEGAN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
#: A side's sounds: from and until when, in seconds, and how loud.
Sounds = tuple[tuple[float, float, int], ...]


@dataclass(frozen=True)
class Recording:
    id: UUID
    url: str
    started_at: datetime
    complete: bool | None = True


def recorded(
    folder: Path,
    seconds: float,
    candidate: Sounds = (),
    interviewer: Sounds = (),
    *,
    after_s: float = 0,
    complete: bool | None = True,
) -> Recording:
    """Begun `after_s` after the interview."""
    sides = np.zeros((round(seconds * RATE_HZ), 2), "<i2")
    for channel, sounds in enumerate((candidate, interviewer)):
        for begins, ends, loud in sounds:
            sides[round(begins * RATE_HZ) : round(ends * RATE_HZ), channel] = loud
    made = Recording(uuid4(), "", BEGAN + timedelta(seconds=after_s), complete)
    path = folder / f"{made.id}.wav"
    path.write_bytes(wav_header(sides.nbytes) + sides.tobytes())
    return Recording(made.id, str(path), made.started_at, complete)


def said(
    recording: Recording,
    speaker: Speaker,
    begins_s: float,
    ends_s: float,
    *,
    purpose: TurnPurpose = TurnPurpose.ANSWER,
    question: UUID | None = None,
    text: str = "It is a table of keys.",
) -> Turn:
    return Turn(
        id=uuid4(),
        interview_id=uuid4(),
        question_id=question,
        speaker=speaker,
        kind=TurnKind.SPOKEN,
        purpose=purpose,
        text=text,
        started_at=recording.started_at + timedelta(seconds=begins_s),
        ended_at=recording.started_at + timedelta(seconds=ends_s),
        recording_id=recording.id,
        recording_offset_ms=round(1000 * begins_s),
    )


def levels(sound: np.ndarray, at_s: Iterable[float]) -> dict[float, int]:
    """What one channel holds at these moments."""
    return {at: int(sound[round(at * RATE_HZ)]) for at in at_s}
