"""The client of the workflow: lost replies, refusals, a server that is not there."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowUpdateInput,
    WorkflowUpdateHandle,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)

from contracts.errors import Unavailable
from contracts.interview import Fence, InterviewStatus, Move
from tests.replay.plans import a_start
from tests.replay.rehearsal import Room, Stage, local_temporal
from workflows.interview_client import InterviewClient


class LosesReplies(Interceptor):
    """The call arrives and has its effect; the first replies of each update never come back."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.sent: list[str | None] = []

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _Losing(next, self)


class _Losing(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, losses: LosesReplies) -> None:
        super().__init__(next)
        self._losses = losses

    async def start_workflow_update(
        self, input: StartWorkflowUpdateInput
    ) -> WorkflowUpdateHandle[Any]:
        handle = await super().start_workflow_update(input)
        self._losses.sent.append(input.update_id)
        if len(self._losses.sent) <= self._losses.times:
            raise WorkflowUpdateRPCTimeoutOrCancelledError
        return handle


def losing(stage: Stage, losses: LosesReplies, patience_s: float = 30) -> InterviewClient:
    config = stage.temporal.config()
    config["interceptors"] = [losses]
    return InterviewClient(Client(**config), patience=timedelta(seconds=patience_s))


async def typing(stage: Stage) -> Room:
    room = await stage.open(a_start(follow_ups=0))
    await room.type_on()
    return room


async def test_a_lost_reply_is_asked_for_again_with_the_same_id_and_has_one_effect(
    stage: Stage,
) -> None:
    room, losses = await typing(stage), LosesReplies(times=3)
    moved = await losing(stage, losses).skip(room.id, Move())  # a move that names no question
    assert moved.cursor.position == 2
    assert len(losses.sent) == 4
    assert len(set(losses.sent)) == 1


async def test_two_presses_are_two_requests(stage: Stage) -> None:
    room = await typing(stage)
    await room.client.skip(room.id, Move())
    assert (await room.client.skip(room.id, Move())).cursor.position == 3


async def test_when_patience_has_passed_the_caller_is_told_to_try_again(stage: Stage) -> None:
    room, losses = await typing(stage), LosesReplies(times=10_000)
    with pytest.raises(Unavailable) as raised:
        await losing(stage, losses, patience_s=0.5).pause(room.id, Move())
    assert raised.value.retry_after_s == 1
    assert (await room.state()).status is InterviewStatus.PAUSED  # it had its effect all the same


async def test_a_cancelled_caller_is_cancelled_and_does_not_try_again(stage: Stage) -> None:
    room, losses = await typing(stage), LosesReplies(times=10_000)
    call = asyncio.create_task(losing(stage, losses).pause(room.id, Move()))
    await room.until(InterviewStatus.PAUSED)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_server_that_is_gone_is_unavailable() -> None:
    async with local_temporal() as temporal:
        await temporal.count_workflows()
    client = InterviewClient(temporal, patience=timedelta(seconds=1))
    failures = await asyncio.gather(
        client.start(a_start()),
        client.snapshot(uuid4()),
        client.pause(uuid4(), Move()),
        return_exceptions=True,
    )
    assert [type(failure) for failure in failures] == [Unavailable] * 3


async def test_a_bots_client_fences_what_it_sends(stage: Stage) -> None:
    room = await stage.open()
    bot = await room.speak()
    assert (await bot.updates.skip(Move())).cursor.position == 2
    assert (await bot.updates.pause(Move(fence=Fence(epoch=99)))).status is InterviewStatus.PAUSED
