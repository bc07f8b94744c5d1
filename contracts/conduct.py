"""How a spoken interview was conducted: figures taken from its recording, about the interviewer.

They stand with the recording in the database and on staff's page, never in a Temporal payload.
"""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True)


class Part(_Figures):
    """One conversation's recording within that of the whole interview, which it enters at
    `begins_ms`."""

    recording_id: UUID
    begins_ms: int = Field(ge=0)


class Spread(_Figures):
    """Seconds, over `count` occurrences; null without any."""

    count: int = Field(0, ge=0)
    median_s: float | None = None
    p95_s: float | None = Field(None, description="One that occurred: the nearest rank.")


class Conduct(_Figures):
    """What the interviewer did between the words. No figure is about the candidate."""

    answers: int = Field(ge=0, description="Questions that were answered aloud.")
    wait: Spread = Field(
        description="Silence from the candidate's last voiced moment to the interviewer's first."
    )
    talk_over_s: float = Field(ge=0, description="How long both spoke at once.")
    cut_offs: int = Field(
        ge=0, description="How often the interviewer began while an answer went on."
    )
    barge_in: Spread = Field(
        description="How long the interviewer spoke on once the candidate had begun over it."
    )


class Recorded(_Figures):
    """The recording of a whole interview. `complete`: it misses nothing that was said to a bot.
    `conduct` is None until it was measured, and for ever where that failed."""

    duration_ms: int = Field(ge=0)
    complete: bool
    conduct: Conduct | None
