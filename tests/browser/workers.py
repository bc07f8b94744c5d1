"""The product's own worker processes, for the browser tests to run and to kill."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.forked import forked
from local.processes import Child, ChildPlan
from tests.waiting import eventually

REPOSITORY = Path(__file__).parents[2]


def worker_plan(name: str, queues: str, folder: Path, environment: dict[str, str]) -> ChildPlan:
    """`worker.py` for these queues; it is ready once it polls them."""
    ready = folder / f"{name}.ready"

    async def polls() -> bool:
        return ready.exists()

    return ChildPlan(
        name=name,
        argv=[sys.executable, "-m", "worker", "--queues", queues, "--ready-file", str(ready)],
        log=folder / f"{name}.log",
        environment=environment,
        folder=REPOSITORY,
        before=lambda: ready.unlink(missing_ok=True),
        ready=polls,
        ready_within_s=90,
        spawn=forked,
    )


async def started(name: str, queues: str, folder: Path, environment: dict[str, str]) -> Child:
    child = Child(worker_plan(name, queues, folder, environment))
    await child.start()
    return child


@asynccontextmanager
async def unsupervised(plan: ChildPlan) -> AsyncIterator[asyncio.subprocess.Process]:
    """The same process with nobody who starts it again: its exit code is there to be seen."""
    with plan.log.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *plan.argv, stdout=log, stderr=log, cwd=plan.folder, env=os.environ | plan.environment
        )
    try:
        await eventually(plan.ready, within_s=plan.ready_within_s)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
