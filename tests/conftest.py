"""Real servers for the tests: PostgreSQL from the wheel and Temporal from its binary.

`store` stands on a database of its own with the newest tables; `database_url` names it. `temporal`
is a development server with the product's own flags, shared by the session.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from xdist.scheduler import LoadFileScheduling, Scheduling

from db.database import make_engine
from db.events import Listener
from db.ids import new_id
from db.migrate import migrate
from db.store import Store
from local.account import server_account
from local.postgres import Postgres
from local.processes import Children
from local.temporal import extra_arguments, temporal_program
from tests.livekit import Running, livekit_server

# What runs with what is left of a processor has no time of its own.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")

_TEMPLATE = "codevoice_template"
_TESTS = Path(__file__).parent
#: Tests that speak, or watch a browser, in real time, and are marked so. A machine that is busy
#: elsewhere for a second can spoil one; it is run again then, up to twice, and the summary says so.
_IN_REAL_TIME = (
    *("voice", "browser"),
    *("integration/test_survival.py", "integration/test_livekit_survival.py"),
    "integration/test_chaos_rooms.py",
)


_status: list[int] = []


def pytest_sessionfinish(exitstatus: int) -> None:
    _status.append(int(exitstatus))


@atexit.register
def _leave_at_once() -> None:
    """LiveKit's threads call into a Python that is about to end; about once in twelve times that
    aborts the process (SIGABRT), whatever the tests have found. This runs after its own end."""
    sys.stdout.flush()
    sys.stderr.flush()
    if _status:
        os._exit(_status[0])


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(_TESTS / place) for place in _IN_REAL_TIME):
            item.add_marker(pytest.mark.real_time)
            item.add_marker(pytest.mark.flaky(reruns=2))


class OneBrowserAtATime(LoadFileScheduling):  # type: ignore[misc]  # xdist has no annotations
    """Files side by side; those with a browser, of which two at once leave nothing to what speaks,
    one after the other."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "tests/browser" if file.startswith("tests/browser/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return OneBrowserAtATime(config, log)


@contextmanager
def open_temporary_folder() -> Iterator[Path]:
    """Its children may be entered by other users: PostgreSQL runs as one when we are root."""
    with TemporaryDirectory(prefix="cv") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with open_temporary_folder() as folder:
        yield folder


def postgres_in(folder: Path, **settings: str) -> Postgres:
    """A server ready to start in an `open_folder`."""
    server = Postgres(folder / "pg", server_account(), settings)
    server.prepare()
    return server


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[Postgres]:
    """A server with fsync off: it may be killed, the machine may not."""
    with open_temporary_folder() as folder:
        server = postgres_in(folder, fsync="off")
        children = Children()
        try:
            await children.start(server.plan(folder / "postgres.log"))
            await server.make_database(_TEMPLATE)
            await asyncio.to_thread(migrate, server.url(_TEMPLATE))
            yield server
        finally:
            await children.stop()


@pytest.fixture
async def database_url(postgres: Postgres) -> str:
    """A fresh database with the newest tables."""
    name = f"test_{new_id().hex}"
    await postgres.make_database(name, template=_TEMPLATE)
    return postgres.url(name)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    store = Store(make_engine(database_url))
    yield store
    await store.close()


@pytest.fixture
async def listener(database_url: str) -> AsyncIterator[Listener]:
    async with Listener(database_url) as listener:
        await listener.listening()
        yield listener


@asynccontextmanager
async def temporal_server() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_local(
        data_converter=pydantic_data_converter,
        dev_server_existing_path=str(temporal_program()),
        dev_server_extra_args=extra_arguments(),
    ) as environment:
        yield environment


@pytest.fixture(scope="session")
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    async with temporal_server() as environment:
        yield environment


@pytest.fixture(scope="module")
async def livekit() -> AsyncIterator[Running]:
    """LiveKit's own server."""
    async with livekit_server() as running:
        yield running
