"""A second conversations worker, and who holds a conversation: for showing what a kill does."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from temporalio.client import Client

import connections
from contracts.errors import NotFound, Unavailable
from contracts.queues import CONVERSATIONS
from local.processes import Child, ChildPlan
from settings import load


@asynccontextmanager
async def extra_worker(*, wanted: bool = True) -> AsyncIterator[int | None]:
    """One more conversations worker beside the running product's; yields its pid."""
    if not wanted:
        yield None
        return
    with tempfile.TemporaryDirectory() as scratch:
        child = Child(_plan(Path(scratch)))
        try:
            await child.start()
            yield child.pid
        finally:
            await child.stop()


def _plan(scratch: Path) -> ChildPlan:
    ready = scratch / "ready"

    async def polls() -> bool:
        return ready.exists()

    argv = [sys.executable, "-m", "worker", "--queues", CONVERSATIONS, "--ready-file", str(ready)]
    return ChildPlan(
        name="second conversations worker",
        argv=argv,
        log=scratch / "worker.log",
        environment={"DATA_DIR": str(load().data_dir)},
        folder=Path.cwd(),
        before=lambda: ready.unlink(missing_ok=True),
        ready=polls,
        ready_within_s=60,
    )


async def holder_of(
    interview_id: str, *, within_s: float = 5.0, client: Client | None = None
) -> int:
    """The pid, on this machine, of the worker that holds the interview's conversation, by the
    `client` of its product: that of the settings in force where none is given.

    Raises NotFound when it is held elsewhere, Unavailable when nobody holds it in time.
    """
    client = client or await connections.temporal_client(load())
    deadline = asyncio.get_running_loop().time() + within_s
    while asyncio.get_running_loop().time() < deadline:
        if (pid := await holder(client, interview_id)) is not None:
            if _alive(pid):
                return pid
            raise NotFound("the conversation is held on another machine")
        await asyncio.sleep(0.1)
    raise Unavailable("nobody holds this interview's conversation")


async def holder(client: Client, interview_id: str | UUID) -> int | None:
    """The pid, on its machine, of the worker that holds the conversation just now."""
    handle = client.get_workflow_handle(f"interview-{interview_id}")
    for activity in (await handle.describe()).raw_description.pending_activities:
        if activity.activity_type.name == "hold_conversation" and activity.last_worker_identity:
            return int(activity.last_worker_identity.partition("@")[0])
    return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
