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
    """Seconds, over `count` occurrences; None without any. `p95_s` is one that occurred."""

    count: int = Field(0, ge=0)
    median_s: float | None = None
    p95_s: float | None = None


class Conduct(_Figures):
    """`answers` counts the questions that were answered aloud. `wait` is the silence from the
    candidate's last voiced moment to the interviewer's first; `talk_over_s` how long both spoke at
    once; `cut_offs` how often the interviewer began while an answer went on; `barge_in` how long
    the interviewer spoke on after the candidate had begun to speak over it.
    """

    answers: int = Field(ge=0)
    wait: Spread
    talk_over_s: float = Field(ge=0)
    cut_offs: int = Field(ge=0)
    barge_in: Spread
