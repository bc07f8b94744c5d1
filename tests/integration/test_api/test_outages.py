"""The service while PostgreSQL or Temporal is away: it says so, and heals by itself."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from temporalio.testing import WorkflowEnvironment

from api.app import create_app, listening
from contracts.errors import SettingError
from db.database import make_engine
from db.migrate import migrate
from db.store import Store
from local.postgres import Postgres
from local.processes import Children
from settings import Settings
from tests.builders import a_question
from tests.conftest import postgres_in
from tests.integration.test_api.service import SECRET, SilentBot, WordGrader, at_work, served
from tests.integration.test_api.test_edges import problem
from tests.waiting import eventually
from tests.workers import polling
from workflows.interview_client import InterviewClient

KEY = {"Authorization": "Bearer cv_ours_0123456789"}


class Machine:
    """PostgreSQL and Temporal that can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "postgres.log"
        self.postgres: Postgres = postgres_in(folder, fsync="off")
        self._children = Children()

    async def start_postgres(self) -> None:
        await self._children.start(self.postgres.plan(self._log))

    async def stop_postgres(self) -> None:
        await self._children.stop()


@pytest.fixture
async def machine(open_folder: Path) -> AsyncIterator[Machine]:
    machine = Machine(open_folder)
    try:
        yield machine
    finally:
        await machine.stop_postgres()


@asynccontextmanager
async def service(**settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(secret_key=SecretStr(SECRET), **settings))
    async with served(app) as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
        yield client


async def test_a_service_without_its_database_says_so_and_heals(
    machine: Machine, temporal: WorkflowEnvironment, tmp_path: Path
) -> None:
    address = temporal.client.service_client.config.target_host
    url = machine.postgres.url("later")
    settings = {"database_url": SecretStr(url), "temporal_address": address, "data_dir": tmp_path}
    async with service(**settings) as client:
        assert (await client.get("/healthz")).status_code == 200
        refused = await client.get("/api/v1/interviews", headers=KEY)
        problem(refused, 503)
        assert int(refused.headers["retry-after"]) >= 1
        ready = (await client.get("/readyz")).json()
        assert ready["ready"] is False
        assert "database" in ready["parts"]["database"]

        await machine.start_postgres()
        await machine.postgres.make_database("later")
        migrate(url)
        store = Store(make_engine(url))
        organisation = await store.access.default_organisation()
        await store.access.add_key(organisation.id, KEY["Authorization"].split()[1], "tests")
        await store.questions.load([a_question()])

        async def served_again() -> bool:
            reply = await client.get("/api/v1/questions", headers=KEY)
            return reply.status_code == 200

        await eventually(served_again)
        await store.close()
        await machine.stop_postgres()
        problem(await client.get("/api/v1/questions", headers=KEY), 503)
        await machine.start_postgres()
        await eventually(served_again)


async def test_a_service_without_temporal_says_so_and_heals(
    store: Store, database_url: str, tmp_path: Path, unused_tcp_port: int
) -> None:
    organisation = await store.access.default_organisation()
    await store.access.add_key(organisation.id, KEY["Authorization"].split()[1], "tests")
    await store.questions.load([a_question()])
    settings = {
        "database_url": SecretStr(database_url),
        "temporal_address": f"127.0.0.1:{unused_tcp_port}",
        "data_dir": tmp_path,
    }
    asked: dict[str, Any] = {
        "json": {"question_count": 1},
        "headers": {**KEY, "Idempotency-Key": "once"},
    }
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(service(**settings))
        problem(await client.post("/api/v1/interviews", **asked), 503)
        ready = (await client.get("/readyz")).json()
        assert ready["parts"]["database"] == "ok"
        assert ready["parts"]["worker: interviews"] == "Temporal cannot be reached"
        (waiting,) = (await client.get("/api/v1/interviews", headers=KEY)).json()["items"]

        environment = await stack.enter_async_context(await a_temporal(unused_tcp_port))
        bot = SilentBot(store, InterviewClient(environment.client))
        work = at_work(store, bot, WordGrader())
        await stack.enter_async_context(polling(environment.client, work))

        async def started() -> dict[str, Any] | None:
            reply = await client.post("/api/v1/interviews", **asked)
            return reply.json() if reply.status_code == 201 else None

        made = await eventually(started)
        assert made is not None
        assert made["id"] == waiting["id"]  # the row that the first try made, not a second one


async def a_temporal(port: int) -> WorkflowEnvironment:
    from temporalio.contrib.pydantic import pydantic_data_converter

    from local.temporal import extra_arguments, temporal_program

    return await WorkflowEnvironment.start_local(
        port=port,
        data_converter=pydantic_data_converter,
        dev_server_existing_path=str(temporal_program()),
        dev_server_extra_args=extra_arguments(),
    )


def test_a_missing_setting_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="TEMPORAL_ADDRESS"):
        create_app(Settings(secret_key=SecretStr(SECRET), data_dir=tmp_path))
    with pytest.raises(SettingError, match="DATABASE_URL"):
        create_app(
            Settings(
                secret_key=SecretStr(SECRET), data_dir=tmp_path, temporal_address="127.0.0.1:1"
            )
        )


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingError, match=f"PORT: 127.0.0.1:{port} cannot be used"):
            listening("127.0.0.1", port)
