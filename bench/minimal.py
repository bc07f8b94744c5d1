"""A worker for the minimal workflow: `python -m bench.minimal READY_FILE`.

Queues, activities, grader, database and the number of slots are the product's; so is the workflow
runner, unless `--default-sandbox` asks for the SDK's own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.worker import Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

import connections
from bench.minimal_workflow import MinimalInterview
from contracts.interview import Consent, InterviewStart, Join, Joined, RecordAnswer, Snapshot
from contracts.queues import GRADING, INTERVIEWS
from reporter import Reporter
from settings import load
from worker import CACHED_WORKFLOWS, WORKFLOW_TASKS, workflow_runner

if TYPE_CHECKING:
    from db.store import Store

_GRADING_SLOTS: Final = 40  # as in worker.py


class MinimalClient:
    """Starts and updates as any program would: no ids for updates, no retries."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def start(self, start: InterviewStart) -> None:
        await self._client.start_workflow(
            MinimalInterview.run,
            start,
            id=f"interview-{start.interview_id}",
            task_queue=INTERVIEWS,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        )

    async def consent(self, interview_id: UUID, message: Consent) -> Snapshot:
        handle = self._client.get_workflow_handle(f"interview-{interview_id}")
        return await handle.execute_update(MinimalInterview.consent, message)

    async def join(self, interview_id: UUID, message: Join) -> Joined:
        handle = self._client.get_workflow_handle(f"interview-{interview_id}")
        return await handle.execute_update(MinimalInterview.join, message)

    async def record_answer(self, interview_id: UUID, message: RecordAnswer) -> Snapshot:
        handle = self._client.get_workflow_handle(f"interview-{interview_id}")
        return await handle.execute_update(MinimalInterview.record_answer, message)


def _workers(client: Client, store: Store, runner: WorkflowRunner) -> list[Worker]:
    from activities.grading import GradingActivities
    from activities.interviews import InterviewActivities
    from activities.reports import ReportActivities
    from grading.embedded import EmbeddedGrader

    interviews = InterviewActivities(store)
    grades = GradingActivities(store, EmbeddedGrader())
    reports = ReportActivities(Reporter(store, {}))
    return [
        Worker(
            client,
            task_queue=INTERVIEWS,
            workflows=[MinimalInterview],
            activities=[interviews.save_state],
            workflow_runner=runner,
            max_cached_workflows=CACHED_WORKFLOWS,
            max_concurrent_workflow_tasks=WORKFLOW_TASKS,
        ),
        Worker(
            client,
            task_queue=GRADING,
            activities=[grades.assess_answer, grades.grade_answer, reports.build_report],
            max_concurrent_activities=_GRADING_SLOTS,
        ),
    ]


async def _work(ready_file: Path, runner: WorkflowRunner) -> None:
    settings = load()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    store = connections.open_store(settings)
    client = await connections.temporal_client(settings)
    async with AsyncExitStack() as stack:
        for worker in _workers(client, store, runner):
            await stack.enter_async_context(worker)
        ready_file.touch()
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="Poll for the minimal workflow.")
    parser.add_argument("ready_file", type=Path)
    parser.add_argument("--default-sandbox", action="store_true")
    asked = parser.parse_args()
    runner = SandboxedWorkflowRunner() if asked.default_sandbox else workflow_runner()
    asyncio.run(_work(asked.ready_file, runner))
    os._exit(0)  # see worker.run


if __name__ == "__main__":
    main()
