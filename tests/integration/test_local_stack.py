"""`codevoice up`: everything comes up, survives its parts' deaths, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psutil
import pytest
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import WorkflowExecutionStatus

import connections
from bench.footprint import Watched
from bench.interviewee import interviewee
from bench.voices import ShiftedHeart
from contracts import queues
from contracts.errors import SettingError
from local.ports import settle
from local.product import Product
from local.run import new_interview
from local.stack import API, CONVERSATIONS, INTERVIEWS, Stack, up
from settings import Settings, load
from tests.builders import an_interview
from tests.conftest import open_temporary_folder
from tests.waiting import eventually

NO_FILE = Path("/nonexistent/.env")
_WORDS: list[str] = []


def settings_in(folder: Path) -> Settings:
    return load({"DATA_DIR": str(folder / "data")}, NO_FILE)


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Stack]:
    with open_temporary_folder() as folder:
        async with up(settings_in(folder), lambda part, what: _WORDS.append(part)) as stack:
            yield stack


async def test_every_part_tells_that_it_is_ready(running: Stack) -> None:
    assert {"PostgreSQL", "Temporal", "questions", INTERVIEWS, CONVERSATIONS, API} <= set(_WORDS)


async def test_the_api_answers_to_the_printed_key(running: Stack) -> None:
    bearer = {"Authorization": f"Bearer {running.api_key}"}
    async with httpx.AsyncClient(base_url=running.url, headers=bearer) as http:
        answer = await http.get("/api/v1/interviews")

    assert answer.status_code == 200


async def test_every_queue_is_polled(running: Stack) -> None:
    client = await connections.temporal_client(running.settings)
    for queue in (queues.INTERVIEWS, queues.GRADING, queues.CONVERSATIONS):
        described = await client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace="default",
                task_queue=TaskQueue(name=queue),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
            )
        )
        assert described.pollers, queue


async def test_the_worker_without_speech_stays_within_its_memory(running: Stack) -> None:
    process = psutil.Process(running.children.named(INTERVIEWS).pid)

    assert process.memory_info().rss <= 450e6


async def test_other_commands_find_the_servers(running: Stack) -> None:
    found = load({"DATA_DIR": str(running.settings.data_dir)}, NO_FILE)

    assert found.temporal_address == running.settings.temporal_address
    assert connections.database_url(found) == connections.database_url(running.settings)
    assert found.public_url == running.url


async def test_a_second_start_on_the_same_folder_is_refused(running: Stack) -> None:
    with pytest.raises(SettingError, match=rf"DATA_DIR: another codevoice up \(pid {os.getpid()}"):
        async with up(running.settings):
            pass


async def test_what_is_kept_is_closed_to_others(running: Stack) -> None:
    for name in ("api_key", "secret_key", "stack.json", "lock"):
        mode = (running.settings.data_dir / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600, name


async def test_a_row_that_was_left_without_a_workflow_gets_one(running: Stack) -> None:
    store = connections.open_store(running.settings)
    interview = await an_interview(store)

    async def started() -> bool:
        return (await store.interviews.get(interview.id)).workflow_started_at is not None

    await eventually(started, within_s=40)
    client = await connections.temporal_client(running.settings)
    described = await client.get_workflow_handle(f"interview-{interview.id}").describe()
    assert described.status is WorkflowExecutionStatus.RUNNING
    await store.close()


async def test_a_killed_worker_polls_again(running: Stack) -> None:
    worker = running.children.named(INTERVIEWS)
    killed = worker.pid or 0

    os.kill(killed, signal.SIGKILL)

    await eventually(lambda: worker.pid not in {None, killed})
    await eventually(worker.plan.ready, within_s=60)


async def test_a_renewed_worker_tells_what_it_holds(running: Stack) -> None:
    port = settle("METRICS_PORT", "127.0.0.1", 9700, configured=False)
    worker = await running.renew_worker(INTERVIEWS, {"METRICS_PORT": str(port)})
    held = await Watched(worker, port).quiet()
    assert 100_000 < held.memory_kb < 450_000
    assert min(held.descriptors, held.threads, held.tasks) > 5


async def test_a_renewed_worker_holds_as_many_conversations_as_it_is_told(running: Stack) -> None:
    product = Product(running.url, running.api_key)
    one_more = running.settings.conversation_slots + 1
    old = running.children.named(CONVERSATIONS).pid

    worker = await running.renew_conversations_worker(slots=one_more)

    assert running.children.named(CONVERSATIONS) is worker
    assert old is None or not psutil.pid_exists(old)
    async with AsyncExitStack() as calls:
        voice = ShiftedHeart()
        people = [
            await calls.enter_async_context(
                interviewee((await new_interview(product))["join_url"], voice)
            )
            for _ in range(one_more)
        ]
        assert all(person.candidate.connected for person in people)


async def test_the_end_leaves_no_process_and_a_second_start_finds_all_again() -> None:
    with open_temporary_folder() as folder:
        async with up(settings_in(folder)) as first:
            pids = [first.children.named(name).pid or 0 for name in (INTERVIEWS, API, "Temporal")]
            key, organisation = first.api_key, first.organisation_id
        assert not any(map(psutil.pid_exists, pids))

        async with up(settings_in(folder)) as second:
            assert (second.api_key, second.organisation_id) == (key, organisation)
