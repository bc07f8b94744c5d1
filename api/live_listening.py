"""Listening to an interview while it goes on: for staff, and where the candidate agreed to it.

The listener is in the interview's LiveKit room and nobody there is told. Each is noted before they
get the token.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.auth import Seen, Server, ServersOwn, Staff
from api.bodies import Body, Name
from api.openapi import READ_REFUSALS, WRITE_REFUSALS
from api.parts import OurParts, Parts
from contracts.errors import Conflict, NotAllowed, Unavailable, WrongState
from db.ids import new_id
from web.consent import ConsentText

router = APIRouter(prefix="/api/v1/interviews/{interview_id}", tags=["live listening"])


class ListenIn(Body):
    who: Name | None = Field(default=None, description="Who listens, in your words. It is kept.")


class ListenOut(BaseModel):
    """`token` opens the room to the ear alone, within two minutes."""

    listener_id: UUID
    url: str = Field(description="Of the LiveKit server.")
    token: str


class ListenerOut(BaseModel):
    """Who was let in to listen, and when. How long they stayed is not known."""

    listener_id: UUID
    role: Literal["server", "staff"]
    api_key_id: UUID | None
    who: str | None
    admitted_at: datetime


class ListenerList(BaseModel):
    items: list[ListenerOut] = Field(description="The first first.")


@router.post("/listen", response_model=ListenOut, responses=WRITE_REFUSALS)
async def listen(seen: Staff, parts: OurParts, body: ListenIn | None = None) -> ListenOut:
    """Lets somebody listen to the conversation that is live now: they hear both sides and read the
    captions, and neither are seen nor can say anything.

    Only where the interview was started with `live_listening` (403), the candidate agreed to the
    text that says so (403), and an interviewer is on the line (409). Without LiveKit there is
    nothing to listen in on (409). Each call is kept as one listener.
    """
    await _check(parts, seen)
    if parts.rooms is None:
        raise Unavailable("This service has no LiveKit at present")
    parts.listens.check(seen.interview.id)
    listener_id = new_id()
    await parts.store.live_listeners.note(
        listener_id,
        seen.interview.id,
        seen.role,
        api_key_id=await _key_of(parts, seen),
        who=body.who if body else None,
    )
    url, token = parts.rooms.listeners_pass(seen.interview.id, listener_id)
    return ListenOut(listener_id=listener_id, url=url, token=token)


@router.get("/listeners", response_model=ListenerList, responses=READ_REFUSALS)
async def listeners(seen: ServersOwn, parts: OurParts) -> ListenerList:
    """Who was let in to listen, and when. Only for the organisation."""
    found = await parts.store.live_listeners.of_interview(seen.interview.id)
    items = [{**each.model_dump(), "listener_id": each.id} for each in found]
    return ListenerList(items=[ListenerOut.model_validate(each) for each in items])


async def _check(parts: Parts, seen: Seen) -> None:
    interview = seen.interview
    if interview.start.transport != "livekit":
        raise Conflict("Live listening needs LiveKit; this interview is held over a direct line.")
    if not interview.live_listening:
        raise NotAllowed("This interview was not started with live_listening.")
    if not interview.snapshot.consented:
        raise WrongState("The candidate has not agreed yet.")
    agreed = await parts.store.interviews.agreed_texts(interview.id)
    if not any(ConsentText(version).live_listening for version in agreed):
        raise NotAllowed("The text that the candidate agreed to does not say that staff listen.")
    if interview.snapshot.live_epoch is None:
        raise WrongState("No interviewer is on the line now.")


async def _key_of(parts: Parts, seen: Seen) -> UUID | None:
    if not isinstance(seen.caller, Server):
        return None
    return (await parts.keys.owner(seen.caller.key)).id
