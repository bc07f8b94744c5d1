"""Who listened to an interview while it went on: an audit trail, which nothing changes."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, text

from db import tables
from db.database import Database
from db.rows import LiveListener
from db.text import keepable_or_none

_NOTE = text(
    "INSERT INTO live_listeners (id, interview_id, role, api_key_id, who)"
    " VALUES (:id, :interview_id, :role, :api_key_id, :who)"
)


class LiveListeners:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(
        self,
        listener_id: UUID,
        interview_id: UUID,
        role: str,
        *,
        api_key_id: UUID | None = None,
        who: str | None = None,
    ) -> None:
        """To be called before they are let in. Raises NotFound."""
        values = {
            "id": listener_id,
            "interview_id": interview_id,
            "role": role,
            "api_key_id": api_key_id,
            "who": keepable_or_none(who),
        }
        await self._database.run(_NOTE, values)

    async def of_interview(self, interview_id: UUID) -> tuple[LiveListener, ...]:
        """In the order in which they were let in."""
        row = tables.LiveListeners
        found = select(row).where(row.interview_id == interview_id)
        rows = await self._database.rows(found.order_by(row.admitted_at, row.id))
        return tuple(LiveListener.model_validate(dict(each)) for each in rows)
