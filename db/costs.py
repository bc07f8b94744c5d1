"""What an interview's calls to providers used: one row for each call, whoever retries."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select, text

from contracts.usage import Usage
from db import tables
from db.database import Database

_BOOK = text(
    """
    INSERT INTO cost_entries
        (id, interview_id, purpose, model, tokens_in, tokens_out, audio_s, characters)
    VALUES (:id, :interview_id, :purpose, :model, :tokens_in, :tokens_out, :audio_s, :characters)
    ON CONFLICT (id) DO NOTHING
    """
)


class Costs:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def book(self, interview_id: UUID, calls: Iterable[Usage]) -> None:
        """May be repeated: a call that is booked already is left alone. Raises NotFound."""
        for call in calls:
            values = call.model_dump() | {"purpose": call.purpose.value}
            await self._database.run(_BOOK, values | {"interview_id": interview_id})

    async def of_interview(self, interview_id: UUID) -> tuple[Usage, ...]:
        """In the order of the calls."""
        entry = tables.CostEntries
        rows = await self._database.rows(
            select(entry).where(entry.interview_id == interview_id).order_by(entry.id)
        )
        return tuple(Usage.model_validate(dict(row)) for row in rows)
