"""Interviews: making, listing and looking at them."""

from __future__ import annotations

import json
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from api import starting
from api.auth import Ours, Seen, ServerOnly
from api.bodies import InterviewOut, InterviewPage, NewInterview, NewInterviewOut
from api.idempotency import ServersOnce
from api.openapi import READ_REFUSALS, WRITE_REFUSALS
from api.parts import OurParts
from api.status import etag_of, status_bytes, status_of
from contracts.interview import InterviewStatus

router = APIRouter(prefix="/api/v1/interviews", tags=["interviews"])


@router.post("", status_code=201, response_model=NewInterviewOut, responses=WRITE_REFUSALS)
async def start(
    body: NewInterview, server: ServerOnly, parts: OurParts, once: ServersOnce
) -> Response:
    """Starts an interview: draws its questions, pins their versions and waits for the candidate.

    `join_url` is for the candidate, `report_url` for staff; both are secrets that expire.
    """
    return await once(lambda: starting.start(parts, server, body, once.key_name), status=201)


@router.get("", response_model=InterviewPage, responses=READ_REFUSALS)
async def page(
    server: ServerOnly,
    parts: OurParts,
    status: InterviewStatus | None = None,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """The organisation's interviews, the newest first."""
    organisation_id = server.organisation_id
    found = await parts.store.interviews.page(organisation_id, status, after, limit + 1)
    items = [await status_of(parts, Seen(each, server)) for each in found[:limit]]
    following = items[-1]["id"] if len(found) > limit else None
    return Response(json.dumps({"items": items, "next": following}), media_type="application/json")


@router.get(
    "/{interview_id}",
    response_model=InterviewOut,
    responses=READ_REFUSALS | {304: {"description": "Nothing changed since that `ETag`."}},
)
async def status(
    seen: Ours, parts: OurParts, if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    """How the interview stands. Cheap: ask as often as you like, with `If-None-Match`."""
    etag = etag_of(seen)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
    if _matches(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    body = await status_bytes(parts, seen)
    return Response(body, headers=headers, media_type="application/json")


def _matches(asked: str | None, etag: str) -> bool:
    """Weak comparison, as RFC 9110 has it for If-None-Match."""
    if asked is None:
        return False
    known = {each.strip().removeprefix("W/") for each in asked.split(",")}
    return "*" in known or etag.removeprefix("W/") in known
