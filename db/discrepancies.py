"""What the rows say that something else should bear out: for the reconciler.

Each read is bounded. `within` keeps it to interviews that changed lately; None looks at all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import Executable, text

from contracts.interview import InterviewStatus
from db.database import Database
from db.rows import KeptRecording, OpenInterview, Row

R = TypeVar("R", bound=Row)
_ENDED: Final = [each.value for each in InterviewStatus if each.ended]
#: Nothing more is said there; what a bot writes at its farewell is written within the minute.
_OVER: Final = [*_ENDED, InterviewStatus.GRADING.value]

_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('codevoice reconciler')) AS taken")
_ALONE_AT_LAST = text("SELECT pg_advisory_xact_lock(hashtext('codevoice reconciler'))")
_OPEN = text(
    """
    SELECT id, status, state_version,
        updated_at < clock_timestamp() - interval '10 seconds' AS quiet,
        status = 'in_progress' AND jsonb_typeof(snapshot->'live_epoch') = 'number'
            AND coalesce(last_alive_at < clock_timestamp() - interval '15 seconds', true) AS silent
    FROM interviews
    WHERE status <> ALL(:ended) AND workflow_started_at < clock_timestamp() - interval '10 seconds'
    ORDER BY updated_at DESC LIMIT :most
    """
)
_STANDINGS = text(
    """
    SELECT id, status = ANY(:ended) AND updated_at < clock_timestamp() - interval '1 minute' AS over
    FROM interviews WHERE id = ANY(:ids)
    """
)
_ANSWERS_MISSING = text(
    """
    SELECT DISTINCT interviews.id
    FROM interviews, jsonb_array_elements(interviews.snapshot->'questions') AS question
    WHERE (CAST(:within AS interval) IS NULL
            OR interviews.updated_at > clock_timestamp() - CAST(:within AS interval))
        AND question->>'answer_id' IS NOT NULL
        AND NOT EXISTS (
            SELECT 1 FROM answers WHERE answers.id = CAST(question->>'answer_id' AS uuid)
                AND answers.interview_id = interviews.id)
    LIMIT :most
    """
)
_REPORTS_MISSING = text(
    """
    SELECT id FROM interviews
    WHERE status = 'completed'
        AND (CAST(:within AS interval) IS NULL
            OR updated_at > clock_timestamp() - CAST(:within AS interval))
        AND (snapshot->>'report_given_up')::boolean IS NOT TRUE
        AND NOT EXISTS (
            SELECT 1 FROM reports WHERE reports.interview_id = interviews.id
                AND reports.version = (interviews.snapshot->>'report_version')::int)
    LIMIT :most
    """
)
_RECORDINGS = text(
    """
    SELECT recordings.id, interview_id, url, duration_ms, complete,
        status = ANY(:over) AND updated_at < clock_timestamp() - interval '1 minute' AS over
    FROM recordings JOIN interviews ON interviews.id = interview_id
    WHERE complete IS NULL OR CAST(:within AS interval) IS NULL
        OR updated_at > clock_timestamp() - CAST(:within AS interval)
    ORDER BY complete IS NULL DESC, recordings.started_at DESC LIMIT :most
    """
)
#: The goodbye takes 20 s at most, and closing the room is tried for a minute.
_ROOMS_OVER = text(
    """
    SELECT id, status = ANY(:over) AND updated_at < clock_timestamp() - interval '2 minutes' AS over
    FROM interviews WHERE id = ANY(:ids)
    """
)
_HELD_IN_ROOMS = text(
    """
    SELECT id FROM interviews
    WHERE status = 'in_progress' AND start->>'transport' = 'livekit'
        AND jsonb_typeof(snapshot->'live_epoch') = 'number'
        AND last_alive_at > clock_timestamp() - interval '5 seconds'
    LIMIT :most
    """
)
_NAMED = text("SELECT id FROM recordings WHERE id = ANY(:ids)")


class Discrepancies:
    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def alone(self, *, wait: bool) -> AsyncIterator[bool]:
        """Whether nobody else reconciles meanwhile, in any process. Who waits, waits for that."""
        async with self._database.begin() as connection:
            if wait:
                await connection.execute(_ALONE_AT_LAST)
            taken = wait or (await connection.execute(_ALONE)).scalar_one()
            try:
                yield bool(taken)
            finally:
                await connection.rollback()  # it holds a lock and has written nothing

    async def open(self, most: int) -> tuple[OpenInterview, ...]:
        """Interviews that have not ended and whose workflow was started, the last changed first."""
        return await self._rows(OpenInterview, _OPEN, {"ended": _ENDED, "most": most})

    async def over(self, ids: Collection[UUID]) -> dict[UUID, bool]:
        """Of these, those with a row, and whether it has ended a minute ago or longer."""
        rows = await self._database.rows(_STANDINGS, {"ids": list(ids), "ended": _ENDED})
        return {row["id"]: row["over"] for row in rows}

    async def rooms_over(self, ids: Collection[UUID]) -> dict[UUID, bool]:
        """Of these, those with a row, and whether nobody needs its room any more."""
        rows = await self._database.rows(_ROOMS_OVER, {"ids": list(ids), "over": _OVER})
        return {row["id"]: row["over"] for row in rows}

    async def held_in_rooms(self, most: int) -> frozenset[UUID]:
        """Interviews whose bot is in a room and says that it lives."""
        return frozenset(await self._ids(_HELD_IN_ROOMS, {"most": most}))

    async def without_answer(self, within: timedelta | None, most: int) -> tuple[UUID, ...]:
        """Interviews whose state names an answer that has no row."""
        return await self._ids(_ANSWERS_MISSING, {"within": within, "most": most})

    async def without_report(self, within: timedelta | None, most: int) -> tuple[UUID, ...]:
        """Completed interviews without the row of the report that their state names."""
        return await self._ids(_REPORTS_MISSING, {"within": within, "most": most})

    async def recordings(self, within: timedelta | None, most: int) -> tuple[KeptRecording, ...]:
        """Those of interviews that changed lately, and all that nobody has closed."""
        values = {"over": _OVER, "within": within, "most": most}
        return await self._rows(KeptRecording, _RECORDINGS, values)

    async def named(self, recording_ids: Collection[UUID]) -> frozenset[UUID]:
        """Of these, those that have a row."""
        return frozenset(await self._ids(_NAMED, {"ids": list(recording_ids)}))

    async def _rows(
        self, kind: type[R], statement: Executable, values: Mapping[str, Any]
    ) -> tuple[R, ...]:
        rows = await self._database.rows(statement, values)
        return tuple(kind.model_validate(dict(row)) for row in rows)

    async def _ids(self, statement: Executable, values: Mapping[str, Any]) -> tuple[UUID, ...]:
        return tuple(row["id"] for row in await self._database.rows(statement, values))
