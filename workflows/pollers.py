"""Who polls a task queue, in the server's own words: a worker may be up and heard by nobody.

The server notes a poller when one of its polls begins and when it ends, and lists it for five
minutes after that: a worker that was killed stays in the list, so a name there proves nothing. A
poll that finds nothing ends after `LONG_POLL`. Whoever polls is therefore noted at least once in
that time, and who was not noted for longer is gone, or has no slot free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    ListTaskQueuePartitionsRequest,
)
from temporalio.client import Client

from contracts.queues import CONVERSATIONS, GRADING, INTERVIEWS

WORKFLOWS: Final = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
ACTIVITIES: Final = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
#: What interviews need somebody to poll.
NEEDED: Final = ((INTERVIEWS, WORKFLOWS), (CONVERSATIONS, ACTIVITIES), (GRADING, ACTIVITIES))
#: The server's `matching.longPollExpirationInterval`, by default.
LONG_POLL: Final = timedelta(minutes=1)
#: The SDK gives a poll up after 70 s: nothing that polls is noted less often.
POLLED_WITHIN: Final = LONG_POLL + timedelta(seconds=10)
_WITHIN: Final = timedelta(seconds=3)


async def pollers(
    client: Client, queue: str, kind: TaskQueueType.ValueType
) -> Mapping[str, datetime]:
    """When each poller was noted last, by its identity and the server's clock. Raises RPCError.

    A queue has partitions, and each knows its own pollers alone: with several workers one of them
    may poll all but the first, which is what the queue's plain name stands for.
    """
    asked = ListTaskQueuePartitionsRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue)
    )
    told = await client.workflow_service.list_task_queue_partitions(asked, timeout=_WITHIN)
    partitions = (
        told.workflow_task_queue_partitions
        if kind == WORKFLOWS
        else told.activity_task_queue_partitions
    )
    found: dict[str, datetime] = {}
    for each in await asyncio.gather(*(_of(client, one.key, kind) for one in partitions)):
        for poller in each:
            at = poller.last_access_time.ToDatetime(UTC)
            found[poller.identity] = max(at, found.get(poller.identity, at))
    return found


async def _of(
    client: Client, partition: str, kind: TaskQueueType.ValueType
) -> Iterable[PollerInfo]:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=partition), task_queue_type=kind
    )
    found = await client.workflow_service.describe_task_queue(request, timeout=_WITHIN)
    return found.pollers


async def polled(
    client: Client,
    queue: str,
    kind: TaskQueueType.ValueType,
    within: timedelta = POLLED_WITHIN,
) -> bool:
    """Whether anybody has polled lately. Raises RPCError."""
    noted = (await pollers(client, queue, kind)).values()
    return any(datetime.now(UTC) - at < within for at in noted)
