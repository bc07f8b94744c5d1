"""The kill experiment itself, in short: a few kills at named points, and what is told of them."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from bench.chaos.disk import mountable
from bench.chaos.faults import Strike, Strikes
from bench.chaos.points import Order, Side
from bench.chaos.report import report_of, write
from bench.chaos.servers import servers
from bench.chaos.storm import Storm
from bench.chaos.trials import Trial, pinpoint, recorded
from bench.figures import this_machine
from tests.waiting import eventually

KILLS = (
    ("sql.insert.answers", Side.DONE, "api"),
    ("handler.record_answer", Side.BEFORE, "worker"),
    ("activity.build_report", Side.AFTER, "worker"),
)


@pytest.mark.timeout(300)
async def test_an_interview_loses_nothing_when_killed_at_a_point_and_the_report_says_so(
    tmp_path: Path,
) -> None:
    async with servers() as product:
        points = await recorded(product, tmp_path, rounds=1)
        assert {point for point, _, _ in KILLS} <= set(points)
        results = []
        for number, (point, side, process) in enumerate(KILLS):
            order = Order(id=uuid4(), point=point, side=side)
            result = await pinpoint(product, Trial(number=number, order=order), tmp_path)
            assert (result.fired, result.process) == (True, process)
            assert result.violations == ()
            results.append(result)
        strike = Strike(kind=Strikes.KILL, part="postgres", at_s=0.3)
        results.append(await pinpoint(product, Trial(number=9, strikes=(strike,)), tmp_path))
        storm = await Storm(product, tmp_path, random.Random(4), minutes=0.1, at_once=3).hold()

    assert results[-1].violations == storm.violations == ()
    assert storm.interviews >= 3
    report = report_of(
        points,
        results,
        [storm],
        seeds=(1,),
        machine=this_machine(),
        version="0",
        commit=None,
        took_s=1.0,
    )
    assert (report.pooled.trials, report.pooled.failures) == (4, 0)
    assert report.violations == ()
    assert "http.start" in report.uncovered, "what was never killed at is named"
    assert not report.passed

    data, page, picture = await asyncio.to_thread(write, report, tmp_path / "report")
    assert json.loads(data.read_text())["pooled"]["trials"] == 4
    assert "sql.insert.answers done" in page.read_text()
    assert "lost in 0 of" in picture.read_text()


async def test_the_ledger_stands_outside_the_product(tmp_path: Path) -> None:
    """Each try is written before it is sent and after it ended, with digests instead of texts."""
    async with servers() as product:
        await pinpoint(product, Trial(number=0), tmp_path)

    lines = [json.loads(line) for line in (tmp_path / "trial-0.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["invoke", "ok"] * (len(lines) // 2)
    answers = [line for line in lines if line["verb"] == "answers" and line["event"] == "invoke"]
    assert all(len(line["sha256"]) == 64 for line in answers)
    assert "quokkatrice" not in (tmp_path / "trial-0.jsonl").read_text()


@pytest.mark.skipif(not mountable(), reason="this account may not mount")
async def test_an_experiment_that_is_stopped_leaves_no_disk_and_no_process(
    open_folder: Path,
) -> None:
    def disks() -> list[str]:
        mounted = (each.mountpoint for each in psutil.disk_partitions(all=True))
        return [place for place in mounted if place.startswith(str(open_folder))]

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "chaos", "--minutes", "5", "--lanes", "1"),
        *("--per-side", "1", "--folder", str(open_folder / "report")),
        env={**os.environ, "TMPDIR": str(open_folder)},
    )
    children = psutil.Process(process.pid).children
    await eventually(lambda: bool(disks()) and len(children(recursive=True)) > 3, within_s=60)
    started = children(recursive=True)

    process.send_signal(signal.SIGTERM)

    assert await asyncio.wait_for(process.wait(), 60) == 143
    assert disks() == []
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []
