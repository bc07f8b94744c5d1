"""Careless variants of calls to Temporal and of activities, each a seeded bug: see `bugs`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

from temporalio import activity, client, worker

from bench.chaos.later import Later
from contracts.activities import AnswerRef, GradeRef


class _NewUpdateId(client.OutboundInterceptor):
    async def start_workflow_update(
        self, input: client.StartWorkflowUpdateInput
    ) -> client.WorkflowUpdateHandle[Any]:
        return await super().start_workflow_update(replace(input, update_id=str(uuid4())))


class NewUpdateIds(client.Interceptor):
    """Each sending of an update has an id of its own, so the server knows no repeat."""

    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:
        return _NewUpdateId(next)


class _CompleteFirst(worker.ActivityInboundInterceptor):
    def __init__(self, next: worker.ActivityInboundInterceptor, later: Later) -> None:
        super().__init__(next)
        self._later = later

    async def execute_activity(self, input: worker.ExecuteActivityInput) -> Any:
        if activity.info().activity_type != "grade_answer":
            return await super().execute_activity(input)
        grade, answer = super().execute_activity, input.args[0]
        assert isinstance(answer, AnswerRef)
        self._later.put_off(lambda: grade(input))
        return GradeRef(answer_id=answer.answer_id, grade_id=uuid4())


class CompleteBeforeGrading(client.Interceptor, worker.Interceptor):
    """An answer counts as graded, and the interview ends, before there is a grade."""

    def __init__(self) -> None:
        self._later = Later()

    def intercept_activity(
        self, next: worker.ActivityInboundInterceptor
    ) -> worker.ActivityInboundInterceptor:
        return _CompleteFirst(next, self._later)


class _BeatByTimer(worker.ActivityInboundInterceptor):
    async def execute_activity(self, input: worker.ExecuteActivityInput) -> Any:
        if activity.info().activity_type != "hold_conversation":
            return await super().execute_activity(input)
        beating = asyncio.create_task(_beat())
        try:
            return await super().execute_activity(input)
        finally:
            beating.cancel()


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(0.5)


class TimerHeartbeat(client.Interceptor, worker.Interceptor):
    """A bot's heartbeat comes from a clock, whether or not anything moves in it."""

    def intercept_activity(
        self, next: worker.ActivityInboundInterceptor
    ) -> worker.ActivityInboundInterceptor:
        return _BeatByTimer(next)
