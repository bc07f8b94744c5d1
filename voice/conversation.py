"""Holding conversations: what the activity calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from contracts.conversation import ConversationEnd, ConversationResult, HoldConversation
from contracts.errors import StaleFence
from contracts.interview import Fence, JoinPurpose
from voice.bot import Speech
from voice.check import hold_check
from voice.held import ConversationSettings, Held, House
from voice.protocols import JournalFor, UpdatesFor
from voice.script import Script, Wording

__all__ = ["Conversation", "ConversationSettings", "Speech"]


class Conversation:
    """Holds conversations, several at a time, with shared models. `hold` is one activity's body."""

    def __init__(
        self,
        speech: Speech,
        journal_for: JournalFor,
        updates_for: UpdatesFor,
        settings: ConversationSettings,
        wording: Wording | None = None,
    ) -> None:
        self._house = House(speech, settings, wording or Script(), asyncio.Event())
        self._journal_for = journal_for
        self._updates_for = updates_for

    def drain(self) -> None:
        """The worker shuts down: every conversation tells its page to offer again, then ends."""
        self._house.draining.set()

    async def hold(
        self, spec: HoldConversation, fence: Fence, beat: Callable[[], None]
    ) -> ConversationResult:
        """Holds the conversation until it ends. `beat` is called from the progress of frames alone.

        Raises InvalidInput for an unusable offer, Unavailable when the pipeline broke, and
        CancelledError within a second of being cancelled. Not to be retried with the same offer.
        """
        journal = self._journal_for(spec.interview_id, fence)
        updates = self._updates_for(spec.interview_id, fence)
        if spec.purpose is JoinPurpose.CHECK:
            return await hold_check(
                self._house, spec, fence, journal=journal, updates=updates, beat=beat
            )
        try:
            return await Held(
                self._house, spec, fence, journal=journal, updates=updates, beat=beat
            ).run()
        except StaleFence:
            return ConversationResult(end=ConversationEnd.SUPERSEDED)
