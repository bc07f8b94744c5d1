"""Memory of the workers, and how many conversations a core bears."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack

import psutil

from bench.figures import Figure, p95, spread
from bench.interviewee import Interviewee, interviewee
from bench.talking import ANSWERS
from bench.voices import ShiftedHeart
from local.product import Product
from local.run import new_interview
from local.stack import CONVERSATIONS, INTERVIEWS, Stack

_HELD = 3  # conversations beyond the first


def resident_mb(pid: int | None) -> float:
    """Resident memory of a process with its children, in MB of 2^20 bytes; 0 when it is gone."""
    if pid is None:
        return 0.0
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return round(float(sum(each.memory_info().rss for each in family)) / 2**20, 1)


async def measure_memory(stack: Stack, product: Product) -> list[Figure]:
    """The grading worker after its interviews, the conversations worker as it takes on more."""
    figures = [
        Figure(
            name="interviews and grading worker",
            value=resident_mb(stack.children.named(INTERVIEWS).pid),
            unit="MB",
            at_most=450,
        )
    ]
    worker = stack.children.named(CONVERSATIONS)
    async with AsyncExitStack() as lines:
        held = []
        for _ in range(1 + _HELD):
            await _talk(product, lines)
            held.append(resident_mb(worker.pid))
    each = round((held[-1] - held[0]) / _HELD, 1)
    return [
        *figures,
        Figure(name="conversations worker, one call", value=held[0], unit="MB", at_most=450),
        Figure(name="each further conversation", value=each, unit="MB", at_most=15, count=_HELD),
    ]


async def _talk(product: Product, lines: AsyncExitStack) -> Interviewee:
    """One more conversation, past its first answer, so that everything it uses is loaded."""
    made = await new_interview(product, question_count=4, duration_minutes=60)
    person = await lines.enter_async_context(interviewee(made["join_url"], ShiftedHeart()))
    lines.push_async_callback(
        asyncio.to_thread, product.call, "POST", f"/interviews/{made['id']}/cancel"
    )
    await person.next_prompt()
    await person.candidate.ask(ANSWERS[0])
    return person


async def measure_density(product: Product, *, answers: int, most: int) -> list[Figure]:
    """More and more conversations at once, until the 95th percentile of the reply has doubled.

    Candidates run on the same machine and take their share of the cores.
    """
    figures: list[Figure] = []
    alone = None
    for count in range(1, most + 1):
        heard = await _together(product, count, answers)
        figures += spread(f"reply with {count} at once, patience off", heard)
        alone = alone or p95(heard)
        if p95(heard) > 2 * alone:
            break
        borne = count
    cores = os.cpu_count() or 1
    return [
        *figures,
        Figure(
            name="conversations per core before p95 doubles",
            value=round(borne / cores, 2),
            unit="",
            count=borne,
        ),
    ]


async def _together(product: Product, count: int, answers: int) -> list[float]:
    from bench.talking import waits

    found = await asyncio.gather(
        *(waits(product, ShiftedHeart(), answers=answers, patience_s=0) for _ in range(count))
    )
    return [wait for heard, _ in found for wait in heard]
