"""Recordings: what is in the files behind fsspec."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text

from contracts.conduct import Conduct, Part
from contracts.interview import Fence
from db import tables
from db.database import Database
from db.fencing import fence_values, guarded, refused
from db.rows import Recording, WholeRecording
from db.text import keepable

_BEGIN = guarded(
    """
    INSERT INTO recordings (id, interview_id, url, epoch, started_at)
    SELECT :id, interviews.id, :url, :epoch, :started_at
    FROM interviews WHERE id = :interview_id AND {writer_is_current} FOR SHARE
    ON CONFLICT (id) DO UPDATE SET url = recordings.url
    RETURNING id
    """
)
_FINISH = text(
    "UPDATE recordings SET complete = :complete, duration_ms = :duration_ms WHERE id = :id"
)
_CLOSE_LEFT = text(
    "UPDATE recordings SET complete = false, duration_ms = :duration_ms"
    " WHERE id = :id AND complete IS NULL"
)
#: Joined again, it is scored again.
_PUT_WHOLE = text(
    """
    INSERT INTO recordings (id, interview_id, url, started_at, duration_ms, complete, parts)
    VALUES (
        :id, :interview_id, :url, :started_at, :duration_ms, :complete, CAST(:parts AS jsonb))
    ON CONFLICT (id) DO UPDATE SET url = excluded.url, started_at = excluded.started_at,
        duration_ms = excluded.duration_ms, complete = excluded.complete, parts = excluded.parts,
        conduct = NULL
    """
)
_PUT_CONDUCT = text("UPDATE recordings SET conduct = CAST(:conduct AS jsonb) WHERE id = :id")


class Recordings:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(
        self,
        recording_id: UUID,
        interview_id: UUID,
        url: str,
        started_at: datetime,
        fence: Fence | None = None,
    ) -> None:
        """Names the file before its first byte; a repeat changes nothing. StaleFence, NotFound."""
        values = {
            "id": recording_id,
            "interview_id": interview_id,
            "url": keepable(url),
            "started_at": started_at,
            **fence_values(fence),
        }
        if await self._database.row(_BEGIN, values) is None:
            await refused(self._database, interview_id)

    async def finish(self, recording_id: UUID, *, complete: bool, duration_ms: int) -> None:
        """An evicted bot may still close its own file."""
        values = {"id": recording_id, "complete": complete, "duration_ms": duration_ms}
        await self._database.run(_FINISH, values)

    async def close_left(self, recording_id: UUID, *, duration_ms: int) -> None:
        """Closes the file of a bot that died; what a bot says of its own file stands."""
        await self._database.run(_CLOSE_LEFT, {"id": recording_id, "duration_ms": duration_ms})

    async def put_whole(
        self,
        recording_id: UUID,
        interview_id: UUID,
        url: str,
        started_at: datetime,
        *,
        duration_ms: int,
        complete: bool,
        parts: Sequence[Part],
    ) -> None:
        """Names the file of the whole interview, once it is there. May be repeated. NotFound."""
        values = {
            "id": recording_id,
            "interview_id": interview_id,
            "url": keepable(url),
            "started_at": started_at,
            "duration_ms": duration_ms,
            "complete": complete,
            "parts": json.dumps([part.model_dump(mode="json") for part in parts]),
        }
        await self._database.run(_PUT_WHOLE, values)

    async def put_conduct(self, recording_id: UUID, conduct: Conduct) -> None:
        """The figures of a whole recording; the newest stand."""
        values = {"id": recording_id, "conduct": conduct.model_dump_json()}
        await self._database.run(_PUT_CONDUCT, values)

    async def whole(self, interview_id: UUID) -> WholeRecording | None:
        """None until it was made, and for an interview in which nobody spoke."""
        recording = tables.Recordings
        row = await self._database.row(
            select(recording).where(
                recording.interview_id == interview_id, recording.parts.is_not(None)
            )
        )
        return WholeRecording.model_validate(dict(row)) if row is not None else None

    async def left(self, interview_id: UUID) -> tuple[Recording, ...]:
        """Those that nobody has closed, oldest first."""
        return tuple(row for row in await self.of_interview(interview_id) if row.complete is None)

    async def of_interview(self, interview_id: UUID) -> tuple[Recording, ...]:
        """Each conversation's, oldest first."""
        recording = tables.Recordings
        rows = await self._database.rows(
            select(recording)
            .where(recording.interview_id == interview_id, recording.parts.is_(None))
            .order_by(recording.started_at)
        )
        return tuple(Recording.model_validate(dict(row)) for row in rows)
