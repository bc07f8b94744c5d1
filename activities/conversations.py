"""`hold_conversation`: Temporal's side of a live conversation. What is said is not its business."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from temporalio import activity

from activities.failures import told_to_temporal
from contracts.conversation import ConversationEnd, ConversationResult, HoldConversation
from contracts.errors import StaleFence
from contracts.interview import Fence

#: Frames pass every 20 ms; Temporal needs to hear of one of them now and then.
BEATS_A_TIMEOUT = 20


class Converse(Protocol):
    """Holds one conversation to its end; cancelling it ends it within a second.

    `beat` is called from the progress of the conversation (frames that came through, audio that
    arrived), as often as it likes, never from a timer: it is the proof that the bot is not stuck.
    `leaving` is set when this worker shuts down: a bot in a room says so and returns HANDOFF; one
    on a direct line tells the page to move and talks on until the newer bot is there.
    """

    async def __call__(
        self,
        order: HoldConversation,
        fence: Fence,
        beat: Callable[[], None],
        leaving: asyncio.Event,
    ) -> ConversationResult: ...


class ConversationActivities:
    """`drain` bounds how long a bot may go on talking after its worker was told to shut down; the
    worker's own graceful shutdown must be longer by a second. `let_go` bounds how long one that
    heeds no cancellation keeps its slot."""

    def __init__(
        self,
        converse: Converse,
        drain: timedelta = timedelta(seconds=9),
        let_go: timedelta = timedelta(seconds=8),
    ) -> None:
        self._converse = converse
        self._drain = drain
        self._let_go = let_go

    @activity.defn(name="hold_conversation")
    async def hold_conversation(self, order: HoldConversation) -> ConversationResult:
        """Cancellation and the worker's shutdown reach the bot here, and nowhere else.

        The bot runs in a task of its own: a cancellation in the middle of an update would surface
        as a lost reply instead of as a cancellation.
        """
        fence = Fence(epoch=order.epoch, attempt=activity.info().attempt)
        leaving = asyncio.Event()
        beat = _Heartbeat()
        beat()
        with told_to_temporal():
            bot = asyncio.ensure_future(self._converse(order, fence, beat, leaving))
            try:
                return await self._outcome(bot, leaving)
            finally:
                await _stop(bot, self._let_go)

    async def _outcome(
        self, bot: asyncio.Future[ConversationResult], leaving: asyncio.Event
    ) -> ConversationResult:
        shutdown: asyncio.Future[None] = asyncio.ensure_future(activity.wait_for_worker_shutdown())
        try:
            await asyncio.wait((bot, shutdown), return_when=asyncio.FIRST_COMPLETED)
            if not bot.done():
                leaving.set()
                await self._left(bot)
            if not bot.done():
                return ConversationResult(end=ConversationEnd.HANDOFF)
            return bot.result()
        except StaleFence:
            return ConversationResult(end=ConversationEnd.SUPERSEDED)
        except asyncio.CancelledError:
            # The server's cancellation stays one; the worker's own, at the end of its patience, is
            # a hand-over like any other.
            if activity.is_worker_shutdown() and not _told_to_cancel():
                return ConversationResult(end=ConversationEnd.HANDOFF)
            raise
        finally:
            shutdown.cancel()

    async def _left(self, bot: asyncio.Future[ConversationResult]) -> None:
        """Returns when the bot has left, or may talk on no longer. It is cancelled as soon as the
        next one is called for; its candidate is still on its line then, and it hears them out."""
        until = time.monotonic() + self._drain.total_seconds()
        try:
            await asyncio.wait({bot}, timeout=self._drain.total_seconds())
        except asyncio.CancelledError:
            await asyncio.wait({bot}, timeout=until - time.monotonic())
            raise


def _told_to_cancel() -> bool:
    details = activity.cancellation_details()
    return details is not None and (details.cancel_requested or details.not_found)


async def _stop(bot: asyncio.Future[ConversationResult], within: timedelta) -> None:
    """Ends the bot and waits, but not for ever, until its line, files and room are let go."""
    bot.cancel()
    await asyncio.wait({bot}, timeout=within.total_seconds())
    if bot.done() and not bot.cancelled():
        bot.exception()  # told already, or of no use to anybody


class _Heartbeat:
    """Passes one beat in so many on: each crosses into the SDK's core, which throttles again."""

    def __init__(self) -> None:
        timeout = activity.info().heartbeat_timeout or timedelta(seconds=5)
        self._every_s = timeout.total_seconds() / BEATS_A_TIMEOUT
        self._next = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._every_s
            activity.heartbeat()
