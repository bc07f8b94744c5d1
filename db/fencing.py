"""The guard on a bot's writes: a condition within the writing statement itself."""

from __future__ import annotations

from typing import Any, Never
from uuid import UUID

from sqlalchemy import TextClause, text

from contracts.errors import NotFound, StaleFence
from contracts.interview import Fence
from db.database import Database

#: Holds for a row of `interviews` when the writer is not older than the bot that took the fence.
#: A writer without a fence (HTTP) always may. A row lock makes PostgreSQL check it again on the
#: row's newest version.
_CURRENT = (
    "(CAST(:epoch AS int) IS NULL OR"
    " (interviews.fence_epoch, interviews.fence_attempt)"
    " <= (CAST(:epoch AS int), CAST(:attempt AS int)))"
)


def guarded(statement: str) -> TextClause:
    """The statement with `{writer_is_current}` filled in; takes `fence_values`."""
    return text(statement.replace("{writer_is_current}", _CURRENT))


_EXISTS = text("SELECT id FROM interviews WHERE id = :id")


def fence_values(fence: Fence | None) -> dict[str, Any]:
    if fence is None:
        return {"epoch": None, "attempt": None}
    return {"epoch": fence.epoch, "attempt": fence.attempt}


async def refused(database: Database, interview_id: UUID) -> Never:
    """Says why a guarded statement found no row."""
    if await database.row(_EXISTS, {"id": interview_id}) is None:
        raise NotFound("There is no such interview")
    raise StaleFence
