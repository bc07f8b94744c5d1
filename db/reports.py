"""Reports: one row per version; a late grade makes the next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from contracts.errors import NotFound
from db import tables
from db.database import Database
from db.rows import Report
from db.text import keepable_json

_PUT = text(
    """
    INSERT INTO reports (id, interview_id, version, payload)
    VALUES (:id, :interview_id, :version, CAST(:payload AS jsonb))
    ON CONFLICT (interview_id, version) DO UPDATE SET version = reports.version
    RETURNING id
    """
)


class Reports:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(
        self, report_id: UUID, interview_id: UUID, version: int, payload: Mapping[str, Any]
    ) -> UUID:
        """Keeps JSON. Returns the row's id, the first try's on a repeat. Raises NotFound."""
        values = {
            "id": report_id,
            "interview_id": interview_id,
            "version": version,
            "payload": json.dumps(keepable_json(dict(payload)), allow_nan=False),
        }
        row = await self._database.row(_PUT, values)
        return UUID(str(row["id"])) if row is not None else report_id

    async def latest(self, interview_id: UUID) -> Report | None:
        """The highest version; None before the first."""
        report = tables.Reports
        row = await self._database.row(
            select(report)
            .where(report.interview_id == interview_id)
            .order_by(report.version.desc())
            .limit(1)
        )
        return Report.model_validate(dict(row)) if row is not None else None

    async def get(self, interview_id: UUID, version: int) -> Report:
        """Raises NotFound."""
        report = tables.Reports
        row = await self._database.row(
            select(report).where(report.interview_id == interview_id, report.version == version)
        )
        if row is None:
            raise NotFound("There is no such report")
        return Report.model_validate(dict(row))
