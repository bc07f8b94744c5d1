"""`codevoice bench`: every measurement against one product of its own, then a table and JSON."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.density import measure_density, measure_providers_density
from bench.engine import measure_engine
from bench.figures import Figure, Machine, median, this_machine
from bench.grades import measure_grading
from bench.load import measure_load
from bench.memory import measure_memory
from bench.providers import measure_providers
from bench.recovery import measure_recovery
from bench.reporting import measure_report
from bench.rooms import measure_rooms
from bench.serving import measure_serving
from bench.soak import measure_cancelled, measure_soak, measure_soak_rooms
from bench.talking import measure_talk
from bench.thinking import measure_thinkers
from contracts.errors import CodeVoiceError, InvalidInput, SettingError, Unavailable
from local.livekit import livekit_program
from local.product import Product
from local.run import started
from local.stack import Stack
from settings import load
from web.assets import LIVEKIT_CLIENT

_ROOT: Final = Path(__file__).parents[1]
#: Graded answers to measure agreement on; named here, not part of the project (docs/operating.md).
DATA_VARIABLE: Final = "CODEVOICE_GRADED_ANSWERS"


class Results(BaseModel):
    """`failed` says, by measurement, why it gave no figures; `notes` what was not measured."""

    machine: Machine
    short: bool
    figures: list[Figure] = []
    failed: dict[str, str] = {}
    notes: list[str] = []

    def write(self, path: Path) -> None:
        path.write_text(self.model_dump_json(indent=2) + "\n")


class Bench:
    """The running product and how thorough to be."""

    def __init__(self, stack: Stack, *, short: bool) -> None:
        self.stack = stack
        self.product = Product(stack.url, stack.api_key)
        self.short = short
        self.notes: list[str] = []

    def rounds(self, full: int, short: int) -> int:
        return short if self.short else full

    async def talk(self) -> list[Figure]:
        return await measure_talk(
            self.product,
            Path(self.stack.settings.recordings_url),
            answers=self.rounds(40, 4),
            barges=self.rounds(10, 2),
        )

    async def thinkers(self) -> list[Figure]:
        return await measure_thinkers(
            self.product,
            Path(self.stack.settings.recordings_url),
            cases=self.rounds(12, 2),
        )

    async def recovery(self) -> list[Figure]:
        return await measure_recovery(self.product, rounds=self.rounds(20, 1))

    async def serving(self) -> list[Figure]:
        return await measure_serving(self.product, self.stack.settings, rounds=self.rounds(100, 10))

    async def report(self) -> list[Figure]:
        return await measure_report(self.product, rounds=self.rounds(5, 1))

    async def memory(self) -> list[Figure]:
        return await measure_memory(self.stack, self.product, rounds=self.rounds(3, 1))

    async def density(self) -> list[Figure]:
        if self.short:
            return []
        return await measure_density(self.stack, self.product, answers=8, most=8)

    async def providers(self) -> list[Figure]:
        answers, rounds = (4, 1) if self.short else (40, 5)
        return await measure_providers(self.stack, self.product, answers=answers, rounds=rounds)

    async def providers_density(self) -> list[Figure]:
        most = 2 if self.short else 8 * (os.cpu_count() or 1)
        return await measure_providers_density(
            self.stack,
            self.product,
            answers=self.rounds(8, 2),
            most=most,
            rounds=self.rounds(3, 1),
        )

    async def rooms(self) -> list[Figure]:
        """On a product of its own; the one beside it idles."""
        if self._without_rooms("rooms"):
            return []
        return await measure_rooms(rounds=self.rounds(20, 1), restarts=self.rounds(5, 1))

    def _without_rooms(self, what: str) -> bool:
        if missing := _missing_for_rooms():
            self.notes.append(f"{what} were not measured: {missing}")
        return bool(missing)

    async def load(self) -> list[Figure]:
        rounds, answers = (1, 2) if self.short else (3, 10)
        return await measure_load(self.stack, self.product, rounds=rounds, answers=answers)

    async def engine(self) -> list[Figure]:
        """On servers of its own, fresh for each run; the product beside it idles."""
        return await measure_engine(pairs=self.rounds(5, 1), interviews=self.rounds(200, 20))

    async def soak(self) -> list[Figure]:
        return await measure_soak(self.stack, self.product, interviews=self.rounds(300, 12))

    async def soak_rooms(self) -> list[Figure]:
        """On a product of its own; the one beside it idles."""
        if self._without_rooms("leaks in rooms"):
            return []
        return await measure_soak_rooms(interviews=self.rounds(300, 12))

    async def cancelled(self) -> list[Figure]:
        return await measure_cancelled(self.stack, self.product, joins=self.rounds(500, 12))

    async def grading(self) -> list[Figure]:
        named = os.environ.get(DATA_VARIABLE, "")
        files = [] if self.short else [Path(name) for name in named.split(os.pathsep) if name]
        if not files:
            why = "left out by --short" if self.short else f"{DATA_VARIABLE} names no file"
            self.notes.append(f"agreement with human graders was not measured: {why}")
        return await measure_grading(files, rounds=self.rounds(30, 5))

    async def start(self) -> list[Figure]:
        """`codevoice up` with everything installed, from the command to the printed link."""
        took = [await _link_printed() for _ in range(self.rounds(3, 1))]
        name = "codevoice up to the link, p50"
        return [Figure(name=name, value=median(took), unit="s", at_most=20, count=len(took))]


def _missing_for_rooms() -> str:
    if not LIVEKIT_CLIENT.exists():
        return "the browser's part of LiveKit is not installed; make web"
    try:
        livekit_program()
    except SettingError as failure:
        return failure.detail
    return ""


Measurement = Callable[[Bench], Awaitable[list[Figure]]]
MEASUREMENTS: Final[dict[str, Measurement]] = {
    "serving": Bench.serving,
    "talk": Bench.talk,
    "thinkers": Bench.thinkers,
    "recovery": Bench.recovery,
    "report": Bench.report,
    "memory": Bench.memory,
    "density": Bench.density,
    "load": Bench.load,
    "providers": Bench.providers,
    "providers_density": Bench.providers_density,
    "rooms": Bench.rooms,
    "engine": Bench.engine,
    "soak": Bench.soak,
    "soak_rooms": Bench.soak_rooms,
    "cancelled": Bench.cancelled,
    "grading": Bench.grading,
    "start": Bench.start,
}


async def measure(
    talk: Console, out: Console, *, short: bool, only: tuple[str, ...], results: Path
) -> None:
    """Runs the named measurements, or all, and writes `results` after each.

    Raises InvalidInput for a name that is none, CodeVoiceError at the end when one failed.
    """
    for name in only:
        if name not in MEASUREMENTS:
            raise InvalidInput(f"--only takes some of {', '.join(MEASUREMENTS)}", field="only")
    found = Results(machine=this_machine(), short=short)
    async with _fresh_product(talk) as stack:
        bench = Bench(stack, short=short)
        chosen = {name: MEASUREMENTS[name] for name in only or MEASUREMENTS}
        await each_in_turn(chosen, bench, found, results, talk)
    _print(out, found)
    talk.print(f"written to {results}")
    if found.failed:
        raise CodeVoiceError(f"not measured, for a failure: {', '.join(found.failed)}")


async def each_in_turn(
    measurements: Mapping[str, Measurement],
    bench: Bench,
    found: Results,
    path: Path,
    talk: Console,
) -> None:
    """Adds to `found` and writes it after each; one that fails is noted, and the rest go on."""
    for name, measurement in measurements.items():
        talk.print(f"measuring: {name}", highlight=False)
        began = time.monotonic()
        try:
            found.figures += await measurement(bench)
        except Exception as failure:  # whatever it is, the other figures are wanted
            found.failed[name] = _reason(failure)
            talk.print(f"  failed: {found.failed[name]}", markup=False, highlight=False)
        found.notes = bench.notes
        found.write(path)
        talk.print(f"  took {time.monotonic() - began:.0f} s", style="dim", highlight=False)


def _reason(failure: BaseException) -> str:
    """The failure's own words where the product knows it; a stranger's may quote anything."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    if isinstance(failure, CodeVoiceError):
        return failure.detail
    frames = traceback.extract_tb(failure.__traceback__)
    ours = [each for each in frames if _is_ours(Path(each.filename))] or frames
    way = ", ".join(f"{Path(each.filename).name}:{each.lineno}" for each in ours[1:])
    return f"{type(failure).__name__} in {way}"


def _is_ours(file: Path) -> bool:
    return file.is_relative_to(_ROOT) and "site-packages" not in file.parts


@asynccontextmanager
async def _fresh_product(talk: Console) -> AsyncIterator[Stack]:
    """In a folder of its own: nothing measured stays, and nothing kept slows it."""
    with tempfile.TemporaryDirectory(prefix="codevoice-bench-") as folder:
        Path(folder).chmod(0o711)
        settings = load({**os.environ, "DATA_DIR": f"{folder}/data"})
        async with started(settings, talk) as stack:
            os.environ["DATA_DIR"] = str(settings.data_dir)
            yield stack


async def _link_printed() -> float:
    """A second product beside this one, stopped as soon as it says its link."""
    with tempfile.TemporaryDirectory(prefix="codevoice-start-") as folder:
        Path(folder).chmod(0o711)
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", "up"),
            env={**os.environ, "DATA_DIR": f"{folder}/data"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        async for line in process.stdout:
            if re.search(rb"https?://\S+/i/\S+", line):
                break
        else:
            raise Unavailable("codevoice up ended before it printed a link")
        took = time.monotonic() - began
        process.terminate()
        await process.wait()
    return round(took, 1)


def _print(out: Console, found: Results) -> None:
    table = Table("figure", "n", "value", "goal", "")
    for figure in found.figures:
        met = {None: "", True: "met", False: "missed"}[figure.met]
        table.add_row(figure.name, str(figure.count), escape(figure.shown), figure.goal, met)
    for name, reason in found.failed.items():
        table.add_row(name, "0", escape(reason), "", "failed")
    out.print(table)
    for note in found.notes:
        out.print(note, highlight=False)
    machine = found.machine
    out.print(
        f"{machine.processor}, {machine.cores} cores, {machine.memory_gb} GB, "
        f"Python {machine.python}, load average {machine.load_average} before",
        highlight=False,
    )
