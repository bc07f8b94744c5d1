"""What the dialogue and the pipeline around it know of each other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from voice.interruptions import is_backchannel
from voice.messages import Message
from voice.pauses import Kind
from voice.speech import Heard


class Floor(StrEnum):
    ASKING = "asking"  # lines are being said that end with a prompt
    LISTENING = "listening"
    RECORDING = "recording"  # an answer is being stored, or looked at for a follow-up
    LEAVING = "leaving"


class Room(Protocol):
    """What the dialogue needs of the pipeline around it."""

    @property
    def candidate_speaking(self) -> bool:
        """The voice detector hears the candidate at this moment."""

    @property
    def words_due(self) -> bool:
        """The candidate speaks, or what was said is not recognised yet."""

    def send(self, message: Message) -> None:
        """Puts a message to the page into the outbox; they arrive in order."""

    def quiet(self, asked: timedelta | None) -> None:
        """Quiet mode: for so long the candidate's pauses end no turn. None leaves it."""

    def expect(self, kind: Kind, *, reply: bool = False) -> None:
        """This kind of answer comes next (a bare "yes" counts as one to a yes or no); with `reply`
        the bot speaks before it, so that a cough cancels nothing."""

    async def close_turn(self) -> None:
        """The candidate's turn is over: it ends as soon as its words are known."""

    def prepare(self, texts: Sequence[str]) -> None:
        """These may be said soon; they are synthesised when there is time."""


@dataclass
class CandidateTurn:
    """The candidate has the floor. `texts` are the stretches of speech so far."""

    began: float = field(default_factory=time.monotonic)
    answering: bool = False  # goes on with an answer that has words already
    texts: list[str] = field(default_factory=list)
    unsure: list[Utterance] = field(default_factory=list)  # bare requests, or an answer's beginning
    done: bool = False  # closed by the button
    taken_back: bool = False  # goes on with an answer that was thought to be over
    stale: bool = False  # the interview moved on meanwhile; what is said now answers nothing

    @property
    def only_nodded(self) -> bool:
        return all(map(is_backchannel, self.texts))

    def take_unsure(self) -> list[Utterance]:
        unsure, self.unsure = self.unsure, []
        return unsure


@dataclass(frozen=True)
class Utterance:
    """A stretch of speech, with the id its turn's row and captions have."""

    heard: Heard
    turn_id: UUID
    at: float = field(default_factory=time.monotonic)
