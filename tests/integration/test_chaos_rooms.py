"""The kill experiment in rooms: one interview that is struck twice, and what its judge finds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from temporalio.client import Client

from bench.chaos.evidence import Evidence
from bench.chaos.faults import Strike, Strikes
from bench.chaos.invariants import check
from bench.chaos.points import Order, Side
from bench.chaos.report import IN_ROOM, report_of
from bench.chaos.servers import servers
from bench.chaos.trials import Trial as Struck
from bench.chaos.trials import pinpoint, unreconciled
from bench.figures import this_machine
from contracts.interview import BotReady, Fence, JoinPurpose
from tests.integration.trial import Trial
from tests.livekit import Running, needs_livekit
from tests.replay.rehearsal import local_temporal

POINTS = {
    *("room.create", "room.note", "room.stamp", "room.delete", "token.candidate", "token.bot"),
    *("socket.media", "socket.finalize", "provider.speak", "provider.chat"),
}


@pytest.mark.timeout(600)
async def test_an_interview_in_a_room_loses_nothing_by_a_kill_and_by_late_webhooks(
    tmp_path: Path,
) -> None:
    needs_livekit(client=True)
    order = Order(id=uuid4(), point="room.create", side=Side.DONE)
    late = Strike(kind=Strikes.SWAPPED, part="webhooks", at_s=0.0, for_s=15.0)
    trial = Struck(number=1, order=order, strikes=(late,), spoken=True, in_room=True)
    async with servers(rooms=True) as product:
        product.fuse.record()
        result = await pinpoint(product, trial, tmp_path)
        passed = {point for point, _ in product.fuse.passed()}
        assert product.outside is not None
        webhooks = product.outside.webhooks
        assert await unreconciled(product) == []
    assert result.violations == ()
    assert result.fired
    assert set(result.faults) == {f"room.create done {result.process}", "swapped webhooks"}
    assert passed >= POINTS
    assert webhooks.taken == webhooks.passed_on > 0
    report = report_of(
        {}, [result], [], seeds=(1,), machine=this_machine(), version="0", commit=None, took_s=1.0
    )
    assert [each.name for each in report.by_step] == [f"room{IN_ROOM}"]


# ---------------------------------------------------------------------------- the judge


@pytest.fixture(scope="module")
async def temporal() -> AsyncIterator[Client]:
    async with local_temporal() as client:
        yield client


async def ended(trial: Trial, livekit: Running) -> Evidence:
    async def none_open() -> int:
        return 0

    await trial.open(1)
    await trial.finish()
    return await trial.evidence(rooms=livekit.rooms, sockets=none_open)


async def found(evidence: Evidence) -> set[str]:
    return {each.invariant for each in await check(evidence, timedelta(seconds=0.5))}


async def test_what_ended_and_left_nothing_behind_breaks_nothing(
    trial: Trial, livekit: Running
) -> None:
    assert await check(await ended(trial, livekit)) == []


async def test_a_room_or_a_socket_that_is_left_is_found(trial: Trial, livekit: Running) -> None:
    evidence = await ended(trial, livekit)

    async def one_open() -> int:
        return 1

    assert await found(replace(evidence, sockets=one_open)) == {"I7"}
    await livekit.rooms.open(trial.interview_id)
    assert await found(evidence) == {"I7"}
    await livekit.rooms.close(trial.interview_id)
    assert await found(evidence) == set()


async def test_a_token_that_is_kept_is_found(
    trial: Trial, livekit: Running, tmp_path: Path
) -> None:
    evidence = await ended(trial, livekit)
    token = livekit.rooms.bots_pass(trial.interview_id).token
    log = tmp_path / "api.log"
    log.write_text(f"refused: {token}\n")
    assert await found(replace(evidence, traces=(log,))) == {"I12"}
    kept = "UPDATE idempotency_keys SET body = convert_to(:token, 'UTF8')"
    assert await trial.judge.database.run(text(kept), {"token": token}) > 0
    assert await found(evidence) == {"I12"}
    await trial.judge.database.run(text(kept), {"token": ""})
    named = "UPDATE candidates SET name = :token"
    assert await trial.judge.database.run(text(named), {"token": token}) > 0
    assert await found(evidence) == {"I12"}


async def test_a_fence_behind_the_next_attempt_in_the_room_is_found(trial: Trial) -> None:
    await trial.open()
    await trial.join_by_voice()
    first, second = Fence(epoch=1, attempt=1), Fence(epoch=1, attempt=2)
    await trial.judge.interviews.take_fence(trial.interview_id, first)
    assert "I5" not in await found(await trial.evidence())
    ready = BotReady(fence=second, purpose=JoinPurpose.INTERVIEW)
    await trial.api.interviews.bot_ready(trial.interview_id, ready)
    assert "I5" in await found(await trial.evidence())
    await trial.judge.interviews.take_fence(trial.interview_id, second)
    assert "I5" not in await found(await trial.evidence())
