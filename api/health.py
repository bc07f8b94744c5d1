"""Is the process up, can it serve, and how busy is it. Open to all: counters only, no ids."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.service import RPCError

from api.bodies import Health, Readiness
from api.parts import OurParts, Parts
from contracts.errors import CodeVoiceError, Unavailable
from contracts.queues import CONVERSATIONS
from workflows.pollers import NEEDED, polled

router = APIRouter(tags=["health"])

_WITHIN_S: Final = 3.0


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
    """Interviews can be held: database, Temporal, and a worker that polls for each kind of work."""
    told = await asyncio.gather(
        _database(parts), *(_polled(parts, *each) for each in NEEDED), *_livekit(parts)
    )
    names = ["database", *(f"worker: {queue}" for queue, _ in NEEDED)]
    names += ["livekit"] if parts.rooms else []
    providers = await _providers(parts)
    found = Readiness(
        ready=all(word == "ok" for word in told),
        degraded=any(word != "ok" for word in providers.values()),
        parts=dict(zip(names, told, strict=True)) | providers,
    )
    return Response(
        found.model_dump_json(), 200 if found.ready else 503, media_type="application/json"
    )


@router.get("/metrics", response_class=Response, include_in_schema=False)
async def metrics(parts: OurParts) -> Response:
    return Response(generate_latest(parts.meters.registry), media_type=CONTENT_TYPE_LATEST)


async def _database(parts: Parts) -> str:
    return await _told(parts.store.access.reachable(), "the database cannot be reached")


async def _providers(parts: Parts) -> dict[str, str]:
    """Those that workers use, as they know them. We stay ready: each has something behind it."""
    try:
        states = await asyncio.wait_for(parts.store.providers.states(), _WITHIN_S)
    except (TimeoutError, CodeVoiceError):
        return {}
    return {f"provider: {name}": trouble or "ok" for name, trouble in states.items()}


def _livekit(parts: Parts) -> list[Awaitable[str]]:
    """Where interviews are held in rooms."""
    if parts.rooms is None:
        return []
    return [_told(parts.rooms.check(), "LiveKit cannot be reached, or refuses the key")]


async def _polled(parts: Parts, queue: str, kind: TaskQueueType.ValueType) -> str:
    return await _told(_ask_pollers(parts, queue, kind), "Temporal cannot be reached")


async def _ask_pollers(parts: Parts, queue: str, kind: TaskQueueType.ValueType) -> None:
    if not await polled(parts.temporal, queue, kind) and not await _busy(parts, queue):
        raise Unavailable("no worker polls this queue")


async def _busy(parts: Parts, queue: str) -> bool:
    """A worker whose slots are all taken polls nothing; its bots say each second that they live."""
    return queue == CONVERSATIONS and await parts.store.interviews.any_bot_alive()


async def _told(probe: Awaitable[object], otherwise: str) -> str:
    try:
        await asyncio.wait_for(probe, _WITHIN_S)
    except Unavailable as missing:
        return missing.detail
    except (TimeoutError, RPCError, RuntimeError, CodeVoiceError):
        return otherwise
    return "ok"
