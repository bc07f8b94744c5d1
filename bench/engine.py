"""The engine's own rate beside ours: typed interviews straight at Temporal, without HTTP.

`python -m bench.engine` alternates the product's workflow and the minimal one
(`bench.minimal_workflow`), each run on fresh servers and with a worker process of its own. Both are
driven alike: rows first, then the update, as the API does it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from pydantic import BaseModel
from sqlalchemy import text
from temporalio.client import Client

import connections
from bench.figures import Figure
from bench.minimal import MinimalClient
from bench.typed import Driver, Engine
from data_folder import make_data_dir
from db.migrate import migrate
from db.store import Store
from local.account import server_account
from local.ports import settle
from local.postgres import Postgres
from local.processes import ChildPlan, Children
from local.temporal import TemporalServer
from questions.loader import starter_bank
from settings import Settings, load
from workflows.interview_client import InterviewClient

#: Fills two cores. With many more the grader falls behind, assessments run into their second, and
#: the two sides no longer ask the same follow-ups.
AT_ONCE: Final = 8
GOAL: Final = 0.9
#: What loads, compiles and fills caches is over by then.
_WARMING_UP: Final = 20
#: The database tells its counters at most once a second.
_COUNTERS_LAG_S: Final = 1.5
_TRANSACTIONS: Final = text(
    "SELECT xact_commit, tup_inserted + tup_updated AS written"
    " FROM pg_stat_database WHERE datname = current_database()"
)


@dataclass(frozen=True)
class Side:
    """One of the two: how its worker is started and how it is spoken to."""

    name: str
    worker: Callable[[Path], Sequence[str]]  # takes the file that says it is ready
    engine: Callable[[Client], Engine]


OURS: Final = Side(
    "ours",
    lambda ready: ("worker", "--queues", "interviews,grading", "--ready-file", str(ready)),
    InterviewClient,
)
MINIMAL: Final = Side("minimal", lambda ready: ("bench.minimal", str(ready)), MinimalClient)
DEFAULT_SANDBOX: Final = Side(
    "minimal in the SDK's default sandbox",
    lambda ready: ("bench.minimal", str(ready), "--default-sandbox"),
    MinimalClient,
)


class Run(BaseModel):
    """One run's figures; those of CPU, database and history are per interview."""

    side: str
    rate: float  # interviews a second
    cpu_ms: dict[str, float]  # by process: worker, Temporal, PostgreSQL, driver
    transactions: float
    rows_written: float
    events: float
    answers: float


# ---------------------------------------------------------------------------- one run


class Processes:
    """Whose CPU time is counted: each process with its children, the ended ones included."""

    def __init__(self, pids: Mapping[str, int | None]) -> None:
        self._watched = {name: psutil.Process(pid) for name, pid in pids.items() if pid}
        self._began = self._now()

    def used_ms(self, interviews: int) -> dict[str, float]:
        """Per interview, since this was made."""
        return {
            name: round(1000 * (now - self._began[name]) / interviews, 2)
            for name, now in self._now().items()
        }

    def _now(self) -> dict[str, float]:
        return {name: _cpu_s(process) for name, process in self._watched.items()}


def _cpu_s(process: psutil.Process) -> float:
    own = process.cpu_times()
    ended = float(own.children_user + own.children_system)
    if process.pid == os.getpid():  # its children are the servers, counted beside it
        return float(own.user + own.system)
    living = sum(_cpu_s(child) for child in process.children())
    return float(own.user + own.system) + ended + living


async def measure_once(side: Side, interviews: int, at_once: int = AT_ONCE) -> Run:
    """Fresh servers, a worker, a warm-up, then `interviews` interviews against the clock."""
    with tempfile.TemporaryDirectory(prefix="codevoice-engine-") as folder:
        Path(folder).chmod(0o711)
        settings = load({**os.environ, "DATA_DIR": f"{folder}/data"})
        make_data_dir(settings.data_dir)
        async with AsyncExitStack() as stack:
            children = Children()
            stack.push_async_callback(children.stop)
            settings, pids = await _started(children, settings, side)
            store = connections.open_store(settings)
            stack.push_async_callback(store.close)
            temporal = await connections.temporal_client(settings)
            driver = Driver(side.engine(temporal), temporal, store)
            await driver.open()
            await driver.hold(range(_WARMING_UP), at_once)
            return await _measured(driver, pids, side.name, range(interviews), at_once)


async def _measured(
    driver: Driver, pids: Mapping[str, int | None], name: str, seeds: Sequence[int], at_once: int
) -> Run:
    before = await _counters(driver.store)
    processes, began = Processes(pids), time.perf_counter()
    held = await driver.hold(seeds, at_once)
    took, cpu_ms = time.perf_counter() - began, processes.used_ms(len(held))
    after = await _counters(driver.store)
    return Run(
        side=name,
        rate=round(len(held) / took, 3),
        cpu_ms=cpu_ms,
        transactions=round((after[0] - before[0]) / len(held), 1),
        rows_written=round((after[1] - before[1]) / len(held), 1),
        events=round(await driver.events(held[:20]), 1),
        answers=round(await driver.answers(held), 2),
    )


async def _counters(store: Store) -> tuple[int, int]:
    """Transactions committed and rows written so far."""
    await asyncio.sleep(_COUNTERS_LAG_S)
    row = await store.database.row(_TRANSACTIONS)
    assert row is not None
    return int(row["xact_commit"]), int(row["written"])


async def _started(
    children: Children, settings: Settings, side: Side
) -> tuple[Settings, dict[str, int | None]]:
    """The servers and the worker; the settings that name them, and their pids."""
    folder = settings.data_dir
    postgres = Postgres(folder / "postgres", server_account())
    await asyncio.to_thread(postgres.prepare)
    temporal = TemporalServer(
        folder / "temporal",
        settings.temporal_namespace,
        settle("TEMPORAL_PORT", "127.0.0.1", 7300, configured=False),
        settle("TEMPORAL_UI_PORT", "127.0.0.1", 8300, configured=False),
    )
    servers = [postgres.plan(folder / "postgres.log"), temporal.plan(folder / "temporal.log")]
    await children.start_together(servers)
    await postgres.make_database()
    known = {"DATABASE_URL": postgres.url(), "TEMPORAL_ADDRESS": temporal.address}
    settings = settings.with_values(known)
    await _fill(settings)
    plan = _worker(folder, {**known, "DATA_DIR": str(folder)}, side)
    worker = await children.start(plan)
    return settings, {
        "worker": worker.pid,
        "Temporal": children.named("Temporal").pid,
        "PostgreSQL": children.named("PostgreSQL").pid,
        "driver": os.getpid(),
    }


async def _fill(settings: Settings) -> None:
    await asyncio.to_thread(migrate, connections.database_url(settings))
    store = connections.open_store(settings)
    try:
        await store.questions.load(await asyncio.to_thread(starter_bank))
    finally:
        await store.close()


def _worker(folder: Path, environment: Mapping[str, str], side: Side) -> ChildPlan:
    ready = folder / "worker.ready"

    async def polls() -> bool:
        return ready.exists()

    return ChildPlan(
        name="worker",
        argv=[sys.executable, "-m", *side.worker(ready)],
        log=folder / "worker.log",
        environment={**environment, "LOG_LEVEL": "WARNING"},
        folder=Path.cwd(),
        ready=polls,
        ready_within_s=120,
    )


# ---------------------------------------------------------------------------- pairs


async def alternating(
    sides: Sequence[Side], *, pairs: int, interviews: int, told: Callable[[Run], None]
) -> list[list[Run]]:
    """Round after round one run of each side, the first and the last by turns. Rows by side."""
    done: list[list[Run]] = [[] for _ in sides]
    for number in range(pairs):
        order = list(enumerate(sides))
        for place, side in order if number % 2 == 0 else reversed(order):
            run = await measure_once(side, interviews)
            done[place].append(run)
            told(run)
    return done


async def measure_engine(
    *, pairs: int, interviews: int, told: Callable[[Run], None] = lambda run: None
) -> list[Figure]:
    """Ours and the minimal one, with what each costs; the ratio is the median over the pairs."""
    ours, minimal = await alternating(
        (OURS, MINIMAL), pairs=pairs, interviews=interviews, told=told
    )
    return figures_of(ours, minimal)


def figures_of(ours: Sequence[Run], minimal: Sequence[Run]) -> list[Figure]:
    """Of runs that were paired in this order."""
    return [*_rates(ours, minimal), *_costs(ours), *_costs(minimal)]


def _rates(ours: Sequence[Run], minimal: Sequence[Run]) -> list[Figure]:
    ratios = [one.rate / other.rate for one, other in zip(ours, minimal, strict=True)]
    name = "interviews/s to the minimal workflow's"
    count = len(ratios)
    return [
        *(
            _figure(f"typed interviews, {each[0].side}", [run.rate for run in each], "/s")
            for each in (ours, minimal)
        ),
        Figure(
            name=f"{name}, median",
            value=round(statistics.median(ratios), 3),
            unit="x",
            at_least=GOAL,
            count=count,
        ),
        Figure(name=f"{name}, lowest pair", value=round(min(ratios), 3), unit="x", count=count),
        Figure(name=f"{name}, highest pair", value=round(max(ratios), 3), unit="x", count=count),
    ]


def _costs(each: Sequence[Run]) -> list[Figure]:
    side = each[0].side
    total = [sum(run.cpu_ms.values()) for run in each]
    return [
        _figure(f"CPU an interview, {side}", total, "ms"),
        *(
            _figure(f"CPU an interview, {side}: {name}", [r.cpu_ms[name] for r in each], "ms")
            for name in each[0].cpu_ms
        ),
        _figure(f"answers an interview, {side}", [run.answers for run in each], ""),
        _figure(f"events an interview, {side}", [run.events for run in each], ""),
        _figure(f"transactions an interview, {side}", [run.transactions for run in each], ""),
        _figure(f"rows written an interview, {side}", [run.rows_written for run in each], ""),
    ]


def _figure(name: str, values: Sequence[float], unit: str) -> Figure:
    value = round(statistics.median(values), 2)
    return Figure(name=name, value=value, unit=unit, count=len(values))


SIDES: Final = {"ours": OURS, "minimal": MINIMAL, "default": DEFAULT_SANDBOX}


async def _run(sides: Sequence[Side], pairs: int, interviews: int) -> None:
    def told(run: Run) -> None:
        cpu = ", ".join(f"{name} {value:.1f}" for name, value in run.cpu_ms.items())
        print(
            f"{run.side}: {run.rate:.2f}/s; CPU ms {sum(run.cpu_ms.values()):.0f}: {cpu}; "
            f"{run.answers} answers, {run.events} events, "
            f"{run.transactions} transactions, {run.rows_written} rows",
            flush=True,
        )

    first, *others = await alternating(sides, pairs=pairs, interviews=interviews, told=told)
    for other in others:
        ratios = [one.rate / its.rate for one, its in zip(first, other, strict=True)]
        cpus = [
            sum(its.cpu_ms.values()) / sum(one.cpu_ms.values())
            for one, its in zip(first, other, strict=True)
        ]
        print(
            f"{first[0].side} to {other[0].side}: rate {statistics.median(ratios):.3f} "
            f"[{min(ratios):.3f} to {max(ratios):.3f}], CPU {statistics.median(cpus):.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Our rate beside a minimal workflow's.")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--interviews", type=int, default=200, help="in each run")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=["ours", "minimal"])
    asked = parser.parse_args()
    asyncio.run(_run([SIDES[name] for name in asked.sides], asked.pairs, asked.interviews))


if __name__ == "__main__":
    main()
