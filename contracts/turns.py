"""What was said. Texts: never put one of these into a Temporal payload."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Speaker(StrEnum):
    INTERVIEWER = "interviewer"
    CANDIDATE = "candidate"


class TurnKind(StrEnum):
    SPOKEN = "spoken"
    TYPED = "typed"


class TurnPurpose(StrEnum):
    """Why the turn exists. Only `answer` turns are part of an answer and graded."""

    GREETING = "greeting"
    QUESTION = "question"
    FOLLOW_UP = "follow_up"
    ANSWER = "answer"
    CONTROL = "control"  # "please repeat that", and the bot's reply to it
    ACKNOWLEDGEMENT = "acknowledgement"
    PROMPT = "prompt"  # the gentle word after a silence, the wind-down
    RESUME = "resume"  # "Welcome back"
    CLOSING = "closing"


class Turn(BaseModel):
    """One utterance, spoken or typed.

    `text` is what is shown and graded (key terms repaired), `raw_text` what the recogniser heard.
    `recording_offset_ms` is where it begins in the recording named by `recording_id`.
    """

    model_config = ConfigDict(frozen=True)

    id: UUID
    interview_id: UUID
    question_id: UUID | None
    revision: int | None = Field(default=None, ge=1)
    speaker: Speaker
    kind: TurnKind
    purpose: TurnPurpose
    text: str
    raw_text: str | None = None
    started_at: datetime
    ended_at: datetime
    recording_id: UUID | None = None
    recording_offset_ms: int | None = Field(default=None, ge=0)
    interrupted: bool = False
    number: int | None = None  # given by the database, rising within the interview


def in_spoken_order(turns: Iterable[Turn]) -> list[Turn]:
    """By their numbers, but for lines that were cut: those are written down when they are given up,
    which is after the words that cut them."""
    ordered: list[Turn] = []
    for turn in sorted(turns, key=_written_order):
        place = len(ordered)
        while turn.interrupted and place and _came_into(ordered[place - 1], turn):
            place -= 1
        ordered.insert(place, turn)
    return ordered


def _came_into(turn: Turn, line: Turn) -> bool:
    return turn.speaker is not line.speaker and turn.started_at > line.started_at


def _written_order(turn: Turn) -> tuple[bool, int, datetime]:
    return (turn.number is None, turn.number or 0, turn.started_at)
