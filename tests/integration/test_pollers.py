"""Who polls is taken from the server: readiness, the ready file, and a worker that is not heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import polling
from bench.chaos.links import Cut, Link
from local.temporal import extra_arguments, temporal_program
from tests.waiting import eventually
from workflows.pollers import ACTIVITIES, polled, pollers

QUEUE = "heard"


@activity.defn
async def hello() -> str:
    return "hello"


@workflow.defn(sandboxed=False)
class Holds:
    """Has the activity `wait` of the queue it is told run once."""

    @workflow.run
    async def run(self, queue: str) -> None:
        limit = timedelta(minutes=1)
        await workflow.execute_activity("wait", task_queue=queue, start_to_close_timeout=limit)


class Waiting:
    """An activity that keeps its slot."""

    def __init__(self) -> None:
        self.begun, self.over = asyncio.Event(), asyncio.Event()

    @activity.defn
    async def wait(self) -> None:
        self.begun.set()
        await self.over.wait()


@asynccontextmanager
async def poll_with(
    worker: Worker, ready: Path | None = None, unheard_for: timedelta = polling.UNHEARD_FOR
) -> AsyncIterator[asyncio.Task[int]]:
    """The product's own loop; told to stop at the end."""
    stop = asyncio.Event()
    loop = asyncio.create_task(polling.poll([worker], stop, ready, unheard_for))
    try:
        yield loop
    finally:
        stop.set()
        await loop


async def test_the_ready_file_is_there_while_the_server_hears_the_worker(
    temporal: WorkflowEnvironment, tmp_path: Path
) -> None:
    client, ready = temporal.client, tmp_path / "ready"
    worker = Worker(client, task_queue="ready", activities=[hello])
    async with poll_with(worker, ready) as loop:
        await eventually(ready.exists)
        assert client.identity in await pollers(client, "ready", ACTIVITIES)
        assert await polled(client, "ready", ACTIVITIES)
    assert loop.result() == 0
    assert not ready.exists()


async def test_who_has_left_is_listed_and_does_not_poll(temporal: WorkflowEnvironment) -> None:
    """The server keeps the name for five minutes: readiness goes by when it was noted."""
    client, queue = temporal.client, "left"
    worker = Worker(client, task_queue=queue, activities=[hello])
    async with poll_with(worker):
        await eventually(lambda: polled(client, queue, ACTIVITIES))

    async def not_lately() -> bool:
        return not await polled(client, queue, ACTIVITIES, within=timedelta(seconds=1))

    await eventually(not_lately)
    assert client.identity in await pollers(client, queue, ACTIVITIES)


async def test_every_one_of_several_workers_is_heard(temporal: WorkflowEnvironment) -> None:
    """Their polls are spread over the queue's partitions, and none need reach the first."""
    queue, names = "several", {f"worker-{number}" for number in range(8)}
    address = temporal.client.service_client.config.target_host
    async with AsyncExitStack() as stack:
        for name in sorted(names):
            client = await Client.connect(address, identity=name)
            worker = Worker(client, task_queue=queue, activities=[hello])
            await stack.enter_async_context(poll_with(worker))

        async def heard() -> bool:
            return names <= (await pollers(temporal.client, queue, ACTIVITIES)).keys()

        await eventually(heard)


async def test_a_predecessors_name_does_not_make_a_worker_ready(
    temporal: WorkflowEnvironment, tmp_path: Path
) -> None:
    client, queue, ready = temporal.client, "again", tmp_path / "ready"
    async with poll_with(Worker(client, task_queue=queue, activities=[hello]), ready):
        await eventually(ready.exists)
    place = polling.Place(Worker(client, task_queue=queue, activities=[hello]), ACTIVITIES)
    await place.look(first=True)
    await place.look()
    assert client.identity in await pollers(client, queue, ACTIVITIES)
    assert not place.heard


@pytest.fixture
async def refusing() -> AsyncIterator[Client]:
    """A server that answers everything but polls, as one does whose credentials lack that right."""
    none_may_poll = ("--dynamic-config-value", "frontend.namespaceCount=0")
    async with await WorkflowEnvironment.start_local(
        data_converter=pydantic_data_converter,
        dev_server_existing_path=str(temporal_program()),
        dev_server_extra_args=[*extra_arguments(), *none_may_poll],
    ) as environment:
        yield environment.client


async def test_a_worker_that_the_server_does_not_hear_ends(
    refusing: Client, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    worker = Worker(refusing, task_queue=QUEUE, activities=[hello])
    async with poll_with(worker, ready, timedelta(seconds=2)) as loop:
        assert await asyncio.wait_for(loop, 30) == 1
    assert not ready.exists()


@pytest.mark.parametrize("counted", [True, False], ids=["counted", "not counted"])
async def test_a_worker_whose_slots_are_taken_need_not_poll(
    temporal: WorkflowEnvironment, counted: bool
) -> None:
    client, waiting, queue = temporal.client, Waiting(), f"full-{counted}"
    worker = Worker(
        client,
        task_queue=queue,
        activities=[waiting.wait],
        max_concurrent_activities=1,
        interceptors=[polling.Slots()] if counted else [],
    )
    holder = Worker(client, task_queue=f"{queue}-holder", workflows=[Holds])
    async with holder, poll_with(worker, unheard_for=timedelta(seconds=3)) as loop:
        held = await client.start_workflow(Holds.run, queue, id=queue, task_queue=holder.task_queue)
        await asyncio.wait_for(waiting.begun.wait(), 10)
        ended, _ = await asyncio.wait([loop], timeout=8)
        waiting.over.set()
        assert bool(ended) is not counted
        await (held.result() if counted else held.terminate())


async def test_a_worker_polls_again_when_its_link_is_whole(
    temporal: WorkflowEnvironment, unused_tcp_port: int, tmp_path: Path
) -> None:
    """While nobody answers nothing is known, and no worker leaves for that."""
    port = int(temporal.client.service_client.config.target_host.rpartition(":")[2])
    link, ready, queue = Link(port), tmp_path / "ready", "cut"
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(link.listening(unused_tcp_port))
        client = await Client.connect(f"127.0.0.1:{unused_tcp_port}")
        worker = Worker(client, task_queue=queue, activities=[hello])
        loop = await stack.enter_async_context(poll_with(worker, ready))
        await eventually(ready.exists)
        link.cut(Cut.BOTH)
        await eventually(lambda: link.lost > 0, within_s=20)
        before = (await pollers(temporal.client, queue, ACTIVITIES))[client.identity]
        await link.heal()

        async def noted_since() -> bool:
            noted = await pollers(temporal.client, queue, ACTIVITIES)
            return noted[client.identity] > before

        await eventually(noted_since, within_s=30)
        assert not loop.done()
