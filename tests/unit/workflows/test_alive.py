"""An activity says that its process lives, at the pace of its own heartbeat timeout."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from temporalio.testing import ActivityEnvironment

from activities.alive import alive
from tests.waiting import eventually


def listening(timeout: timedelta | None) -> tuple[ActivityEnvironment, list[object]]:
    environment, beats = ActivityEnvironment(), list[object]()
    environment.info = replace(environment.info, heartbeat_timeout=timeout)
    environment.on_heartbeat = lambda *details: beats.append(details)
    return environment, beats


async def test_it_beats_while_the_work_goes_on_and_no_longer() -> None:
    environment, beats = listening(timedelta(seconds=0.06))

    async def work() -> None:
        async with alive():
            await eventually(lambda: len(beats) > 2, within_s=5)

    others = asyncio.all_tasks()
    await environment.run(work)
    assert asyncio.all_tasks() <= others


async def test_quick_work_and_work_without_a_timeout_cost_no_call() -> None:
    for timeout in (timedelta(seconds=30), None):
        environment, beats = listening(timeout)

        async def work() -> str:
            async with alive():
                return "done"

        assert await environment.run(work) == "done"
        assert beats == []
