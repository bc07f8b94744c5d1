"""Work that is done after its caller was told that it is done: what seeded bugs have in common."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

#: How late a write comes that should have come first.
LATE_S: Final = 0.3


class Later:
    """Does things in their order, after the caller was told that they are done."""

    def __init__(self) -> None:
        self._last: asyncio.Task[None] | None = None

    def put_off(self, work: Callable[[], Awaitable[object]]) -> None:
        self._last = asyncio.create_task(self._do(self._last, work))

    async def _do(
        self, before: asyncio.Task[None] | None, work: Callable[[], Awaitable[object]]
    ) -> None:
        await asyncio.sleep(LATE_S)
        if before is not None:
            await asyncio.wait([before])
        with contextlib.suppress(Exception):
            await work()
        if self._last is asyncio.current_task():
            self._last = None
