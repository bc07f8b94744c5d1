"""A measurement that fails takes nothing from the others, and every figure is on disk at once."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from rich.console import Console

from bench.figures import Figure, this_machine
from bench.grades import measure_grading
from bench.memory import resident_mb
from bench.run import MEASUREMENTS, Bench, Results, each_in_turn
from contracts.errors import Unavailable
from local.processes import Children
from local.stack import Stack
from settings import load

NO_FILE = Path("/nonexistent/.env")
OPERATING = Path(__file__).parents[3] / "docs" / "operating.md"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    settings = load({"DATA_DIR": str(tmp_path / "data")}, NO_FILE)
    return Bench(Stack(settings, Children(), ExitStack(), lambda name, what: None), short=True)


async def one(_bench: Bench) -> list[Figure]:
    return [Figure(name="one", value=1, unit="s")]


async def too_late(_bench: Bench) -> list[Figure]:
    raise TimeoutError("what a candidate said")


async def test_one_that_fails_is_noted_and_the_rest_go_on(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    kept: list[Results] = []

    async def reads(_bench: Bench) -> list[Figure]:
        kept.append(Results.model_validate_json(path.read_text()))
        return [Figure(name="last", value=2, unit="s")]

    found = Results(machine=this_machine(), short=True)
    planned = {"one": one, "late": too_late, "last": reads}
    talk = Console(file=io.StringIO())
    await each_in_turn(planned, bench, found, path, talk)

    assert [figure.name for figure in kept[0].figures] == ["one"]
    written = Results.model_validate_json(path.read_text())
    assert [figure.name for figure in written.figures] == ["one", "last"]
    assert list(written.failed) == ["late"]
    assert written.failed["late"].startswith("TimeoutError in test_run.py")
    assert "said" not in path.read_text()


async def test_agreement_that_was_not_measured_is_said(bench: Bench) -> None:
    await Bench.grading(bench)
    assert bench.notes == ["agreement with human graders was not measured: left out by --short"]


async def test_agreement_comes_with_its_intervals(tmp_path: Path) -> None:
    said = [("It gives back the element pushed last.", 1), ("Not sure.", 0), ("A list.", 0.5)]
    rows = [
        {
            "question_id": str(number),
            "question": f"What is a stack, {number}?",
            "reference_answer": "A stack gives back the element that was pushed last.",
            "student_answer": answer,
            "score": score,
        }
        for number in range(4)
        for answer, score in said
    ]
    data = tmp_path / "graded.csv"
    with data.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)

    figures = {figure.name: figure for figure in await measure_grading([data], rounds=1)}

    assert figures["graded: RMSE"].count == 12
    assert figures["graded: RMSE"].low is not None
    assert "[" in figures["graded: RMSE"].shown


def test_memory_of_the_dead_is_no_figure() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    for pid in (ended.pid, None):
        with pytest.raises(Unavailable, match="died"):
            resident_mb(pid)


def test_memory_is_counted_in_millions_of_bytes() -> None:
    program = (
        "import sys; kept = bytearray(b'x' * 200_000_000); print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout
        child.stdout.readline()
        assert 200 <= resident_mb(child.pid) < 240
        child.terminate()


def test_each_measurement_is_in_the_documents() -> None:
    section = OPERATING.read_text().split("## What `make bench` measures")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(MEASUREMENTS)


def test_a_goal_is_a_ceiling_or_a_floor() -> None:
    rate = Figure(name="rate", value=1.14, unit="x", at_least=0.9)
    assert (rate.goal, rate.met) == (">= 0.9 x", True)
    assert Figure(name="wait", value=2, unit="s", at_most=1).goal == "<= 1 s"
    assert Figure(name="shown", value=2, unit="s").goal == ""
