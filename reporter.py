"""Joins the rooms that make a report and do not know each other: the database and `reports`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

import connections
from contracts.grades import GradeKind
from db.ids import new_id
from db.reporting import report_inputs

if TYPE_CHECKING:
    from contracts.activities import BuildReport
    from db.store import Store


class Reporter:
    """Reads the database, makes the report, keeps it. Joins rooms that do not know each other."""

    def __init__(
        self, store: Store, parts: dict[str, str], counts: GradeKind = GradeKind.EMBEDDED
    ) -> None:
        """Grades less trusted than `counts` stand beside and count for nothing."""
        self._store = store
        self._parts = parts
        self._counts = counts

    async def build(self, order: BuildReport) -> UUID:
        from reports.build import build_report

        inputs = await report_inputs(
            self._store,
            order,
            app_version=connections.version(),
            parts=self._parts,
            counts=self._counts,
        )
        report = await asyncio.to_thread(build_report, inputs)
        return await self._store.reports.put(
            new_id(), order.interview_id, order.version, report.model_dump(mode="json")
        )
