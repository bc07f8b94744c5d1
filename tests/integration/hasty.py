"""The workflow with a clock that takes five seconds whenever it is stopped."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from contracts.interview import InterviewStart, Snapshot
    from workflows.clock import Clock
    from workflows.interview_session import InterviewSession


class HastyClock(Clock):
    def stop(self, now: datetime) -> None:
        if self.running:
            self._left -= timedelta(seconds=5)
        super().stop(now)


@workflow.defn(name="InterviewSession")
class HastySession(InterviewSession):
    @workflow.init
    def __init__(self, start: InterviewStart) -> None:
        super().__init__(start)
        self._interview.clock = HastyClock(start.duration, start.candidate_loss_cap)

    @workflow.run
    async def run(self, start: InterviewStart) -> Snapshot:
        return await super().run(start)
