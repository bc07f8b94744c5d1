"""A pipeline in a task of its own, and the few things around it that a conversation waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Final, TypeVar

from loguru import logger
from pipecat.pipeline.worker import PipelineWorker
from pipecat.workers.runner import WorkerRunner

from contracts.errors import Unavailable

T = TypeVar("T")

#: A pipeline that does not end within this is left to itself: Temporal is promised one second.
STOP_WITHIN_S: Final = 0.6


async def run_pipeline(worker: PipelineWorker) -> None:
    """Runs until the pipeline ends; raises Unavailable then, for nobody had asked it to.

    The runner swallows a cancellation; whoever cancels this task goes by its own cancelled state.
    """
    runner = WorkerRunner(handle_sigint=False, handle_sigterm=False)
    await runner.add_workers(worker)
    await runner.run()
    raise Unavailable("the speech pipeline ended by itself")


async def stop_pipeline(worker: PipelineWorker, running: asyncio.Task[None]) -> None:
    """Cancels the pipeline and waits for it, but not for long. Safe on one that has ended."""
    await worker.cancel(reason="the conversation is over")
    _, late = await asyncio.wait([running], timeout=STOP_WITHIN_S)
    for task in late:
        logger.warning("a pipeline did not end in time")
        task.cancel()
    if not late and not running.cancelled():
        running.exception()  # "ended by itself" is what was wanted


async def first_of(wanted: Coroutine[Any, Any, T], others: Iterable[asyncio.Task[Any]]) -> T:
    """The result of `wanted`, with `others` running beside it.

    Another's failure ends it and is raised; another's ordinary end is ignored.
    """
    main = asyncio.create_task(wanted)
    beside = set(others)
    try:
        while not main.done():
            waiting: set[asyncio.Future[Any]] = {main, *beside}
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {main}:
                beside.discard(task)
                task.result()
        return main.result()
    finally:
        main.cancel()
