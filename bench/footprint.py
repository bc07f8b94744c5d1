"""What a process holds: memory, file descriptors, threads, tasks, at quiet moments."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import httpx
import psutil

from bench.figures import Figure
from bench.slopes import Slope, slope
from contracts.errors import Unavailable
from local.processes import Child

#: Lines close, timers end and pages are given back within this after the last conversation.
SETTLED_AFTER_S: Final = 4.0
#: The worker counts its tasks once a second.
_LOOKS: Final = 3
_LOOK_EVERY_S: Final = 1.1
_TASKS: Final = re.compile(r"^codevoice_asyncio_tasks(?:{[^}]*})? (\d+)", re.MULTILINE)
_GOAL_KB: Final = 50


class Holding(NamedTuple):
    """`memory_kb` is resident, in units of 1,000 bytes; `descriptors` are files and sockets."""

    memory_kb: float
    descriptors: int
    threads: int
    tasks: int


class Watched:
    """A worker that tells its figures at `metrics_port` of this machine."""

    def __init__(self, worker: Child, metrics_port: int) -> None:
        self._worker = worker
        self._pid = worker.pid
        self._url = f"http://127.0.0.1:{metrics_port}/metrics"

    async def quiet(self) -> Holding:
        """The least of each in some looks after everything has settled.

        Raises Unavailable when the process is not the one that was there at first.
        """
        await asyncio.sleep(SETTLED_AFTER_S)
        looks = []
        for _ in range(_LOOKS):
            await asyncio.sleep(_LOOK_EVERY_S)
            looks.append(await self._look())
        return Holding(*(min(each) for each in zip(*looks, strict=True)))

    async def _look(self) -> Holding:
        if self._pid is None or self._worker.pid != self._pid:
            raise Unavailable("the worker died while it was watched")
        process = psutil.Process(self._pid)
        async with httpx.AsyncClient(trust_env=False) as http:
            told = _TASKS.search((await http.get(self._url)).text)
        if told is None:
            raise Unavailable("the worker does not tell how many tasks it has")
        memory_kb = process.memory_info().rss / 1000
        return Holding(memory_kb, process.num_fds(), process.num_threads(), int(told[1]))


def growth(what: str, each: str, done: Sequence[int], held: Sequence[Holding]) -> list[Figure]:
    """Slopes per `each`, of samples taken after `done` of them; counts to the hundredth."""
    of = {name: slope(done, [getattr(one, name) for one in held]) for name in Holding._fields}
    memory = of.pop("memory_kb")
    counts = [
        _figure(f"{what}: {name} {each}", found, "", len(done), digits=2, at_most=0)
        for name, found in of.items()
    ]
    name = f"{what}: memory {each}"
    return [
        _figure(name, memory, "kB", len(done), digits=1),
        Figure(
            name=f"{name}, upper end",
            value=round(memory.high, 1),
            unit="kB",
            at_most=_GOAL_KB,
            count=len(done),
        ),
        *counts,
    ]


def left(what: str, before: Holding, after: Holding) -> list[Figure]:
    """What there is more of at the end."""
    return [
        Figure(name=f"{what}: {name} left", value=max(0, now - then), unit="", at_most=0)
        for name, then, now in zip(Holding._fields, before, after, strict=True)
        if name != "memory_kb"
    ]


def _figure(
    name: str, found: Slope, unit: str, count: int, *, digits: int, at_most: float | None = None
) -> Figure:
    value, low, high = (round(each, digits) + 0.0 for each in found)
    return Figure(
        name=name, value=value, unit=unit, at_most=at_most, count=count, low=low, high=high
    )
