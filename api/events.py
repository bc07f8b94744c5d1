"""What happens in an interview, as it happens: server-sent events, and the same on a WebSocket.

An event says that something changed and carries its stored number; a reader that was away says the
last number it saw and misses nothing. A caller whose key or link ends is let go within 5 seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, WebSocket
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api import passes
from api.auth import Ours, Seen, still_allowed
from api.bodies import Event, RoomToken, TurnOut
from api.openapi import READ_REFUSALS
from api.parts import OurParts, Parts
from api.transcripts import turn_out
from contracts.errors import CodeVoiceError, Unavailable
from db import rows
from db.events import Subscription

router = APIRouter(prefix="/api/v1/interviews/{interview_id}", tags=["events"])

#: With the two seconds a key is believed, a revoked caller is gone within five.
LOOK_AGAIN_S: Final = 2.5
_SLOWEST_READER_S: Final = 10.0
EventId = Annotated[int | None, Header(ge=0, le=2**63 - 1)]


@router.get("/events", response_class=EventSourceResponse, responses=READ_REFUSALS)
async def events(
    seen: Ours, parts: OurParts, last_event_id: EventId = None
) -> AsyncIterable[ServerSentEvent]:
    """`state` when the status changed, `turn` with each thing said; the first comes at once.

    Resumes after `Last-Event-ID`. A comment keeps the line open when nothing happens.
    """
    with parts.meters.streams.labels("sse").track_inprogress():
        async for event in follow(parts, seen, last_event_id):
            yield ServerSentEvent(
                event=event.kind, id=str(event.id), raw_data=event.model_dump_json()
            )


@router.websocket("/socket")
async def socket(
    websocket: WebSocket,
    seen: Ours,
    parts: OurParts,
    last_event_id: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
    admission: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> None:
    """The same events as JSON messages. What the caller sends is not read.

    Who names the `admission` of their join into a LiveKit room gets fresh tokens for it too, as
    long as no newer join holds the interview.
    """
    await websocket.accept()
    with parts.meters.streams.labels("socket").track_inprogress():
        sending = asyncio.create_task(_send_all(websocket, follow(parts, seen, last_event_id)))
        leaving = asyncio.create_task(_gone(websocket))
        beside = []
        if admission is not None:
            tokens = _send_all(websocket, passes.fresh(parts, seen, admission))
            beside.append(asyncio.create_task(tokens))
        done, pending = await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        for task in (*pending, *beside):
            task.cancel()
        await asyncio.gather(*pending, *done, *beside, return_exceptions=True)
        if leaving not in done:
            await websocket.close(code=1008)


async def _send_all(websocket: WebSocket, stream: AsyncIterator[Event | RoomToken]) -> None:
    async for told in stream:
        async with asyncio.timeout(_SLOWEST_READER_S):
            await websocket.send_text(told.model_dump_json())


async def _gone(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def follow(parts: Parts, seen: Seen, after: int | None) -> AsyncIterator[Event]:
    """Ends when the caller's key or link does, or the process stops."""
    with parts.listener.subscribe(seen.interview.id) as subscription:
        last = after
        if last is None:
            last = await parts.store.events.latest(seen.interview.id)
            yield Event(id=last, kind="state", state_version=seen.interview.state_version)
        async for _ in _occasions(parts, seen, subscription):
            async for event in _stored(parts, seen, last):
                yield event
                last = event.id


async def _occasions(parts: Parts, seen: Seen, subscription: Subscription) -> AsyncIterator[None]:
    """Yields at once and then whenever there may be news, as long as the caller is allowed."""
    looked_at = time.monotonic()
    yield
    while True:
        try:
            async with asyncio.timeout(LOOK_AGAIN_S):
                await anext(subscription)
            yield
        except TimeoutError:
            pass
        except StopAsyncIteration:
            return
        if time.monotonic() - looked_at >= LOOK_AGAIN_S:
            if not await _still_there(parts, seen):
                return
            looked_at = time.monotonic()


async def _still_there(parts: Parts, seen: Seen) -> bool:
    try:
        await still_allowed(parts, seen)
    except Unavailable:
        return True  # the database is away: it will be asked again
    except CodeVoiceError:
        return False
    return True


async def _stored(parts: Parts, seen: Seen, after: int) -> AsyncIterator[Event]:
    """What is missing when the database is away comes with the listener's return."""
    try:
        found = await parts.store.events.since(seen.interview.id, after)
        said = await _said(parts, seen, found)
    except Unavailable:
        return
    for event in found:
        yield Event(
            id=event.id,
            kind="turn" if event.kind == "turn" else "state",
            state_version=event.state_version,
            turn=said.get(event.turn_number or 0),
        )


async def _said(parts: Parts, seen: Seen, found: tuple[rows.Event, ...]) -> dict[int, TurnOut]:
    numbers = [event.turn_number for event in found if event.turn_number is not None]
    if not numbers:
        return {}
    turns = await parts.store.turns.of_interview(seen.interview.id, after=min(numbers) - 1)
    return {turn.number or 0: turn_out(turn) for turn in turns}
