"""Work that goes on beside the workflow's main course."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """Tasks of one workflow.

    Hazard: asyncio only logs the exception of a task that nobody awaits, so a defect would leave
    the interview hanging in silence. `run` waits for `failed` and raises what fails the workflow
    task alone, whatever the cause: visible in the UI, and retried until a corrected worker comes.
    """

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[Any]] = []

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self._tasks = [task for task in self._tasks if not task.done() or _exception(task)]
        task = asyncio.create_task(work)
        self._tasks.append(task)
        return task

    @property
    def failed(self) -> bool:
        return any(_exception(task) is not None for task in self._tasks)

    def raise_failure(self) -> None:
        for task in self._tasks:
            if failure := _exception(task):
                raise RuntimeError("work in the background failed") from failure


def _exception(task: asyncio.Task[Any]) -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None
