"""A process of workers, from its first poll to its end. That it polls is taken from the server.

A worker can be up and heard by nobody: its polls are refused, or lost on the way. So each looks
itself up among the pollers that the server lists (`workflows.pollers`). It counts as heard when the
server's note of it moves, which asks for no common clock, and is not taken for its predecessor of
the same name. One that is not heard ends its process, and the supervisor starts it again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NoReturn

from temporalio.client import Client
from temporalio.common import MetricMeter
from temporalio.service import RPCError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor, Worker

from workflows.pollers import ACTIVITIES, POLLED_WITHIN, WORKFLOWS, pollers

#: A server that comes back has forgotten its pollers; the SDK polls again within 10 s of that.
UNHEARD_FOR: Final = POLLED_WITHIN + timedelta(seconds=20)
_LOOK_EVERY_S: Final = 2.0
_LOOK_AT_FIRST_EVERY_S: Final = 0.1
_TASKS_COUNTED_EVERY_S: Final = 1
#: The SDK's own number where a worker names none.
_SLOTS: Final = 100
_log = logging.getLogger("codevoice.worker")


class Slots(Interceptor):
    """Counts the activities that run: a worker whose slots are all taken rightly polls nothing."""

    def __init__(self) -> None:
        self.taken = 0

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Counted(next, self)


class _Counted(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, slots: Slots) -> None:
        super().__init__(next)
        self._slots = slots

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        self._slots.taken += 1
        try:
            return await super().execute_activity(input)
        finally:
            self._slots.taken -= 1


class Place:
    """One queue that a worker polls. `heard_at` is when its note was last seen to move, None before
    that; `silent_s` how long the server has answered since and noted nothing."""

    def __init__(self, worker: Worker, kind: Any) -> None:
        config = worker.config()
        self._client: Client = config["client"]
        self._queue = worker.task_queue
        self._kind = kind
        self._slots = next((i for i in config["interceptors"] if isinstance(i, Slots)), Slots())
        self._most = config.get("max_concurrent_activities") or _SLOTS
        self._noted: datetime | None = None
        self._looked_at = time.monotonic()
        self.heard_at: float | None = None
        self.silent_s = 0.0

    async def look(self, *, first: bool = False) -> None:
        """The first look, before the first poll, only takes down what a predecessor left behind."""
        asked_at = time.monotonic()
        try:
            noted = (await pollers(self._client, self._queue, self._kind)).get(self._identity)
        except (RPCError, RuntimeError):
            return  # who gets no answer knows nothing
        moved, self._noted = noted is not None and noted != self._noted, noted
        passed_s, self._looked_at = asked_at - self._looked_at, asked_at
        if (moved or self._full) and not first:
            self.heard_at, self.silent_s = asked_at, 0.0
        else:  # a gap between two looks is no silence: nobody was asked, or the process stood still
            self.silent_s += min(passed_s, 2 * _LOOK_EVERY_S)

    @property
    def _identity(self) -> str:
        return self._client.identity

    @property
    def _full(self) -> bool:
        return self._kind == ACTIVITIES and self._slots.taken >= self._most

    @property
    def heard(self) -> bool:
        within_s = POLLED_WITHIN.total_seconds()
        return self.heard_at is not None and time.monotonic() - self.heard_at < within_s


async def poll(
    workers: Sequence[Worker],
    stop: asyncio.Event,
    ready_file: Path | None = None,
    unheard_for: timedelta = UNHEARD_FOR,
) -> int:
    """Until told to stop, or one worker fails, gives up or is not heard for so long; then all
    drain. Returns the exit code: by then the server has been told how every activity here ended.

    `ready_file` is there while the server hears each worker at each of its queues.
    """
    places = [place for worker in workers for place in _places(worker)]
    await asyncio.gather(*(place.look(first=True) for place in places))
    running = [asyncio.create_task(worker.run()) for worker in workers]
    stopping = asyncio.create_task(stop.wait())
    unheard = asyncio.create_task(_watch(places, ready_file, unheard_for))
    _log.info("polling %s", ", ".join(worker.task_queue for worker in workers))
    await asyncio.wait([*running, stopping, unheard], return_when=asyncio.FIRST_COMPLETED)
    failures = [_failed(unheard)]
    stopping.cancel()
    unheard.cancel()
    _tell(ready_file, ready=False)
    await asyncio.gather(*(worker.shutdown() for worker in workers))
    failures += await asyncio.gather(*running, return_exceptions=True)
    for failure in filter(None, failures):
        _log.error("a worker failed: %s", type(failure).__name__)
    return 0 if stop.is_set() and not any(failures) else 1


class Unheard(Exception):
    """The server answers, and does not hear this worker poll."""


def _places(worker: Worker) -> list[Place]:
    config = worker.config()
    kinds = [WORKFLOWS] if config.get("workflows") else []
    kinds += [ACTIVITIES] if config.get("activities") else []
    return [Place(worker, kind) for kind in kinds]


async def _watch(places: Sequence[Place], ready_file: Path | None, unheard_for: timedelta) -> None:
    """Raises Unheard."""
    while True:
        await asyncio.gather(*(place.look() for place in places))
        ready = all(place.heard for place in places)
        await asyncio.to_thread(_tell, ready_file, ready=ready)
        if max(place.silent_s for place in places) > unheard_for.total_seconds():
            raise Unheard
        begun = all(place.heard_at is not None for place in places)
        await asyncio.sleep(_LOOK_EVERY_S if begun else _LOOK_AT_FIRST_EVERY_S)


def _failed(watch: asyncio.Task[None]) -> BaseException | None:
    return watch.exception() if watch.done() else None


def _tell(ready_file: Path | None, *, ready: bool) -> None:
    if ready_file is None:
        return
    with suppress(OSError):  # a full disk is no reason to leave; the next look tries again
        if ready:
            ready_file.touch()
        else:
            ready_file.unlink(missing_ok=True)


async def count_tasks(meter: MetricMeter) -> None:
    """For `/metrics`: a number that rises with the conversations and does not fall is a leak."""
    tasks = meter.create_gauge("codevoice_asyncio_tasks", "Tasks of the worker's event loop")
    while True:
        tasks.set(len(asyncio.all_tasks()))
        await asyncio.sleep(_TASKS_COUNTED_EVERY_S)


def stop_asked() -> asyncio.Event:
    """Set by SIGTERM and by SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def leave(code: int) -> NoReturn:
    """Ends the process. Worker and client in one process crashed at interpreter exit in 4 of 40
    trials."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
