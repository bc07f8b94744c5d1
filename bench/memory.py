"""Memory of the workers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import psutil

from bench.figures import Figure, median
from bench.interviewee import Interviewee, interviewee
from bench.talking import ANSWERS
from bench.voices import ShiftedHeart
from contracts.errors import Unavailable
from local.processes import Child
from local.product import Product
from local.run import new_interview
from local.stack import INTERVIEWS, Stack

HELD = 3  # conversations beyond the first


def resident_mb(pid: int | None) -> float:
    """Resident memory of a process with its children, in MB of 10^6 bytes.

    Raises Unavailable when it has died: a dead process would meet every goal.
    """
    try:
        if pid is None:
            raise psutil.NoSuchProcess(0)
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return round(float(sum(each.memory_info().rss for each in family)) / 1e6, 1)
    except psutil.NoSuchProcess:
        raise Unavailable("the worker died while its memory was measured") from None


async def measure_memory(stack: Stack, product: Product, *, rounds: int) -> list[Figure]:
    """The grading worker after its interviews, the conversations worker as it takes on more.

    Medians over conversations workers that were each started for their round.
    """
    held = [
        await taken_on(product, await stack.renew_conversations_worker(slots=1 + HELD))
        for _ in range(rounds)
    ]
    first = median([each[0] for each in held])
    grading = resident_mb(stack.children.named(INTERVIEWS).pid)
    return [
        Figure(name="interviews and grading worker", value=grading, unit="MB", at_most=450),
        Figure(
            name="conversations worker, one call",
            value=first,
            unit="MB",
            at_most=450,
            count=rounds,
        ),
        further("each further conversation", held),
    ]


def further(name: str, held: Sequence[Sequence[float]]) -> Figure:
    """What each conversation beyond the first takes, of what was found by `taken_on`."""
    each = round(median([(one[-1] - one[0]) / (len(one) - 1) for one in held]), 1)
    return Figure(name=name, value=each, unit="MB", at_most=15, count=len(held))


async def taken_on(product: Product, worker: Child) -> list[float]:
    """A new worker's memory with one conversation, with two, and so on to `1 + HELD`: it must have
    slots for them."""
    held = []
    async with AsyncExitStack() as lines:
        for _ in range(1 + HELD):
            await _talk(product, lines)
            held.append(resident_mb(worker.pid))
    return held


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
