"""A pipeline in a task of its own, and the few things around it that a conversation waits for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any, Final, TypeVar

from pipecat.pipeline.worker import PipelineWorker
from pipecat.workers.runner import WorkerRunner

from contracts.errors import Unavailable

_log = logging.getLogger("codevoice.voice")

T = TypeVar("T")

#: A pipeline that does not end within this is left to itself: Temporal is promised one second.
STOP_WITHIN_S: Final = 0.6
#: So long Pipecat waits for a processor that keeps the frame which cancels it to itself.
CANCEL_WITHIN_S: Final = 0.4
#: A cancellation may be lost: `wait_for` of Python 3.11 loses one that comes as its task ends.
CANCEL_EVERY_S: Final = 1.0
#: One that was cancelled, again and again, and is there after this will not end any more. It is
#: counted by those turns: in a process that was frozen, or has too much to do, time says nothing.
WEDGED_AFTER_S: Final = 5.0


class Stragglers:
    """The pipelines of a process that did not end when they were told to.

    `wedged` is set once one has not ended after all: it holds its memory and its share of the
    processor for as long as the process lives, so the process has to be replaced.
    """

    def __init__(self) -> None:
        self.wedged = asyncio.Event()
        self._watched: set[asyncio.Task[None]] = set()

    def watch(self, pipeline: asyncio.Task[None]) -> None:
        """Waits for it beside everything else, and cancels it again and again."""
        watch = asyncio.create_task(self._see(pipeline))
        self._watched.add(watch)
        watch.add_done_callback(self._watched.discard)

    async def _see(self, pipeline: asyncio.Task[None]) -> None:
        for _ in range(round(WEDGED_AFTER_S / CANCEL_EVERY_S)):
            await asyncio.wait([pipeline], timeout=CANCEL_EVERY_S)
            if pipeline.done():
                return _as_wanted(pipeline)
            pipeline.cancel()  # not at once: it may be putting its things away
        _log.error("a pipeline does not end; its process has to")
        self.wedged.set()


async def run_pipeline(worker: PipelineWorker) -> None:
    """Runs until the pipeline ends; raises Unavailable then, for nobody had asked it to.

    The runner swallows a cancellation; whoever cancels this task goes by its own cancelled state.
    """
    runner = WorkerRunner(handle_sigint=False, handle_sigterm=False)
    await runner.add_workers(worker)
    try:
        await runner.run()
    finally:
        # Cancelled again while it puts its things away, it leaves the rest of them running.
        for left in runner.task_manager.current_tasks():
            left.cancel()
    raise Unavailable("the speech pipeline ended by itself")


async def stop_pipeline(
    worker: PipelineWorker, running: asyncio.Task[None], stragglers: Stragglers
) -> None:
    """Cancels the pipeline and waits for it, but not for long. Safe on one that has ended."""
    await worker.cancel(reason="the conversation is over")
    _, late = await asyncio.wait([running], timeout=STOP_WITHIN_S)
    if late:
        _log.warning("a pipeline did not end in time")
        stragglers.watch(running)
    else:
        _as_wanted(running)


def _as_wanted(pipeline: asyncio.Task[None]) -> None:
    """ "Ended by itself" is what it was told to do, and no failure that nobody has looked at."""
    if not pipeline.cancelled():
        pipeline.exception()


async def within(seconds: float, work: Awaitable[object]) -> bool:
    """Whether `work` was done in time. What does not even heed its cancellation is left behind."""
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait([task], timeout=seconds)
    if not done:
        task.cancel()
        return False
    task.result()
    return True


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
