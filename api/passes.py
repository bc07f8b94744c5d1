"""Tokens for LiveKit's room: for a join, and fresh ones for a page that may have to come back.

A token serves once and for two minutes. So the holder's page is told another before the last one
ends, and can come back without a join, which asks Temporal and counts towards a limit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from api.auth import Seen
from api.bodies import RoomToken
from api.parts import Parts
from contracts.errors import Unavailable
from contracts.interview import InterviewStatus, JoinPurpose
from contracts.rooms import RoomPass
from db.rows import Interview
from web.consent import ConsentText

#: Half a minute before a token ends.
RENEW_AFTER_S: Final = 90.0
#: Held by somebody who has joined, and not paused.
_HELD: Final = (InterviewStatus.IN_PROGRESS, InterviewStatus.INTERRUPTED)


async def fresh(parts: Parts, seen: Seen, admission: int) -> AsyncIterator[RoomToken]:
    """One at once, one when another bot comes, and one before the last one ends.

    Ends when another join than `admission` holds the interview. While it is paused, or the
    database is away, nothing is told; the listener then tells of the return.
    """
    told_epoch, told_at = 0, -RENEW_AFTER_S
    with parts.listener.subscribe(seen.interview.id) as changes:
        while True:
            with suppress(Unavailable):
                interview = await parts.store.interviews.get(seen.interview.id)
                if interview.admissions != admission:
                    return
                old = time.monotonic() - told_at >= RENEW_AFTER_S
                another = interview.snapshot.epoch != told_epoch
                if (old or another) and interview.status in _HELD:
                    told_epoch, told_at = interview.snapshot.epoch, time.monotonic()
                    yield await _token(parts, interview)
            try:
                async with asyncio.timeout(_again_in_s(told_at)):
                    await anext(changes)
            except TimeoutError:
                pass
            except StopAsyncIteration:  # the process stops
                return


def _again_in_s(told_at: float) -> float:
    left = told_at + RENEW_AFTER_S - time.monotonic()
    return left if left > 0 else RENEW_AFTER_S


async def opening(
    parts: Parts,
    interview: Interview,
    epoch: int,
    admission: int,
    purpose: JoinPurpose = JoinPurpose.INTERVIEW,
) -> RoomPass:
    """What lets the candidate in. It allows a camera for the interview itself, where that has one
    and they agreed to the text that says who sees them. Raises Unavailable."""
    if parts.rooms is None:
        raise Unavailable("This service has no LiveKit at present")
    camera = False
    if interview.camera and purpose is JoinPurpose.INTERVIEW:
        agreed = await parts.store.interviews.agreed_texts(interview.id)
        camera = any(ConsentText(version).camera for version in agreed)
    return parts.rooms.candidates_pass(interview.id, epoch, admission, camera=camera)


async def _token(parts: Parts, interview: Interview) -> RoomToken:
    """Raises Unavailable."""
    epoch, admission = interview.snapshot.joined_epoch, interview.admissions
    url, token = await opening(parts, interview, epoch, admission)
    return RoomToken(epoch=epoch, admission=admission, url=url, token=token)
