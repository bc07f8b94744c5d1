"""Turns: written as they are spoken, numbered by the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from contracts.errors import Conflict, NotFound
from contracts.interview import Fence
from contracts.turns import Speaker, Turn, TurnPurpose
from db import tables
from db.database import Database
from db.fencing import fence_values, guarded, refused
from db.text import keepable, keepable_or_none

#: The interview's row is locked while its turn is written, so numbers rise in the order of commits
#: and a reader who has seen one has seen all before it. A number may be missing.
_ADD = guarded(
    """
    WITH seat AS (
        UPDATE interviews SET turn_count = turn_count + 1
        WHERE id = :interview_id AND {writer_is_current}
            AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.id = :id)
        RETURNING turn_count, state_version
    ), turn AS (
        INSERT INTO turns (id, interview_id, number, question_id, revision, speaker, kind, purpose,
            text, raw_text, started_at, ended_at, recording_id, recording_offset_ms, interrupted,
            epoch)
        SELECT :id, :interview_id, seat.turn_count, :question_id, :revision, :speaker, :kind,
            :purpose, :text, :raw_text, :started_at, :ended_at, :recording_id,
            :recording_offset_ms, :interrupted, :epoch
        FROM seat
        ON CONFLICT (id) DO NOTHING
        RETURNING interview_id, number
    ), event AS (
        INSERT INTO interview_events (interview_id, kind, state_version, turn_number)
        SELECT turn.interview_id, 'turn', seat.state_version, turn.number FROM turn, seat
        RETURNING id, interview_id, state_version, turn_number
    )
    SELECT turn_number, pg_notify('interview_events', json_build_object(
        'interview_id', interview_id, 'event_id', id, 'state_version', state_version)::text)
    FROM event
    """
)


class Turns:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, turn: Turn, fence: Fence | None = None) -> Turn:
        """Returns the turn as it stands, with its number; a repeat changes nothing.

        Raises StaleFence, NotFound, and Conflict when another interview has a turn of this id.
        """
        kept = turn.model_copy(
            update={"text": keepable(turn.text), "raw_text": keepable_or_none(turn.raw_text)}
        )
        values = kept.model_dump(exclude={"number"}) | fence_values(fence)
        row = await self._database.row(_ADD, values)
        if row is not None:
            return kept.model_copy(update={"number": row["turn_number"]})
        return await self._written(turn) or await refused(self._database, turn.interview_id)

    async def _written(self, turn: Turn) -> Turn | None:
        found = select(tables.Turns).where(tables.Turns.id == turn.id)
        row = await self._database.row(found)
        if row is not None and row["interview_id"] != turn.interview_id:
            raise Conflict("This turn's id is taken")
        return _turn(row) if row is not None else None

    async def of_interview(self, interview_id: UUID, after: int = 0) -> tuple[Turn, ...]:
        """In order; those numbered above `after`."""
        turn = tables.Turns
        rows = await self._database.rows(
            select(turn)
            .where(turn.interview_id == interview_id, turn.number > after)
            .order_by(turn.number)
        )
        return tuple(map(_turn, rows))

    async def open(self, interview_id: UUID, question_id: UUID, revision: int) -> tuple[Turn, ...]:
        """What the candidate said for exactly this revision: an answer still being given."""
        turn = tables.Turns
        rows = await self._database.rows(
            select(turn)
            .where(
                turn.interview_id == interview_id,
                turn.question_id == question_id,
                turn.revision == revision,
                turn.speaker == Speaker.CANDIDATE.value,
                turn.purpose == TurnPurpose.ANSWER.value,
            )
            .order_by(turn.number)
        )
        return tuple(map(_turn, rows))

    async def asked(
        self, interview_id: UUID, question_id: UUID, purpose: TurnPurpose, words: str
    ) -> bool:
        """The interviewer has put these words, perhaps among others, for this purpose."""
        turn = tables.Turns
        row = await self._database.row(
            select(turn.id).where(
                turn.interview_id == interview_id,
                turn.question_id == question_id,
                turn.purpose == purpose.value,
                turn.speaker == Speaker.INTERVIEWER.value,
                turn.text.contains(keepable(words), autoescape=True),
            )
        )
        return row is not None

    async def numbered(self, interview_id: UUID, number: int) -> Turn:
        """Raises NotFound."""
        turn = tables.Turns
        row = await self._database.row(
            select(turn).where(turn.interview_id == interview_id, turn.number == number)
        )
        if row is None:
            raise NotFound("There is no such turn")
        return _turn(row)


def _turn(row: Mapping[Any, Any]) -> Turn:
    return Turn.model_validate(dict(row))
