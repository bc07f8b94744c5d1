"""Holding conversations: what the activity calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from contracts.conversation import ConversationEnd, ConversationResult, HoldConversation
from contracts.errors import StaleFence
from contracts.interview import Fence, JoinPurpose
from contracts.language import AsksModels
from contracts.rooms import AdmitsBots
from voice.bot import Speech
from voice.check import hold_check
from voice.held import ConversationSettings, Held, House
from voice.improvising import Model
from voice.memory import forget
from voice.protocols import JournalFor, UpdatesFor
from voice.running import Stragglers
from voice.script import Script, Wording
from voice.senses import Senseless

__all__ = ["Conversation", "ConversationSettings", "Speech"]

#: After one the models may be well and the pipeline was to blame; after two they are.
SENSELESS_IN_A_ROW: Final = 2
#: By then nobody holds what the conversation was made of, a failure's traceback included.
FORGOTTEN_AFTER_S: Final = 1.0


class Conversation:
    """Holds conversations, several at a time, with shared models. `hold` is one activity's body."""

    def __init__(
        self,
        speech: Speech,
        journal_for: JournalFor,
        updates_for: UpdatesFor,
        settings: ConversationSettings,
        wording: Wording | None = None,
        *,
        model: AsksModels | None = None,
        rooms: AdmitsBots | None = None,
    ) -> None:
        """Without a language model the script is all that is said."""
        wording = wording or Script()
        self._house = House(
            speech, settings, wording, Model(model), asyncio.Event(), Stragglers(), rooms
        )
        self._journal_for = journal_for
        self._updates_for = updates_for
        self._senseless = 0

    @property
    def wedged(self) -> asyncio.Event:
        """Set when only the end of the process helps: a pipeline does not end, or one bot after
        the other was deaf, mute or stuck. The others are to be handed over first."""
        return self._house.stragglers.wedged

    @property
    def providers(self) -> dict[str, str | None]:
        """What is wrong with each provider in use; None where nothing is."""
        provider = self._house.speech.provider
        breakers = (*(provider.breakers if provider else ()), *self._house.model.breakers)
        return {breaker.provider: breaker.trouble for breaker in breakers}

    def drain(self) -> None:
        """The worker shuts down: every conversation tells its page to offer again, then ends."""
        self._house.draining.set()

    async def hold(
        self,
        order: HoldConversation,
        fence: Fence,
        beat: Callable[[], None],
        leaving: asyncio.Event | None = None,
    ) -> ConversationResult:
        """Holds the conversation until it ends. `beat` is called from the progress of frames alone.

        `leaving` says that the worker shuts down: the first that hears of it drains them all.
        Raises InvalidInput for an unusable offer, Unavailable when the pipeline broke, and
        CancelledError within a second of being cancelled. Not to be retried with the same offer.
        """
        watch = asyncio.create_task(self._drain_when(leaving)) if leaving else None
        try:
            return await self._hold(order, fence, beat)
        finally:
            if watch:
                watch.cancel()
            asyncio.get_running_loop().call_later(FORGOTTEN_AFTER_S, forget)

    async def _drain_when(self, leaving: asyncio.Event) -> None:
        await leaving.wait()
        self.drain()

    async def _hold(
        self, spec: HoldConversation, fence: Fence, beat: Callable[[], None]
    ) -> ConversationResult:
        journal = self._journal_for(spec.interview_id, fence)
        updates = self._updates_for(spec.interview_id, fence)
        if spec.purpose is JoinPurpose.CHECK:
            return await hold_check(
                self._house, spec, fence, journal=journal, updates=updates, beat=beat
            )
        held = Held(self._house, spec, fence, journal=journal, updates=updates, beat=beat)
        try:
            result = await held.run()
        except StaleFence:
            return ConversationResult(end=ConversationEnd.SUPERSEDED)
        except Senseless:
            self._senseless += 1
            if self._senseless >= SENSELESS_IN_A_ROW:
                self.wedged.set()
            raise
        self._senseless = 0
        return result
