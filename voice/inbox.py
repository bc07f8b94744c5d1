"""One queue, one task: what happens in a conversation is handled in order, never two at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Handler = Callable[..., Awaitable[None]]


class Inbox:
    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[Handler, tuple[Any, ...]]] = asyncio.Queue()

    def post(self, handler: Handler, *arguments: Any) -> None:
        """Has `handler` called when everything before it is handled. Returns at once."""
        self._queue.put_nowait((handler, arguments))

    async def handle(self) -> None:
        """Calls the handlers until one raises, which this raises too."""
        while True:
            handler, arguments = await self._queue.get()
            try:
                await handler(*arguments)
            finally:
                self._queue.task_done()

    async def caught_up(self) -> None:
        """Returns when everything posted so far is handled."""
        await self._queue.join()
