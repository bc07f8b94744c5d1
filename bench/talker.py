"""A conversations worker whose bot says nothing: `python -m bench.talker READY`.

Activity, heartbeat, drain and the end of the process are the product's own, without the seconds
that speech models take to load: it is started and told to leave hundreds of times.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from temporalio.client import Client
from temporalio.worker import Worker

import connections
import polling
from activities.conversations import ConversationActivities
from contracts.conversation import ConversationEnd, ConversationResult, HoldConversation
from contracts.interview import BotReady, Fence
from contracts.queues import CONVERSATIONS
from settings import load
from workflows.interview_client import InterviewClient

_BEATS_EVERY_S: Final = 0.05


class Talker:
    """Ready at once, alive until its worker leaves."""

    def __init__(self, interviews: InterviewClient) -> None:
        self._interviews = interviews

    async def __call__(
        self,
        order: HoldConversation,
        fence: Fence,
        beat: Callable[[], None],
        leaving: asyncio.Event,
    ) -> ConversationResult:
        ready = BotReady(fence=fence, offer_id=order.offer_id, purpose=order.purpose)
        await self._interviews.bot_ready(order.interview_id, ready)
        while not leaving.is_set():
            beat()
            with suppress(TimeoutError):
                await asyncio.wait_for(leaving.wait(), _BEATS_EVERY_S)
        return ConversationResult(end=ConversationEnd.HANDOFF)


def talking_worker(client: Client, slots: int = 20) -> Worker:
    activities = ConversationActivities(Talker(InterviewClient(client)))
    return Worker(
        client,
        task_queue=CONVERSATIONS,
        activities=[activities.hold_conversation],
        max_concurrent_activities=slots,
        interceptors=[polling.Slots()],
        graceful_shutdown_timeout=timedelta(seconds=10),
    )


async def _work(ready_file: Path) -> int:
    stop = polling.stop_asked()
    client = await connections.temporal_client(load())
    return await polling.poll([talking_worker(client)], stop, ready_file)


def main() -> None:
    connections.configure_log("INFO")
    polling.leave(asyncio.run(_work(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
