"""What bot and page tell each other on the data channel.

Bot to page: RTVI server messages whose `data` is one of the objects built here. Page to bot: RTVI
client messages whose `t` is a `Press`, and Pipecat's plain "ping" strings each second. These
objects carry texts, so they go nowhere but to the candidate's own page.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from contracts.turns import Speaker

Message = dict[str, Any]


class Press(StrEnum):
    """Buttons of the room."""

    DONE = "done"
    MINUTE = "minute"
    REPEAT = "repeat"
    LISTENING = "listening"  # leaves quiet mode


class Notice(StrEnum):
    SILENCE_OFFER = "silence_offer"
    WIND_DOWN = "wind_down"
    QUESTION_WIND_DOWN = "question_wind_down"
    RECORDING_INCOMPLETE = "recording_incomplete"
    NOT_STORED = "not_stored"


RoomState = Literal["speaking", "listening", "thinking", "writing"]


def pressed(kind: str) -> Press | None:
    """The button a client message names; None for anything else."""
    return Press(kind) if kind in set(Press) else None


def pulse(epoch: int) -> Message:
    """Sent every 0.5 s. A page that misses it for 1.5 s offers again."""
    return {"type": "pulse", "epoch": epoch}


def caption(who: Speaker, turn_id: UUID, text: str, *, final: bool) -> Message:
    """The whole text of the turn so far; it replaces the turn's earlier captions."""
    return {
        "type": "caption",
        "who": who.value,
        "turn_id": str(turn_id),
        "text": text,
        "final": final,
    }


def state(now: RoomState) -> Message:
    return {"type": "state", "state": now}


def cursor(state_version: int) -> Message:
    """The page fetches the status again."""
    return {"type": "cursor", "state_version": state_version}


def notice(code: Notice) -> Message:
    return {"type": "notice", "code": code.value}


def moving() -> Message:
    """This worker shuts down: the page offers again now."""
    return {"type": "moving"}


def ended(reason: str) -> Message:
    return {"type": "ended", "reason": reason}


def heard(text: str) -> Message:
    """What the recogniser made of the device check's sentence."""
    return {"type": "heard", "text": text}
