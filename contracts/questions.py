"""A question as the bank holds it. Texts: never put one of these into a Temporal payload."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Difficulty(StrEnum):
    EASY = "EASY"
    MEDIUM = "MEDIUM"
    HARD = "HARD"


#: Follow-up questions the interviewer may ask after one answer.
FOLLOW_UP_BUDGET: dict[Difficulty, int] = {
    Difficulty.EASY: 1,
    Difficulty.MEDIUM: 1,
    Difficulty.HARD: 2,
}


class KeyPoint(BaseModel):
    """One thing a full answer says. `weight` is relative within the question, above 0.

    `follow_up` is spoken when this point is missed; it must not give the point away.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    text: str = Field(min_length=8, max_length=400)
    weight: float = Field(default=1.0, gt=0, le=10)
    follow_up: str | None = Field(default=None, max_length=300)


class Question(BaseModel):
    """One bank entry. `slug` names it for ever; `version` counts its edits.

    `prompt` and `rephrased` are written to be spoken ("H T T P", "O of n log n"). `key_terms` are
    the words speech recognition is helped with. `time_limit` is what page and bot wind down to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slug: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    version: int = Field(default=1, ge=1)
    topic: str = Field(min_length=2, max_length=60)
    difficulty: Difficulty
    prompt: str = Field(min_length=10, max_length=600)
    rephrased: str = Field(min_length=10, max_length=600)
    key_points: tuple[KeyPoint, ...] = Field(min_length=1, max_length=12)
    model_answer: str = Field(min_length=20, max_length=4000)
    key_terms: tuple[str, ...] = ()
    time_limit: timedelta = timedelta(minutes=4)

    def prompt_for(self, follow_up: str | None) -> str:
        """The follow-up about the key point of that id, or the question itself."""
        for point in self.key_points:
            if point.id == follow_up and point.follow_up:
                return point.follow_up
        return self.prompt
