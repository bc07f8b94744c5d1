"""The report: seconds from the last spoken word to its first version."""

from __future__ import annotations

import asyncio
import time

from bench.figures import Figure, median, p95
from bench.interviewee import Interviewee, interviewee
from bench.talking import ANSWERS
from bench.voices import ShiftedHeart
from local.product import Product
from local.run import new_interview


async def measure_report(product: Product, *, rounds: int) -> list[Figure]:
    """Spoken interviews of one question, which end when nothing is left to ask."""
    took = [await _until_report(product) for _ in range(rounds)]
    name = "report after the last spoken word"
    return [
        Figure(name=f"{name}, p50", value=median(took), unit="s", count=rounds),
        Figure(name=f"{name}, p95", value=p95(took), unit="s", at_most=10, count=rounds),
    ]


async def _until_report(product: Product) -> float:
    made = await new_interview(product, question_count=1, patience_s=0)
    said = 0
    last_word_at = 0.0
    async with interviewee(made["join_url"], ShiftedHeart()) as person:
        reported = asyncio.create_task(_reported_at(person))
        try:
            while await person.next_prompt() is not None:
                answer = await person.candidate.say(ANSWERS[said % len(ANSWERS)])
                said, last_word_at = said + 1, answer.ended_at
            async with asyncio.timeout(60):
                return await reported - last_word_at
        finally:
            reported.cancel()


async def _reported_at(person: Interviewee) -> float:
    """The moment (monotonic) at which the status first names a version of the report."""
    while (await person.status())["report_version"] == 0:
        await asyncio.sleep(0.05)
    return time.monotonic()
