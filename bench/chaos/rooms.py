"""What must hold of rooms, tokens and providers' sockets: parts of I7 and I12.

Those of one interview look at its story. Those of a trial are asked of the database, the logs and
the providers themselves.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Final

from sqlalchemy import text

from bench.chaos import histories
from bench.chaos.evidence import Evidence
from bench.chaos.story import Story

_PATTERN: Final = histories.TOKEN.pattern.decode()
_TABLES: Final = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
#: Bytes stand in a row as hexadecimal digits.
_KEPT_REPLIES: Final = text(
    "SELECT count(*) AS found FROM idempotency_keys WHERE encode(body, 'escape') ~ :pattern"
)


def left_open(story: Story) -> Iterator[str]:
    """I7: an interview that has ended has no room."""
    if story.in_room and story.saved.status.ended:
        yield "its room is still open"


def told_in_history(story: Story) -> Iterator[str]:
    """I12: no token stands in a history."""
    if story.history is not None and histories.holds_token(story.history):
        yield "a token stands in the history"


async def sockets_left(evidence: Evidence, within: timedelta) -> AsyncIterator[str]:
    """I7: nobody listens to a provider once every interview is over. A peer that does not answer
    the closing handshake is waited for by the client's library."""
    if evidence.sockets is None:
        return
    give_up_at = time.monotonic() + within.total_seconds()
    while (still := await evidence.sockets()) and time.monotonic() < give_up_at:
        await asyncio.sleep(0.2)
    if still:
        yield f"{still} sockets of the provider are still open"


async def tokens_kept(evidence: Evidence) -> AsyncIterator[str]:
    """I12: no token that opens a room stands in a row or in a log."""
    if evidence.rooms is None:
        return
    database, pattern = evidence.store.database, {"pattern": _PATTERN}
    for row in await database.rows(_TABLES, {}):
        name = row["tablename"]
        where = text(f'SELECT count(*) AS found FROM "{name}" AS kept WHERE kept::text ~ :pattern')
        (counted,) = await database.rows(where, pattern)
        if counted["found"]:
            yield f"a token stands in {counted['found']} rows of {name}"
    (replies,) = await database.rows(_KEPT_REPLIES, pattern)
    if replies["found"]:
        yield f"a token stands in {replies['found']} kept replies"
    for trace in evidence.traces:
        if histories.TOKEN.search(await asyncio.to_thread(trace.read_bytes)):
            yield f"a token stands in {trace.name}"
