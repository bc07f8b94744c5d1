"""The product's own worker processes, for the browser tests to run and to kill."""

from __future__ import annotations

import sys
from pathlib import Path

from local.processes import Child, ChildPlan

REPOSITORY = Path(__file__).parents[2]


def worker_plan(name: str, queues: str, folder: Path, environment: dict[str, str]) -> ChildPlan:
    """`worker.py` for these queues; it is ready once it polls them."""
    ready = folder / f"{name}.ready"

    async def polls() -> bool:
        return ready.exists()

    return ChildPlan(
        name=name,
        argv=[sys.executable, "worker.py", "--queues", queues, "--ready-file", str(ready)],
        log=folder / f"{name}.log",
        environment=environment,
        folder=REPOSITORY,
        before=lambda: ready.unlink(missing_ok=True),
        ready=polls,
        ready_within_s=90,
    )


async def started(name: str, queues: str, folder: Path, environment: dict[str, str]) -> Child:
    child = Child(worker_plan(name, queues, folder, environment))
    await child.start()
    return child
