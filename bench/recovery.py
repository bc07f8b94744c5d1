"""Death: from `kill -9` of the worker, or a dropped line, to the interviewer's voice again."""

from __future__ import annotations

import asyncio
import os
import signal
import time

from bench.figures import Figure, median, p95
from bench.interviewee import interviewee
from bench.voices import ShiftedHeart
from local.product import Product
from local.run import new_interview
from local.spare import extra_worker, holder_of


async def measure_recovery(product: Product, *, rounds: int) -> list[Figure]:
    """With a second conversations worker standing by."""
    async with extra_worker():
        killed = [await _after_kill(product) for _ in range(rounds)]
    offers = [await _after_drop(product) for _ in range(rounds)]
    return [
        Figure(
            name="kill -9 of the worker to the voice again, p50",
            value=median(killed),
            unit="s",
            at_most=4.0,
            count=rounds,
        ),
        Figure(
            name="kill -9 of the worker to the voice again, p95",
            value=p95(killed),
            unit="s",
            at_most=6.0,
            count=rounds,
        ),
        Figure(
            name="new offer after a dropped connection to its answer, p50",
            value=median(offers),
            unit="s",
            at_most=1.0,
            count=rounds,
        ),
    ]


async def _after_kill(product: Product) -> float:
    made = await new_interview(product, question_count=2)
    async with interviewee(made["join_url"], ShiftedHeart()) as person:
        await person.next_prompt()
        os.kill(await holder_of(made["id"]), signal.SIGKILL)
        killed_at = time.monotonic()
        heard_at = await person.voice_again(killed_at + 0.3)
    await asyncio.to_thread(product.call, "POST", f"/interviews/{made['id']}/cancel")
    return heard_at - killed_at


async def _after_drop(product: Product) -> float:
    """How long the offer that follows takes to be answered; the page offers when it notices."""
    made = await new_interview(product, question_count=2)
    async with interviewee(made["join_url"], ShiftedHeart()) as person:
        await person.next_prompt()
        lines = len(person.candidate.lines)
        person.candidate.cut_line()
        async with asyncio.timeout(30):
            while not any(line.answered_at for line in person.candidate.lines[lines:]):
                await asyncio.sleep(0.02)
        line = next(line for line in person.candidate.lines[lines:] if line.answered_at)
    await asyncio.to_thread(product.call, "POST", f"/interviews/{made['id']}/cancel")
    return (line.answered_at or 0.0) - line.offered_at
