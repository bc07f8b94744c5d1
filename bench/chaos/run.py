"""`codevoice chaos`: records the points, kills at each, holds a storm, writes the report."""

from __future__ import annotations

import asyncio
import random
import secrets
import signal
import subprocess
import time
from collections import deque
from pathlib import Path
from typing import Final

from rich.console import Console

import connections
from bench.chaos.report import IN_ROOM, SPOKEN, Report, report_of, write
from bench.chaos.servers import servers
from bench.chaos.storm import Storm, StormResult
from bench.chaos.trials import (
    Result,
    Trial,
    again,
    attempted,
    plan,
    plan_spoken,
    recorded,
    unreconciled,
)
from bench.figures import this_machine
from local.livekit import livekit_program

#: What the armed point has not met the first time is tried so often in all.
_TRIES: Final = 3


async def run_chaos(
    talk: Console,
    *,
    minutes: float,
    per_side: int = 3,
    lanes: int = 2,
    voice: int = 0,
    rooms: int = 0,
    storm_minutes: float = 0.0,
    at_once: int = 50,
    seed: int | None = None,
    folder: Path = Path("chaos-report"),
) -> Report:
    """`minutes` bounds the pinpoint trials, but for the first round, which goes to every point once
    however long it takes; with none there is not even that. Each lane is a product of its own. Then
    come so many spoken interviews as `voice` says, as many as `rooms` says in LiveKit's rooms, and
    the storm. The report goes to `folder`, with the candidates' ledgers beside it. SIGTERM takes
    back what was started and mounted, as Ctrl-C does. Raises SettingError for rooms where LiveKit's
    server is not built.
    """
    if rooms:
        livekit_program()
    if this := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    began, seed = time.monotonic(), secrets.randbelow(2**31) if seed is None else seed
    chance, machine = random.Random(seed), this_machine()
    ledgers = folder / "ledgers"
    points: dict[str, int] = {}
    results: list[Result] = []
    left: list[str] = []
    (ledgers.parent / "trials.jsonl").unlink(missing_ok=True)
    if minutes:
        points, results, left = await _pinpoint(
            talk, chance, ledgers, ends_at=began + 60 * minutes, per_side=per_side, lanes=lanes
        )
    for count, in_room in ((voice, False), (rooms, True)):
        if count:
            told = await _spoken(talk, chance, ledgers, count, in_room=in_room)
            points, results, left = points | told[0], results + told[1], left + told[2]
    storms = []
    if storm_minutes:
        talk.print(f"storm: {at_once} at once for {storm_minutes:g} minutes", highlight=False)
        storms.append(await _storm(chance, ledgers, storm_minutes, at_once))
    report = report_of(
        points, results, storms, left, seeds=(seed,), machine=machine,
        version=connections.version(), commit=_commit(), took_s=round(time.monotonic() - began, 1),
    )  # fmt: skip
    for path in write(report, folder):
        talk.print(f"written: {path}", highlight=False)
    _say(talk, report)
    return report


async def _pinpoint(
    talk: Console,
    chance: random.Random,
    ledgers: Path,
    *,
    ends_at: float,
    per_side: int,
    lanes: int,
) -> tuple[dict[str, int], list[Result], list[str]]:
    """The points, what came of each trial, and what the reconciler could not heal at the end."""
    async with servers() as product:
        points = await recorded(product, ledgers)
    talk.print(f"{len(points)} points", highlight=False)
    waiting, kept = deque(plan(points, chance, per_side)), ledgers.parent / "trials.jsonl"
    first_round = len(waiting) // (3 * per_side)
    results: list[Result] = []
    left: list[str] = []

    def goes_on() -> bool:
        return bool(waiting) and (waiting[0].number < first_round or time.monotonic() < ends_at)

    async def product_for_many() -> None:
        async with servers() as product:
            while goes_on():
                trial = waiting.popleft()
                result = await attempted(product, trial, ledgers)
                results.append(result)
                _keep(kept, result)
                _tell(talk, result)
                if trial.order is not None and not result.fired and trial.tried < _TRIES:
                    waiting.appendleft(again(trial))
                if result.broken:
                    return
            left.extend(await unreconciled(product))

    async def lane() -> None:
        while goes_on():
            await product_for_many()

    async with asyncio.TaskGroup() as group:
        for _ in range(lanes):
            group.create_task(lane())
    return points, results, left


async def _spoken(
    talk: Console, chance: random.Random, ledgers: Path, count: int, *, in_room: bool
) -> tuple[dict[str, int], list[Result], list[str]]:
    """As `_pinpoint`, one after the other: they take as long as they take to say."""
    how, results = IN_ROOM if in_room else SPOKEN, list[Result]()
    async with servers(spoken=True, rooms=in_room) as product:
        points = await recorded(product, ledgers, rounds=1, spoken=True, in_room=in_room)
        talk.print(f"{len(points)} points{how}", highlight=False)
        for trial in plan_spoken(points, chance, count, in_room=in_room):
            results.append(await attempted(product, trial, ledgers))
            _keep(ledgers.parent / "trials.jsonl", results[-1])
            _tell(talk, results[-1])
            if results[-1].broken:
                break
        left = await unreconciled(product)
    return {f"{name}{how}": count for name, count in points.items()}, results, left


async def _storm(chance: random.Random, ledgers: Path, minutes: float, at_once: int) -> StormResult:
    async with servers() as product:
        return await Storm(product, ledgers, chance, minutes, at_once).hold()


def _commit() -> str | None:
    """Of the checkout that runs. None where there is none, or no git."""
    asked = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _keep(path: Path, result: Result) -> None:
    """At once: an hour's trials outlive what becomes of the run."""
    with path.open("a") as file:
        file.write(result.model_dump_json() + "\n")


def _tell(talk: Console, result: Result) -> None:
    trial: Trial = result.trial
    where = f"{trial.order.point} {trial.order.side}" if trial.order else "from outside"
    told = "; ".join(result.violations) or "sound"
    how = ", ".join(result.faults) or "not reached"
    line = f"{trial.number:4} {where:50} {how:40} {result.recovery_s or 0:6.2f} s  {told}"
    talk.print(line, highlight=False, markup=False, soft_wrap=True)


def _say(talk: Console, report: Report) -> None:
    for each in (*report.violations, *(f"never killed at: {name}" for name in report.uncovered)):
        talk.print(each, highlight=False, markup=False, soft_wrap=True)
    pooled = report.pooled
    talk.print(
        f"{pooled.trials} trials, {pooled.failures} with a loss: at most {pooled.upper:.2%}; "
        f"{len(report.sides_missing)} sides of points not yet killed at",
        highlight=False,
    )
