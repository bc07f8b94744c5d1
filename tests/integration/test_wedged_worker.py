"""A conversations worker that gives up: it drains as on SIGTERM, and its process fails."""

from __future__ import annotations

import asyncio

from temporalio import activity
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import polling
import worker
from tests.waiting import eventually


@activity.defn(name="hold_conversation")
async def unused() -> None: ...


async def test_a_worker_that_gives_up_stops_polling_and_its_process_fails(
    temporal: WorkflowEnvironment,
) -> None:
    wedged = asyncio.Event()
    conversations = Worker(temporal.client, task_queue="wedged", activities=[unused])
    running = asyncio.create_task(polling.poll([conversations], asyncio.Event()))
    giving_up = asyncio.create_task(worker._give_up(wedged, conversations))
    await eventually(lambda: conversations.is_running)
    wedged.set()
    assert await asyncio.wait_for(running, 10) == 1
    await giving_up
