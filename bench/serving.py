"""HTTP: a typed answer and a status poll, side by side with the bare engine in one run."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import httpx

import connections
from bench.bare_workflow import QUEUE, Bare
from bench.figures import Figure
from bench.visitor import Visitor
from local.ports import settle
from local.processes import Child, ChildPlan
from local.product import Product
from local.run import new_interview
from settings import Settings

WORDS = "I would put an index on the column, because the query filters by it. " * 4


async def measure_serving(product: Product, settings: Settings, *, rounds: int) -> list[Figure]:
    """Alternates ours and the bare one, `rounds` times each, one call at a time."""
    async with _bare(settings) as bare:
        ours, theirs = await _answers(product, settings, bare, rounds)
        polls, selects = await _polls(product, settings, bare, rounds * 5)
    return [
        _milliseconds("POST answers", ours),
        _milliseconds("bare update and one insert, over HTTP", theirs),
        _ratio("POST answers to the bare one", ours, theirs, at_most=2.0),
        _milliseconds("status poll", polls),
        _milliseconds("endpoint with one primary-key SELECT", selects),
        _ratio("status poll to the bare one", polls, selects, at_most=1.5),
    ]


async def _answers(
    product: Product, settings: Settings, bare: httpx.AsyncClient, rounds: int
) -> tuple[list[float], list[float]]:
    ours: list[float] = []
    theirs: list[float] = []
    async with _bare_workflow(settings) as workflow_id:
        while len(ours) < rounds:
            visitor = await _typing(product)
            while (question := await visitor.open_question()) is not None:
                answer = visitor.post("answers", {**question, "text": WORDS})
                ours.append(await _timed(answer))
                url = f"/bare/{workflow_id}/{uuid4()}"
                theirs.append(await _timed(bare.post(url, json={"text": WORDS})))
            await visitor.close()
    return ours, theirs


async def _typing(product: Product) -> Visitor:
    made = await new_interview(product, question_count=10, duration_minutes=60)
    visitor = await Visitor.open(made["join_url"])
    await visitor.agree()
    await visitor.post("join", {"purpose": "typing"})
    return visitor


async def _polls(
    product: Product, settings: Settings, bare: httpx.AsyncClient, rounds: int
) -> tuple[list[float], list[float]]:
    """Full replies on both sides: no If-None-Match."""
    made = await new_interview(product, question_count=4)
    row = str(uuid4())
    async with _bare_workflow(settings) as workflow_id:
        await bare.post(f"/bare/{workflow_id}/{row}", json={"text": WORDS})
    headers = {"Authorization": f"Bearer {product.api_key}"}
    ours: list[float] = []
    theirs: list[float] = []
    async with httpx.AsyncClient(base_url=product.url, headers=headers, trust_env=False) as api:
        for _ in range(rounds):
            ours.append(await _timed(api.get(f"/api/v1/interviews/{made['id']}")))
            theirs.append(await _timed(bare.get(f"/bare/{row}")))
    return ours, theirs


@asynccontextmanager
async def _bare_workflow(settings: Settings) -> AsyncIterator[str]:
    client = await connections.temporal_client(settings)
    workflow_id = f"bare-{uuid4()}"
    await client.start_workflow(Bare.run, id=workflow_id, task_queue=QUEUE)
    yield workflow_id
    await client.get_workflow_handle(workflow_id).signal(Bare.end)


async def _timed(call: Awaitable[object]) -> float:
    began = time.perf_counter()
    reply = await call
    took = time.perf_counter() - began
    if isinstance(reply, httpx.Response):
        reply.raise_for_status()
    return took


@asynccontextmanager
async def _bare(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    port = settle("--port", "127.0.0.1", 8700, configured=False)
    url = f"http://127.0.0.1:{port}"
    address = settings.temporal_address or ""
    argv = [
        sys.executable, "-m", "bench.bare",
        connections.database_url(settings), address, str(port),
    ]  # fmt: skip

    async def answers() -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False) as http:
                return (await http.get(f"{url}/openapi.json")).is_success
        except httpx.TransportError:
            return False

    log = settings.data_dir / "logs" / "bare.log"
    child = Child(ChildPlan(name="bare", argv=argv, log=log, folder=Path.cwd(), ready=answers))
    await child.start()
    try:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            yield http
    finally:
        await child.stop()


def _milliseconds(name: str, seconds: list[float]) -> Figure:
    value = round(1000 * statistics.median(seconds), 2)
    return Figure(name=f"{name}, p50", value=value, unit="ms", count=len(seconds))


def _ratio(name: str, ours: list[float], theirs: list[float], *, at_most: float) -> Figure:
    value = round(statistics.median(ours) / statistics.median(theirs), 2)
    return Figure(name=name, value=value, unit="x", at_most=at_most, count=len(ours))
