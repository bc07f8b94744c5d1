"""How many conversations at once a core bears."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from bench.engine import Processes
from bench.figures import Figure, p95, spread
from bench.memory import HELD, further, taken_on
from bench.stand_ins import stand_ins
from bench.talking import ANSWERS, Waits, waits
from bench.voices import Rehearsed, ShiftedHeart
from local.processes import Child
from local.product import Product
from local.stack import CONVERSATIONS, Stack

#: An answer with its reply and the next question takes about so long.
AN_ANSWER_S: Final = 8.0
#: With providers outside the process: how far the 95th percentile may rise, and the issue's goal.
_RISE: Final = 1.5
_GOAL_PER_CORE: Final = 8
#: The first level is what the others are held against: it has so many times their answers.
_ALONE: Final = 3


class Held(NamedTuple):
    """One conversation: what it waited, and how long it lasted, from invitation to end."""

    waits: Waits
    lasted_s: float


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
        return [wait for each in found for wait in each.waits.heard]

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


async def measure_providers_density(
    stack: Stack, product: Product, *, answers: int, most: int, rounds: int
) -> list[Figure]:
    """The same with Deepgram and the language model outside the process (`bench.stand_ins`), until
    the 95th percentile at the bot's edge has risen by half; and what a conversation takes.

    Candidates, stand-ins and servers run on the same cores, and the end may be theirs: what one
    conversation costs the worker says how many a core of its own could hold.
    """
    voice = rehearsed()
    recordings = Path(stack.settings.recordings_url)
    shares: dict[int, dict[str, float]] = {}
    async with stand_ins() as providers:

        async def renewed(slots: int) -> Child:
            settings = {**providers.settings, "CONVERSATION_SLOTS": str(slots)}
            return await stack.renew_worker(CONVERSATIONS, settings)

        try:
            memory = [await taken_on(product, await renewed(1 + HELD)) for _ in range(rounds)]
            worker = await renewed(most)

            async def heard(count: int) -> list[float]:
                pids = {"worker": worker.pid, "candidate": os.getpid(), "stand-ins": providers.pid}
                cpu = Processes(pids)
                each = max(answers, _ALONE * answers // count)
                found = await together(product, voice, count, each, recordings)
                shares[count] = share_of_core(cpu.used_ms(1), found)
                return [wait for one in found for wait in one.waits.at_edge]

            replies = await until_risen(levels(most), _RISE, heard)
        finally:
            await stack.renew_conversations_worker()
    beyond = further("each further conversation, providers outside", memory)
    return [beyond, *providers_figures(replies, shares, most)]


def levels(most: int) -> list[int]:
    """How many at once: one, then by twos."""
    return [1, *range(2, most + 1, 2)]


def share_of_core(used_ms: Mapping[str, float], held: Sequence[Held]) -> dict[str, float]:
    """Percent of a core that each process used for one conversation while it lasted."""
    lasted_ms = 1000 * sum(each.lasted_s for each in held)
    return {name: round(100 * used / lasted_ms, 2) for name, used in used_ms.items()}


def providers_figures(
    replies: Mapping[int, Sequence[float]], shares: Mapping[int, Mapping[str, float]], most: int
) -> list[Figure]:
    """The shares are those at the most that are borne."""
    count = borne(replies, _RISE)
    name = "conversations per core, providers outside, before p95 rises by half"
    return [
        *(
            figure
            for at_once, waited in replies.items()
            for figure in spread(f"reply with {at_once} at once, providers outside", waited)
        ),
        per_core(name, count, most, at_least=_GOAL_PER_CORE),
        *(
            Figure(
                name=f"{who} CPU a conversation, {count} at once, providers outside",
                value=share,
                unit="% of a core",
                count=count,
            )
            for who, share in shares[count].items()
        ),
    ]


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
) -> list[Held]:
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
) -> Held:
    await asyncio.sleep(delay_s)
    began = time.monotonic()
    found = await waits(product, voice, answers=answers, patience_s=0, recordings=recordings)
    return Held(found, time.monotonic() - began)
