"""How the workflows of interviews stand, as Temporal tells it without asking a worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from workflows.interview_client import QUERY_TIMEOUT, workflow_id

_RUNNING: Final = "WorkflowType = 'InterviewSession' AND ExecutionStatus = 'Running'"
_PREFIX: Final = "interview-"
_PAGE: Final = 1000


@dataclass(frozen=True)
class Standing:
    """`pending` names the activities that are scheduled or run. `closed_at` is by Temporal's
    clock."""

    status: WorkflowExecutionStatus | None
    closed_at: datetime | None
    pending: frozenset[str]

    @property
    def running(self) -> bool:
        return self.status is WorkflowExecutionStatus.RUNNING

    @property
    def completed(self) -> bool:
        """Its state ended with it. One that was terminated, failed or ran out left none behind;
        one that was cancelled in Temporal has saved what the update `cancel` saves."""
        ended = (WorkflowExecutionStatus.COMPLETED, WorkflowExecutionStatus.CANCELED)
        return self.status in ended

    def closed_for(self, least: timedelta, now: datetime) -> bool:
        return self.closed_at is not None and now - self.closed_at >= least


async def standing_of(client: Client, interview_id: UUID) -> Standing | None:
    """None when Temporal has no such workflow. Raises RPCError."""
    handle = client.get_workflow_handle(workflow_id(interview_id))
    try:
        found = await handle.describe(rpc_timeout=QUERY_TIMEOUT)
    except RPCError as failure:
        if failure.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    pending = found.raw_description.pending_activities
    return Standing(
        status=found.status,
        closed_at=found.close_time,
        pending=frozenset(each.activity_type.name for each in pending),
    )


async def running(client: Client, most: int) -> set[UUID]:
    """Interviews whose workflow runs, the newest first; a moment old. Raises RPCError."""
    found = set()
    async for each in client.list_workflows(_RUNNING, page_size=_PAGE, limit=most):
        if each.id.startswith(_PREFIX):
            found.add(UUID(each.id.removeprefix(_PREFIX)))
    return found
