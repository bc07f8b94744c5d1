"""The workflow as a careless change would make it: one more timer."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from contracts.interview import InterviewStart, Snapshot
    from workflows.interview_session import InterviewSession


@workflow.defn(name="InterviewSession")
class ChangedSession(InterviewSession):
    @workflow.init
    def __init__(self, start: InterviewStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: InterviewStart) -> Snapshot:
        await workflow.sleep(timedelta(seconds=1))
        return await super().run(start)
