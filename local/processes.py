"""Children that are started, watched, restarted and stopped in order."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from contracts.errors import CodeVoiceError
from local.account import Account

#: Called with a child's name and what happens to it, for people to read.
Progress = Callable[[str, str], None]

_LOG_LIMIT_BYTES = 10_000_000
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class StartFailed(CodeVoiceError):
    """A child did not come up; the message ends with what it said last."""

    kind, title = "start-failed", "A part did not start"


class Process(Protocol):
    """One that runs or has ended, as asyncio's own."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None:
        """None while it runs; minus the signal that ended it."""

    async def wait(self) -> int: ...


async def _at_once() -> bool:
    return True


async def executed(plan: ChildPlan) -> Process:
    """A process of the plan's program. Raises OSError where there is none."""
    identity = plan.account.identity() if plan.account else {}
    log = os.open(plan.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return await asyncio.create_subprocess_exec(
            *plan.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=plan.folder,
            env={**os.environ, **plan.environment},
            start_new_session=True,
            preexec_fn=_dies_with_parent(plan.stop_signal),
            **identity,
        )
    finally:
        os.close(log)


@dataclass(frozen=True)
class ChildPlan:
    """How to run a child. `before` is called ahead of each start, restarts included, and `started`
    after it with the pid; `ready` is asked again and again until it says True. `spawn` makes the
    process, in a group of its own.

    `stop_signal` also reaches the child when this process dies (Linux). `stop_within_s` later it is
    killed, with all its process group. One that ends again and again is started after waits that
    double from 0.1 s to `longest_wait_s`.
    """

    name: str
    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    folder: Path = Path("/")
    before: Callable[[], None] = lambda: None
    started: Callable[[int], None] = lambda pid: None
    ready: Callable[[], Awaitable[bool]] = _at_once
    spawn: Callable[[ChildPlan], Awaitable[Process]] = executed
    ready_within_s: float = 30.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 15.0
    longest_wait_s: float = 5.0


class Child:
    """One supervised process, in its own process group. `restarts` counts unasked-for ends."""

    def __init__(self, plan: ChildPlan, progress: Progress = lambda name, what: None) -> None:
        self.plan = plan
        self.restarts = 0
        self._progress = progress
        self._process: Process | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """None when it is not running just now."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    async def start(self) -> None:
        """Returns once it is ready. Raises StartFailed when it ends or is not ready in time."""
        began = time.monotonic()
        await self._spawn()
        try:
            await asyncio.wait_for(self._until_ready(), self.plan.ready_within_s)
        except TimeoutError:
            await self.stop()
            raise StartFailed(
                f"{self.plan.name} was not ready within {self.plan.ready_within_s:.0f} s: "
                f"{self.last_words()}"
            ) from None
        self._watch = asyncio.create_task(self._keep_running(), name=f"watch-{self.plan.name}")
        self._progress(self.plan.name, f"ready after {time.monotonic() - began:.1f} s")

    async def stop(self) -> None:
        """Asks it to end, waits, then kills what is left of its group. Safe to repeat."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, self.plan.stop_signal)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), self.plan.stop_within_s)
        _kill_group(process.pid)
        await process.wait()

    def last_words(self) -> str:
        """The last line it wrote that says something."""
        with contextlib.suppress(OSError):
            lines = self.plan.log.read_text(errors="replace")[-4000:].splitlines()
            return next((line for line in reversed(lines) if line.strip()), "it said nothing")
        return "it said nothing"

    async def _spawn(self) -> None:
        plan = self.plan
        plan.before()
        self._process = await plan.spawn(plan)
        plan.started(self._process.pid)

    async def _until_ready(self) -> None:
        while not await self.plan.ready():
            if self._process is None or self._process.returncode is not None:
                raise StartFailed(f"{self.plan.name} ended at once: {self.last_words()}")
            await asyncio.sleep(0.05)

    async def _keep_running(self) -> None:
        wait_s = 0.1
        while self._process is not None:
            began = time.monotonic()
            code = await self._lived(self._process)
            _kill_group(self._process.pid)
            if time.monotonic() - began > 30:
                wait_s = 0.1
            self.restarts += 1
            self._progress(self.plan.name, f"ended ({_said(code)}); started again")
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, self.plan.longest_wait_s)
            with contextlib.suppress(OSError):  # tried again after the next wait
                await self._spawn()

    async def _lived(self, process: Process) -> int:
        """Waits for its end and keeps its log bounded meanwhile. Not by `asyncio.wait_for`: up to
        Python 3.11 that heeds no cancellation which comes together with the end."""
        ended = asyncio.create_task(process.wait())
        try:
            while not (await asyncio.wait({ended}, timeout=10))[0]:
                _bound(self.plan.log)
            return ended.result()
        finally:
            ended.cancel()


class Children:
    """Children in their order of starting; stopped in the reverse order."""

    def __init__(self, progress: Progress = lambda name, what: None) -> None:
        self._progress = progress
        self._children: list[Child] = []

    async def start(self, plan: ChildPlan) -> Child:
        child = Child(plan, self._progress)
        self._children.append(child)
        await child.start()
        return child

    async def start_together(self, plans: Sequence[ChildPlan]) -> None:
        """Raises the first StartFailed, when all have come up or failed."""
        results = await asyncio.gather(*map(self.start, plans), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def renew(self, plan: ChildPlan) -> Child:
        """Stops the child of that name, and starts this one where it stood in the order."""
        old = self.named(plan.name)
        child = Child(plan, self._progress)
        self._children[self._children.index(old)] = child
        await old.stop()
        await child.start()
        return child

    def named(self, name: str) -> Child:
        return next(child for child in self._children if child.plan.name == name)

    async def stop(self) -> None:
        for child in reversed(self._children):
            await child.stop()
        self._children.clear()


def _dies_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """Linux tells the child of its parent's death. Elsewhere the next start ends what is left."""
    libc = _LIBC
    if libc is None:
        return None
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, int(stop_signal))


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _bound(log: Path) -> None:
    """Keeps the last 10 to 20 MB: the child's descriptor appends, so a truncated file goes on."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > _LOG_LIMIT_BYTES:
            shutil.copyfile(log, log.with_suffix(".1.log"))
            os.truncate(log, 0)


def _said(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit {code}"
