"""`hold_conversation`: its argument and result. Ids, enums and times alone."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from contracts.interview import Contract, JoinPurpose, Word


class HoldConversation(Contract):
    interview_id: UUID
    organisation_id: UUID
    epoch: int
    purpose: JoinPurpose = JoinPurpose.INTERVIEW
    offer_id: UUID | None = None
    transport: Word = "direct"


class ConversationEnd(StrEnum):
    FINISHED = "finished"  # the interview is over and the farewell was heard
    LEFT = "left"  # the candidate's line is gone or was closed
    PAUSED = "paused"
    SUPERSEDED = "superseded"  # a newer epoch holds the interview
    HANDOFF = "handoff"  # the worker is shutting down


class ConversationResult(Contract):
    """`connected` is false when the line never came up: nothing was heard on either side."""

    end: ConversationEnd
    turns: int = 0
    connected: bool = True
