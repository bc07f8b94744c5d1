"""Word to Temporal that the process of an activity lives, so that its death is noticed in seconds.

It is sent from a timer: how long the work itself may take, or hang, is bounded by the activity's
start-to-close timeout. A conversation says it from its progress instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from temporalio import activity


@asynccontextmanager
async def alive() -> AsyncIterator[None]:
    """Beats three times within the activity's heartbeat timeout. Work that is done before the first
    beat is due costs no call; without a timeout nothing is sent."""
    timeout = activity.info().heartbeat_timeout
    if timeout is None:
        yield
        return
    beating = asyncio.create_task(_beat(timeout.total_seconds() / 3))
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating


async def _beat(every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        activity.heartbeat()
