"""The report: seconds from the last word, here the last typed one, to its first version."""

from __future__ import annotations

import asyncio
import time

from bench.figures import Figure, p95
from bench.visitor import Visitor
from local.product import Product
from local.run import new_interview

WORDS = "I would measure first, then change the slowest part, and measure again. "


async def measure_report(product: Product, *, rounds: int) -> list[Figure]:
    """Interviews of one question, finished by hand."""
    took = [await _until_report(product) for _ in range(rounds)]
    return [
        Figure(name="report after the last word, p95", value=p95(took), unit="s", at_most=10,
               count=rounds)
    ]  # fmt: skip


async def _until_report(product: Product) -> float:
    made = await new_interview(product, question_count=1)
    visitor = await Visitor.open(made["join_url"])
    try:
        await visitor.agree()
        await visitor.post("join", {"purpose": "typing"})
        await visitor.post("answers", {**(await visitor.open_question() or {}), "text": WORDS})
        await visitor.post("finish")
        ended_at = time.monotonic()
        async with asyncio.timeout(60):
            while (await visitor.status())["report_version"] == 0:
                await asyncio.sleep(0.05)
        return time.monotonic() - ended_at
    finally:
        await visitor.close()
