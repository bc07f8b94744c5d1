"""What LiveKit tells of its rooms: a hint for whoever reads logs and figures, never the truth.

It comes late, twice, out of order or not at all, so no interview moves by it: bots and pages see
for themselves who is there.
"""

from __future__ import annotations

import logging
from typing import Final
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from api.auth import FromLiveKit
from api.openapi import refusals
from api.parts import OurParts

router = APIRouter(prefix="/api/v1/livekit", tags=["livekit"])
log = logging.getLogger("codevoice.api")

#: Names are LiveKit's; another one counts under one label, so that there are not ever more of them.
_KINDS: Final = frozenset(
    (
        *("room_started", "room_finished", "participant_joined", "participant_left"),
        *("participant_connection_aborted", "track_published", "track_unpublished"),
    )
)


@router.post("/webhook", status_code=204, responses=refusals(401, 413, 500))
async def webhook(event: FromLiveKit, parts: OurParts) -> Response:
    """For LiveKit's `webhook.urls`. Told twice, it counts once."""
    if parts.room_events.first_time(event.id):
        kind = event.kind if event.kind in _KINDS else "other"
        parts.meters.room_events.labels(kind).inc()
        log.info("livekit: %s in %s", kind, _room(event.room))
    return Response(status_code=204)


def _room(name: str) -> str:
    """Ours are called by their interview's id; what others are called stays out of the log."""
    try:
        return str(UUID(name))
    except ValueError:
        return "another room"
