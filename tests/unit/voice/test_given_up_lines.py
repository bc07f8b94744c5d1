"""Lines that are given up at every moment leave no task, socket or file behind."""

from __future__ import annotations

import asyncio
import gc
import os
import random

import psutil

from tests.unit.voice.test_direct_line import Page
from tests.waiting import eventually
from voice.webrtc import DirectLine, stop_media

#: 500 by command: CANCELLED_JOINS=500.
JOINS = int(os.environ.get("CANCELLED_JOINS", "30"))
#: From before the offer is read to after the line is up.
LATEST_S = 0.12
#: What the allocator keeps of the first ones, and 50 kB for both ends of each.
MOST_LEFT_MB = 10.0 + 0.05 * JOINS


async def _give_up(after_s: float) -> None:
    page, line = Page(), DirectLine()
    offer = await page.offer()

    answering = asyncio.create_task(line.answer(offer))
    await asyncio.wait([answering], timeout=after_s)
    if answering.done():
        await page.take(answering.result())
        coming_up = asyncio.create_task(page.is_up())
        await asyncio.wait([coming_up], timeout=after_s)
        coming_up.cancel()
    answering.cancel()
    await line.close()
    await page.connection.close()
    await stop_media(page.connection)


def _memory_mb() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 1e6


async def test_given_up_lines_leave_nothing_behind() -> None:
    chance = random.Random(6)
    for part in range(5):
        await _give_up(LATEST_S * part / 4)
    tasks, files, before_mb = len(asyncio.all_tasks()), psutil.Process().num_fds(), _memory_mb()
    for _ in range(JOINS):
        await _give_up(chance.uniform(0.0, LATEST_S))
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks)
    await eventually(lambda: psutil.Process().num_fds() <= files)
    assert _memory_mb() - before_mb < MOST_LEFT_MB
