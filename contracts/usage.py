"""What providers are paid for: one entry for each call, booked on its interview."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Purpose(StrEnum):
    GRADER = "grader"
    INTERVIEWER = "interviewer"


class Usage(BaseModel):
    """One call as the provider counted it. `id` is the call's own: booked twice, it counts once."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    purpose: Purpose
    model: str
    tokens_in: int = Field(default=0, ge=0)
    tokens_out: int = Field(default=0, ge=0)
