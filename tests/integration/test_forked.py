"""Forked processes are processes of their own, and gone when whoever forked them is gone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.forked import forked
from local.processes import ChildPlan, Children
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
PROGRAM = """
    import asyncio, sys
    from pathlib import Path
    from bench.forked import forked
    from local.processes import ChildPlan
    async def main():
        argv = [sys.executable, "-m", "tests.integration.told"]
        log = Path(sys.argv[1])
        await forked(ChildPlan(name="told", argv=argv, log=log, folder=Path.cwd()))
        await asyncio.sleep(600)
    if __name__ == "__main__":
        asyncio.run(main())
"""


@pytest.fixture
async def children() -> AsyncIterator[Children]:
    children = Children()
    yield children
    await children.stop()


def plan(folder: Path, name: str = "told") -> ChildPlan:
    log = folder / f"{name}.log"

    async def has_spoken() -> bool:
        return "\n" in log.read_text()

    return ChildPlan(
        name=name,
        argv=[sys.executable, "-m", "tests.integration.told", name],
        log=log,
        environment={"NAMED": name},
        folder=ROOT,
        ready=has_spoken,
        spawn=forked,
    )


def told(log: Path) -> dict[str, Any]:
    """What the newest process said."""
    last: dict[str, Any] = json.loads(log.read_text().splitlines()[-1])
    return last


async def test_each_is_a_process_of_its_own(children: Children, tmp_path: Path) -> None:
    plans = [plan(tmp_path, name) for name in ("one", "other")]
    pids = [(await children.start(each)).pid for each in plans]
    one, other = (told(each.log) for each in plans)

    assert [one["pid"], other["pid"]] == pids == [one["group"], other["group"]]
    assert os.getpgrp() not in pids
    assert (one["arguments"], one["named"], one["folder"]) == (["one"], "one", str(ROOT))
    assert (other["arguments"], other["named"]) == (["other"], "other")
    assert "NAMED" not in os.environ
    for drawn in zip(one["drawn"], other["drawn"], strict=True):
        assert len(set(drawn)) == 2
    assert one["daemons"] == [True]


async def test_a_killed_one_is_seen_and_started_again(children: Children, tmp_path: Path) -> None:
    child = await children.start(plan(tmp_path))
    first = child.pid
    assert first

    os.kill(first, signal.SIGKILL)

    await eventually(lambda: child.restarts == 1 and child.pid not in {None, first})
    await eventually(lambda: told(child.plan.log)["pid"] == child.pid)
    assert not psutil.pid_exists(first)


async def test_how_it_ended_is_told(tmp_path: Path) -> None:
    process = await forked(plan(tmp_path))
    waiting = [asyncio.create_task(process.wait()) for _ in range(2)]
    assert process.returncode is None

    os.kill(process.pid, signal.SIGTERM)

    assert await asyncio.gather(*waiting) == [-signal.SIGTERM] * 2
    assert process.returncode == -signal.SIGTERM


async def test_it_dies_with_a_killed_parent(tmp_path: Path) -> None:
    program, log = tmp_path / "parent.py", tmp_path / "told.log"
    program.write_text(textwrap.dedent(PROGRAM))
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        str(program),
        str(log),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    await eventually(lambda: log.exists() and "\n" in log.read_text(), within_s=60)
    pid = told(log)["pid"]

    parent.kill()
    await parent.wait()

    await eventually(lambda: not psutil.pid_exists(pid))
