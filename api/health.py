"""Is the process up, can it serve, and how busy is it. Open to all: counters only, no ids."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Final

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.service import RPCError

from api.bodies import Health, Readiness
from api.parts import OurParts, Parts
from contracts.errors import CodeVoiceError, Unavailable
from contracts.queues import CONVERSATIONS, GRADING, INTERVIEWS

router = APIRouter(tags=["health"])

_WITHIN_S: Final = 3.0
_POLLED: Final = (
    (INTERVIEWS, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
    (CONVERSATIONS, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
    (GRADING, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
)


@router.get("/healthz", response_model=Health)
async def healthz() -> Health:
    """The process answers."""
    return Health()


@router.get(
    "/readyz",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "A part is missing; `parts` says which."}},
)
async def readyz(parts: OurParts) -> Response:
    """Interviews can be held: database, Temporal, and a worker for each kind of work."""
    told = await asyncio.gather(_database(parts), *(_polled(parts, *each) for each in _POLLED))
    names = ("database", *(f"worker: {queue}" for queue, _ in _POLLED))
    found = Readiness(
        ready=all(word == "ok" for word in told), parts=dict(zip(names, told, strict=True))
    )
    return Response(
        found.model_dump_json(), 200 if found.ready else 503, media_type="application/json"
    )


@router.get("/metrics", response_class=Response, include_in_schema=False)
async def metrics(parts: OurParts) -> Response:
    return Response(generate_latest(parts.meters.registry), media_type=CONTENT_TYPE_LATEST)


async def _database(parts: Parts) -> str:
    return await _told(parts.store.access.reachable(), "the database cannot be reached")


async def _polled(parts: Parts, queue: str, kind: TaskQueueType.ValueType) -> str:
    return await _told(_ask_pollers(parts, queue, kind), "Temporal cannot be reached")


async def _ask_pollers(parts: Parts, queue: str, kind: TaskQueueType.ValueType) -> None:
    request = DescribeTaskQueueRequest(
        namespace=parts.temporal.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
    )
    found = await parts.temporal.workflow_service.describe_task_queue(
        request, timeout=timedelta(seconds=_WITHIN_S)
    )
    if not found.pollers:
        raise Unavailable("no worker polls this queue")


async def _told(probe: Awaitable[object], otherwise: str) -> str:
    try:
        await asyncio.wait_for(probe, _WITHIN_S)
    except Unavailable as missing:
        return missing.detail
    except (TimeoutError, RPCError, RuntimeError, CodeVoiceError):
        return otherwise
    return "ok"
