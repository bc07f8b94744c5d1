"""More candidates than a worker has slots for: they are told so, and the others notice nothing."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from bench.candidate import SimulatedCandidate
from bench.figures import Figure, p95, spread
from bench.interviewee import Interviewee, interviewee
from bench.talking import ANSWERS, answer_all, end
from bench.visitor import Refused, Visitor
from bench.voices import ShiftedHeart
from contracts.errors import NoCapacity
from local.product import Product
from local.run import new_interview
from local.stack import Stack

#: One a core stays below what makes the reply wait twice as long (`density`); the candidates, in
#: one process, take their share too.
_MOST: Final = 4
_BEYOND: Final = 1.5
_SEED: Final = 1
_RESAMPLES: Final = 4_000


@dataclass
class TurnedAway:
    """What one candidate beyond the capacity met."""

    refusals: list[Refused] = field(default_factory=list)
    admitted: int = 0
    told: bool = False  # its status says that every interviewer is busy
    typed: bool = False  # an answer in writing was taken, with no slot free

    @property
    def politely(self) -> bool:
        """Each time as documented: 503, `no-capacity`, and when to try again."""
        said = {(each.http_status, each.problem, each.wait_s > 0) for each in self.refusals}
        return said == {(NoCapacity.status, NoCapacity.kind, True)}


async def measure_load(
    stack: Stack, product: Product, *, rounds: int, answers: int
) -> list[Figure]:
    """By turns as many as there are slots, and half as many more; `answers` of each in a round."""
    capacity = min(_MOST, max(2, os.cpu_count() or 1))
    beyond = math.ceil(_BEYOND * capacity) - capacity
    full: list[float] = []
    crowded: list[float] = []
    away: list[TurnedAway] = []
    await stack.renew_conversations_worker(slots=capacity)
    try:
        for _ in range(rounds):
            full += (await _round(product, capacity, 0, answers))[0]
            heard, turned_away = await _round(product, capacity, beyond, answers)
            crowded += heard
            away += turned_away
    finally:
        await stack.renew_conversations_worker()
    return figures_of(capacity, beyond, full, crowded, away)


def figures_of(
    capacity: int,
    beyond: int,
    full: Sequence[float],
    crowded: Sequence[float],
    away: Sequence[TurnedAway],
) -> list[Figure]:
    what = f"reply with {capacity} of {capacity} slots taken"
    return [
        *spread(what, full),
        *spread(f"{what} and {beyond} more invited", crowded),
        _ratio(full, crowded),
        *_refused(away),
    ]


def _refused(away: Sequence[TurnedAway]) -> list[Figure]:
    count = len(away)
    tries = sum(len(each.refusals) for each in away)
    shares = {
        "refused as documented": [each.politely for each in away],
        "told so in their status": [each.told for each in away],
        "who then typed an answer": [each.typed for each in away],
    }
    return [
        Figure(name="invited beyond capacity: joins refused", value=tries, unit="", count=count),
        Figure(
            name="invited beyond capacity: joins admitted",
            value=sum(each.admitted for each in away),
            unit="",
            at_most=0,
            count=count,
        ),
        *(
            Figure(
                name=f"invited beyond capacity: {what}",
                value=round(sum(each) / count, 2),
                unit="",
                at_least=1,
                count=count,
            )
            for what, each in shares.items()
        ),
    ]


def _ratio(full: Sequence[float], crowded: Sequence[float]) -> Figure:
    """The interval resamples both, answer by answer."""
    chance = np.random.default_rng(_SEED)
    ratios = [
        p95(chance.choice(crowded, len(crowded)).tolist())
        / p95(chance.choice(full, len(full)).tolist())
        for _ in range(_RESAMPLES)
    ]
    low, high = np.percentile(ratios, (2.5, 97.5))
    return Figure(
        name="reply p95 at 150 % of capacity to that at 100 %",
        value=round(p95(crowded) / p95(full), 3),
        unit="x",
        at_most=1.1,
        count=len(crowded),
        low=round(float(low), 3),
        high=round(float(high), 3),
    )


async def _round(
    product: Product, capacity: int, beyond: int, answers: int
) -> tuple[list[float], list[TurnedAway]]:
    """The waits of those who talk; whoever comes beyond them comes when they are all there."""
    voice = ShiftedHeart()
    async with AsyncExitStack() as lines, asyncio.TaskGroup() as tasks:
        people = [await _joined(product, voice, lines) for _ in range(capacity)]
        talked = asyncio.Event()
        others = [tasks.create_task(_turned_away(product, voice, talked)) for _ in range(beyond)]
        talks = [tasks.create_task(answer_all(each, answers)) for each in people]
        await asyncio.wait(talks)
        talked.set()
        away = await asyncio.gather(*others)
    return [wait for talk in talks for wait in talk.result()], away


async def _joined(product: Product, voice: ShiftedHeart, lines: AsyncExitStack) -> Interviewee:
    made = await new_interview(product, question_count=10, duration_minutes=60, patience_s=0)
    lines.push_async_callback(end, product, made["id"])
    return await lines.enter_async_context(interviewee(made["join_url"], voice))


async def _turned_away(product: Product, voice: ShiftedHeart, talked: asyncio.Event) -> TurnedAway:
    """Offers again and again, as the page does, until the others have talked; types then."""
    met = TurnedAway()
    made = await new_interview(product, question_count=2, duration_minutes=60)
    visitor = await Visitor.open(made["join_url"])

    async def signal(sdp: str) -> str:
        try:
            answer = await visitor.join(sdp)
        except Refused as refusal:
            met.refusals.append(refusal)
            met.told = met.told or bool((await visitor.status())["no_capacity"])
            raise
        met.admitted += 1
        return answer

    candidate = SimulatedCandidate(signal, voice)
    try:
        await visitor.agree()
        trying = asyncio.create_task(candidate.join(within_s=3600))
        await talked.wait()
        trying.cancel()
        await asyncio.wait([trying])
        await candidate.leave()
        met.typed = await _types(visitor)
    finally:
        await candidate.leave()
        await visitor.close()
        await end(product, made["id"])
    return met


async def _types(visitor: Visitor) -> bool:
    await visitor.post("join", {"purpose": "typing"})
    question = await visitor.open_question()
    assert question is not None
    await visitor.post("answers", {**question, "text": ANSWERS[0]})
    try:
        await visitor.answer_taken()
    except TimeoutError:
        return False
    return True
