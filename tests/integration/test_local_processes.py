"""Children: started when ready, restarted when they die, gone when their parent is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from contracts.errors import SettingError
from local.orphans import end_orphan
from local.ports import is_free, owner_of, settle
from local.processes import ChildPlan, Children, Process, StartFailed, executed
from tests.waiting import eventually

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"


@pytest.fixture
async def children() -> AsyncIterator[Children]:
    children = Children()
    yield children
    await children.stop()


def plan(
    folder: Path,
    program: str = SLEEPER,
    name: str = "child",
    *,
    arguments: tuple[str, ...] = (),
    ready_within_s: float = 20.0,
    stop_within_s: float = 5.0,
) -> ChildPlan:
    log = folder / f"{name}.log"

    async def has_spoken() -> bool:
        return log.exists() and "up" in log.read_text()

    return ChildPlan(
        name=name,
        argv=[sys.executable, "-c", textwrap.dedent(program), *arguments],
        log=log,
        ready=has_spoken,
        ready_within_s=ready_within_s,
        stop_within_s=stop_within_s,
    )


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)


async def test_a_killed_child_is_started_again(children: Children, tmp_path: Path) -> None:
    child = await children.start(plan(tmp_path))
    first = child.pid
    assert first

    os.kill(first, signal.SIGKILL)

    await eventually(lambda: child.restarts == 1 and child.pid not in {None, first})


async def test_a_child_that_ends_at_once_is_told_with_its_last_words(
    children: Children, tmp_path: Path
) -> None:
    with pytest.raises(StartFailed, match="child ended at once: the reason"):
        await children.start(plan(tmp_path, "raise SystemExit('the reason')"))


async def test_a_child_that_never_is_ready_is_given_up_and_ended(
    children: Children, tmp_path: Path
) -> None:
    program = """
        import os, time
        print(os.getpid(), flush=True)
        time.sleep(600)
    """

    with pytest.raises(StartFailed, match="was not ready within 1 s"):
        await children.start(plan(tmp_path, program, ready_within_s=1.0))

    assert not lives(int((tmp_path / "child.log").read_text().split()[0]))


async def test_children_stop_in_the_reverse_order(children: Children, tmp_path: Path) -> None:
    program = """
        import signal, sys, time
        def stop(*_):
            open(sys.argv[1], "a").write(sys.argv[2])
            sys.exit()
        signal.signal(signal.SIGTERM, stop)
        print("up", flush=True)
        time.sleep(600)
    """
    order = tmp_path / "order"
    for name in "abc":
        await children.start(plan(tmp_path, program, name, arguments=(str(order), name)))

    await children.stop()

    assert order.read_text() == "cba"


async def test_a_child_that_will_not_stop_is_killed_with_its_own_children(
    children: Children, tmp_path: Path
) -> None:
    program = """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print(grandchild.pid, "up", flush=True)
        time.sleep(600)
    """
    child = await children.start(plan(tmp_path, program, stop_within_s=0.3))
    pids = [child.pid or 0, int(child.plan.log.read_text().split()[0])]

    await children.stop()

    await eventually(lambda: not any(map(lives, pids)))


async def test_a_child_that_ends_as_it_is_stopped_is_not_started_again(
    children: Children, tmp_path: Path
) -> None:
    """Whoever ends a service may signal all its processes at once."""
    spawned: list[Process] = []

    async def spawn(plan: ChildPlan) -> Process:
        spawned.append(await executed(plan))
        return spawned[-1]

    await children.start(replace(plan(tmp_path), spawn=spawn))
    os.kill(spawned[0].pid, signal.SIGTERM)
    await spawned[0].wait()

    await asyncio.wait_for(children.stop(), 10)

    assert len(spawned) == 1


async def test_children_die_with_a_killed_parent(children: Children, tmp_path: Path) -> None:
    program = f"""
        import asyncio, sys
        from pathlib import Path
        from local.processes import ChildPlan, Children
        async def main():
            log = Path(sys.argv[1])
            argv = [sys.executable, "-c", {SLEEPER!r}]
            child = await Children().start(ChildPlan(name="grandchild", argv=argv, log=log))
            print(child.pid, "up", flush=True)
            await asyncio.sleep(600)
        asyncio.run(main())
    """
    argv = plan(tmp_path, program, arguments=(str(tmp_path / "grandchild.log"),)).argv
    parent = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout
    grandchild = int((await parent.stdout.readline()).split()[0])
    assert lives(grandchild)

    parent.kill()
    await parent.wait()

    await eventually(lambda: not lives(grandchild))


async def test_a_server_left_over_is_ended_and_a_stranger_with_its_pid_is_not(
    tmp_path: Path,
) -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import time; time.sleep(600)", cwd=tmp_path
    )
    pid_file = tmp_path / "server.pid"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    pid_file.write_text(str(server.pid))
    end_orphan(pid_file, elsewhere, signal.SIGTERM)
    assert server.returncode is None
    assert lives(server.pid)
    assert not pid_file.exists()

    pid_file.write_text(f"{server.pid}\n/some/where\n")
    await asyncio.to_thread(end_orphan, pid_file, tmp_path, signal.SIGTERM)
    assert await server.wait() == -signal.SIGTERM


def test_our_own_port_steps_aside_and_a_configured_one_names_its_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        other = settle("PORT", "127.0.0.1", port, configured=False)
        with pytest.raises(SettingError, match=rf"PORT: port {port} is taken by .*{os.getpid()}"):
            settle("PORT", "127.0.0.1", port, configured=True)

    assert other > port
    assert settle("PORT", "127.0.0.1", port, configured=True) == port
    assert owner_of(port) is None


def test_a_port_where_nobody_listens_yet_goes_to_one_product() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    with ExitStack() as one, ExitStack() as other:
        mine = settle("PORT", "127.0.0.1", port, configured=False, until=one)
        its = settle("PORT", "127.0.0.1", port, configured=False, until=other)
        with pytest.raises(SettingError, match=rf"PORT: port {mine} is taken"):
            settle("PORT", "127.0.0.1", mine, configured=True, until=other)

    assert mine == port
    assert its > port
    assert settle("PORT", "127.0.0.1", port, configured=True) == port


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host", "999.1.1.1"])
def test_an_address_that_is_not_ours_is_the_hosts_fault(host: str) -> None:
    with pytest.raises(SettingError, match=r"^HOST: "):
        is_free("PORT", host, 8000)
