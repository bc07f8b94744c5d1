"""What API, workflow and Temporal do for a join, for an interview in memory."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.conversation import ConversationResult, HoldConversation
from contracts.interview import Fence, JoinPurpose
from tests.voice.memory import MemoryInterview, MemoryJournal, MemoryUpdates
from voice.conversation import Conversation


class Reception:
    """Each join brings a new epoch, a bot, and its SDP answer."""

    def __init__(self, interview: MemoryInterview) -> None:
        self.interview = interview
        self.conversation: Conversation
        self.held: list[asyncio.Task[ConversationResult]] = []
        self.beats = 0
        self.purpose = JoinPurpose.INTERVIEW

    def journal(self, interview_id: UUID, fence: Fence) -> MemoryJournal:
        return MemoryJournal(self.interview, fence)

    def updates(self, interview_id: UUID, fence: Fence) -> MemoryUpdates:
        return MemoryUpdates(self.interview, fence)

    async def join(self, sdp: str) -> str:
        interview = self.interview
        interview.epoch += 1
        interview.changed()
        offer_id = uuid7()
        interview.offers[offer_id] = sdp
        answered = interview.sdp_answers[offer_id] = asyncio.get_running_loop().create_future()
        spec = HoldConversation(
            interview_id=interview.id,
            organisation_id=uuid7(),
            epoch=interview.epoch,
            purpose=self.purpose,
            offer_id=offer_id,
        )
        hold = asyncio.create_task(
            self.conversation.hold(spec, Fence(epoch=interview.epoch), self._beat)
        )
        self.held.append(hold)
        waiting: list[asyncio.Future[Any]] = [answered, hold]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not answered.done():
            raise RuntimeError("no bot came") from hold.exception()
        sdp_answer: str = answered.result()
        return sdp_answer

    async def result(self, within_s: float = 30.0) -> ConversationResult:
        """How the newest conversation ended."""
        return await asyncio.wait_for(asyncio.shield(self.held[-1]), within_s)

    def _beat(self) -> None:
        self.beats += 1
