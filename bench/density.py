"""How many conversations at once a core bears."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.figures import Figure, p95, spread
from bench.talking import ANSWERS, Waits, waits
from bench.voices import Rehearsed, ShiftedHeart
from local.product import Product
from local.stack import Stack

#: An answer with its reply and the next question takes about so long.
AN_ANSWER_S: Final = 8.0


async def measure_density(
    stack: Stack, product: Product, *, answers: int, most: int
) -> list[Figure]:
    """More and more conversations at once, until the 95th percentile of the reply has doubled.

    One run, with a worker that has a slot for each. Candidates run on the same machine and take
    their share of the cores. They begin one after the other (`together`).
    """
    voice = rehearsed()

    async def heard(count: int) -> list[float]:
        found = await together(product, voice, count, answers)
        return [wait for each in found for wait in each.heard]

    await stack.renew_conversations_worker(slots=most)
    try:
        replies = await until_risen(range(1, most + 1), 2, heard)
    finally:
        await stack.renew_conversations_worker()
    figures = [
        figure
        for count, waited in replies.items()
        for figure in spread(f"reply with {count} at once, patience off", waited)
    ]
    name = "conversations per core before p95 doubles"
    return [*figures, per_core(name, borne(replies, 2), most)]


async def until_risen(
    counts: Iterable[int], rise: float, heard: Callable[[int], Awaitable[list[float]]]
) -> dict[int, list[float]]:
    """The waits with each of `counts` conversations at once, up to the first with which their 95th
    percentile is more than `rise` times that of the first count."""
    replies: dict[int, list[float]] = {}
    for count in counts:
        replies[count] = await heard(count)
        if borne(replies, rise) != count:
            break
    return replies


def borne(replies: Mapping[int, Sequence[float]], rise: float) -> int:
    """The most conversations before the 95th percentile has risen so far."""
    counts = list(replies)
    highest = rise * p95(replies[counts[0]])
    return max(count for count in counts if p95(replies[count]) <= highest)


def per_core(name: str, count: int, most: int, *, at_least: float | None = None) -> Figure:
    """`most`: more were not tried."""
    if count == most:
        name += ", at least"
    value = round(count / (os.cpu_count() or 1), 2)
    return Figure(name=name, value=value, unit="", at_least=at_least)


def rehearsed() -> Rehearsed:
    """What all candidates say. To make it while others talk would hold them all up."""
    return Rehearsed(ShiftedHeart(), ANSWERS)


async def together(
    product: Product,
    voice: Rehearsed,
    count: int,
    answers: int,
    recordings: Path | None = None,
) -> list[Waits]:
    """So many conversations at once. They begin spread over the time of one answer, the i-th
    `i / count` of it after the first: who begins in the same instant with the same texts ends each
    answer in the same instant too, and all queue for the same models, as under no real load.
    """
    async with asyncio.TaskGroup() as calls:
        held = [
            calls.create_task(_later(delay_s, product, voice, answers, recordings))
            for delay_s in beginnings(count)
        ]
    return [call.result() for call in held]


def beginnings(count: int) -> list[float]:
    """Seconds."""
    return [AN_ANSWER_S * number / count for number in range(count)]


async def _later(
    delay_s: float, product: Product, voice: Rehearsed, answers: int, recordings: Path | None
) -> Waits:
    await asyncio.sleep(delay_s)
    return await waits(product, voice, answers=answers, patience_s=0, recordings=recordings)
