"""What providers are paid for: one entry for each call, booked on its interview."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Purpose(StrEnum):
    GRADER = "grader"
    INTERVIEWER = "interviewer"
    SPEECH_TO_TEXT = "speech_to_text"
    TEXT_TO_SPEECH = "text_to_speech"


class Usage(BaseModel):
    """One call in what its provider is paid by: tokens as it counted them, seconds of audio sent,
    characters spoken. `id` is the call's own: booked twice, it counts once.
    """

    model_config = ConfigDict(frozen=True)

    id: UUID
    purpose: Purpose
    model: str
    tokens_in: int = Field(default=0, ge=0)
    tokens_out: int = Field(default=0, ge=0)
    audio_s: float = Field(default=0.0, ge=0)
    characters: int = Field(default=0, ge=0)


#: Told of each call.
Book = Callable[[Usage], None]


def unbooked(call: Usage) -> None:
    """What no interview pays for: one call serves them all."""
