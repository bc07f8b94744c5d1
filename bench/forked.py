"""Processes forked from one that has the product imported: what a kill costs is then the kill.

An API or a worker that starts takes 2 to 4 s of a processor to import what it stands on, which an
experiment of hundreds of kills would pay each time. All else is as in a process of its own: pid,
group, environment, connections, threads. What is forked from is Python's own `forkserver`: it has
one thread, opens nothing and draws no random number.
"""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Final

from local.processes import ChildPlan

#: What the product's processes import, also when they know their queues.
_IMPORTED: Final = (
    "activities.conduct",
    "activities.conversations",
    "activities.grading",
    "activities.interviews",
    "activities.reports",
    "activities.rooms",
    "bench.chaos.api_entry",
    "bench.chaos.worker_entry",
    "grading.embedded",
    "grading.language_model",
    "providers",
    "reconciler",
    "reporter",
    "temporalio.worker",
    "voice.conversation",
    "voice.engines",
    "voice.scorer",
    "workflows.interview_session",
)
_APPENDS: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND


class Forked:
    """A process as `local.processes` wants one. To be made on an event loop."""

    def __init__(self, process: ForkServerProcess) -> None:
        assert process.pid is not None
        self.pid: int = process.pid
        self.returncode: int | None = None
        self._process = process
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(process.sentinel, self._see_end)

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def _see_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self.returncode = self._process.exitcode
        self._process.close()
        self._ended.set()


async def forked(plan: ChildPlan) -> Forked:
    """In place of `local.processes.executed`, for a plan whose program is `python -m MODULE ...`: a
    process that calls the module's `main`. The first takes as long as the imports."""
    _, _, module, *arguments = plan.argv
    plan.log.touch(0o600)
    context = await asyncio.to_thread(_forkserver)
    process = context.Process(
        target=_run,
        args=(module, arguments, {**os.environ, **plan.environment}),
        kwargs={"folder": plan.folder, "log": plan.log, "stop_signal": plan.stop_signal},
    )
    process.start()
    return Forked(process)


@cache
def _forkserver() -> ForkServerContext:
    """Returns when it has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_IMPORTED))
    first = context.Process(target=os.getpid)
    first.start()
    first.join()
    return context


def _run(
    module: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    folder: Path,
    log: Path,
    stop_signal: signal.Signals,
) -> None:
    os.setsid()
    threading.Thread(target=_end_with_parent, args=(stop_signal,), daemon=True).start()
    os.chdir(folder)
    nothing, written = os.open(os.devnull, os.O_RDONLY), os.open(log, _APPENDS, 0o600)
    for ours, its in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(ours, its)
    os.close(nothing)
    os.close(written)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    importlib.import_module(module).main()


def _end_with_parent(stop_signal: signal.Signals) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), stop_signal)
