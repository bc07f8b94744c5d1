"""PostgreSQL and Temporal as `codevoice up` runs them: nothing is lost, whatever kills them."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from contracts.errors import SettingError
from local.account import server_account
from local.ports import settle
from local.postgres import Postgres
from local.processes import Children
from local.temporal import RETENTION, TemporalServer
from tests.conftest import postgres_in
from tests.waiting import eventually


@pytest.fixture
async def children() -> AsyncIterator[Children]:
    children = Children()
    yield children
    await children.stop()


async def run(server: Postgres, statement: str) -> list[tuple[object, ...]]:
    connection = await psycopg.AsyncConnection.connect(server.url(), autocommit=True)
    async with connection:
        found = await connection.execute(statement.encode())
        return await found.fetchall() if found.description else []


async def test_a_killed_postgresql_comes_back_with_every_commit(
    children: Children, open_folder: Path
) -> None:
    server = postgres_in(open_folder)
    child = await children.start(server.plan(open_folder / "log"))
    await server.make_database()
    await run(server, "CREATE TABLE kept (n int)")
    for number in range(50):
        await run(server, f"INSERT INTO kept VALUES ({number})")

    os.kill(child.pid or 0, signal.SIGKILL)
    await eventually(lambda: child.restarts == 1)
    await eventually(server.answers, within_s=20)

    assert await run(server, "SELECT count(*) FROM kept") == [(50,)]


async def test_a_postgresql_whose_starter_was_killed_is_taken_over(
    children: Children, open_folder: Path
) -> None:
    server = postgres_in(open_folder, fsync="off")
    account = server_account()
    left_over = await asyncio.create_subprocess_exec(
        *server.plan(open_folder / "log").argv,
        cwd="/",
        stderr=asyncio.subprocess.DEVNULL,
        **(account.identity() if account else {}),
    )
    await eventually(server.answers, within_s=20)

    taken_over = await children.start(postgres_in(open_folder).plan(open_folder / "log"))

    assert await left_over.wait() == 0
    assert await server.answers()
    assert taken_over.restarts == 0


async def test_only_its_owner_may_read_or_enter(children: Children, open_folder: Path) -> None:
    server = postgres_in(open_folder, fsync="off")
    await children.start(server.plan(open_folder / "log"))

    assert stat.S_IMODE((open_folder / "pg").stat().st_mode) == 0o700
    assert stat.S_IMODE((open_folder / "pg" / "data").stat().st_mode) == 0o700
    connection = await psycopg.AsyncConnection.connect(server.url("postgres"))
    async with connection:
        found = await connection.execute("SHOW listen_addresses")
        assert await found.fetchone() == ("",)
    stranger = server.url("postgres").replace("codevoice@", "postgres@")
    with pytest.raises(psycopg.OperationalError):
        await psycopg.AsyncConnection.connect(stranger)


async def test_a_start_that_was_killed_in_the_middle_leaves_nothing_in_the_way(
    children: Children, open_folder: Path
) -> None:
    half_made = open_folder / "pg" / "making"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18")

    await children.start(postgres_in(open_folder, fsync="off").plan(open_folder / "log"))


async def test_a_folder_of_another_version_is_refused(open_folder: Path) -> None:
    data = open_folder / "pg" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")

    with pytest.raises(SettingError, match=r"DATA_DIR: .* belongs to PostgreSQL 16"):
        postgres_in(open_folder, fsync="off")


def test_a_folder_that_cannot_be_used_is_the_settings_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SettingError, match=r"^DATA_DIR: "):
        Postgres(tmp_path / "file" / "pg", server_account()).prepare()


async def test_a_deep_folder_still_gets_a_socket(children: Children, open_folder: Path) -> None:
    deep = open_folder / ("deep" * 20)
    deep.mkdir(mode=0o711)
    server = postgres_in(deep, fsync="off")

    await children.start(server.plan(open_folder / "log"))

    assert await server.answers()


async def test_temporal_keeps_its_workflows_over_a_kill_and_for_a_month(
    children: Children, tmp_path: Path
) -> None:
    port = settle("TEMPORAL_PORT", "127.0.0.1", 17233, configured=False)
    ui_port = settle("TEMPORAL_UI_PORT", "127.0.0.1", 18233, configured=False)
    server = TemporalServer(tmp_path / "temporal", "default", port, ui_port)
    child = await children.start(server.plan(tmp_path / "log"))
    await server.keep_for_a_month()
    client = await Client.connect(server.address)
    await client.start_workflow("Kept", id="kept", task_queue="nobody")

    os.kill(child.pid or 0, signal.SIGKILL)
    await eventually(lambda: child.restarts == 1)

    found = await eventually(client.get_workflow_handle("kept").describe, within_s=20)
    assert found.id == "kept"
    described = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace="default")
    )
    kept_for = described.config.workflow_execution_retention_ttl.ToTimedelta()
    assert kept_for == RETENTION == timedelta(days=30)
