"""A worker with a task that heeds no cancellation, and without a database."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import connections
import worker
from db.store import Store
from settings import Settings

_tasks: list[asyncio.Task[None]] = []


async def _wedged() -> None:
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


def _open_store(settings: Settings) -> Store:
    _tasks.append(asyncio.get_running_loop().create_task(_wedged()))
    return connections.open_store(settings)


if __name__ == "__main__":
    worker.run(["interviews"], open_store=_open_store)
