"""The report as an activity."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from temporalio import activity

from activities.alive import alive
from activities.failures import told_to_temporal
from contracts.activities import BuildReport, BuiltReport


class Reporter(Protocol):
    async def build(self, order: BuildReport) -> UUID:
        """Makes this version of the report of what the database holds now and keeps it.

        Idempotent by (interview, version): a repeat returns the id of the row that stands.
        """


class ReportActivities:
    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    @activity.defn(name="build_report")
    async def build_report(self, order: BuildReport) -> BuiltReport:
        # Without a report the interview was for nothing: what a fixed release or a restored row
        # can mend is tried for as long as the workflow says.
        with told_to_temporal(give_up=False):
            async with alive():
                report_id = await self._reporter.build(order)
            return BuiltReport(report_id=report_id, version=order.version)
