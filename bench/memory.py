"""Memory of the workers, and how many conversations a core bears."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack

import psutil

from bench.figures import Figure, median, p95, spread
from bench.interviewee import Interviewee, interviewee
from bench.talking import ANSWERS
from bench.voices import ShiftedHeart
from contracts.errors import Unavailable
from local.product import Product
from local.run import new_interview
from local.stack import INTERVIEWS, Stack

_HELD = 3  # conversations beyond the first


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
    held = [await _taken_on(stack, product) for _ in range(rounds)]
    first = median([each[0] for each in held])
    each = round(median([(each[-1] - each[0]) / _HELD for each in held]), 1)
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
        Figure(name="each further conversation", value=each, unit="MB", at_most=15, count=rounds),
    ]


async def _taken_on(stack: Stack, product: Product) -> list[float]:
    """A new worker's memory with one conversation, with two, and so on."""
    worker = await stack.renew_conversations_worker(slots=1 + _HELD)
    held = []
    async with AsyncExitStack() as lines:
        for _ in range(1 + _HELD):
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


async def measure_density(
    stack: Stack, product: Product, *, answers: int, most: int
) -> list[Figure]:
    """More and more conversations at once, until the 95th percentile of the reply has doubled.

    One run, with a worker that has a slot for each. Candidates run on the same machine and take
    their share of the cores.
    """
    await stack.renew_conversations_worker(slots=most)
    try:
        replies = await _until_doubled(product, answers, most)
    finally:
        await stack.renew_conversations_worker()
    figures = [
        figure
        for count, heard in replies.items()
        for figure in spread(f"reply with {count} at once, patience off", heard)
    ]
    alone = p95(replies[1])
    borne = [count for count, heard in replies.items() if p95(heard) <= 2 * alone]
    name = "conversations per core before p95 doubles"
    if borne[-1] == most:
        name += ", at least"
    return [*figures, Figure(name=name, value=round(borne[-1] / (os.cpu_count() or 1), 2), unit="")]


async def _until_doubled(product: Product, answers: int, most: int) -> dict[int, list[float]]:
    """The waits, by how many conversations there were at once."""
    replies: dict[int, list[float]] = {}
    for count in range(1, most + 1):
        replies[count] = await _together(product, count, answers)
        if p95(replies[count]) > 2 * p95(replies[1]):
            break
    return replies


async def _together(product: Product, count: int, answers: int) -> list[float]:
    from bench.talking import waits

    async with asyncio.TaskGroup() as calls:
        held = [
            calls.create_task(waits(product, ShiftedHeart(), answers=answers, patience_s=0))
            for _ in range(count)
        ]
    return [wait for call in held for wait in call.result().heard]
