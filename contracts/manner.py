"""How an interview is spoken, as whoever starts it asked."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

#: An Aura voice of Deepgram that speaks English, as the questions do: `aura-asteria-en`.
AURA_VOICE: Final = r"^aura(-2)?-[a-z]{1,30}-en$"
AuraVoice = Annotated[str, Field(pattern=AURA_VOICE)]


class English(StrEnum):
    """Which English a provider's recogniser listens for."""

    ANY = "en"
    AUSTRALIAN = "en-AU"
    BRITISH = "en-GB"
    INDIAN = "en-IN"
    NEW_ZEALAND = "en-NZ"
    AMERICAN = "en-US"


class Manner(BaseModel):
    """`patience_s` is the silence after a finished answer that ends the turn.

    `voice` and `language` are Deepgram's, None what its settings say. Where another speaks and
    hears, they have no effect.
    """

    model_config = ConfigDict(frozen=True)

    patience_s: float = Field(default=1.8, ge=0, le=30)
    voice: AuraVoice | None = None
    language: English | None = None
