"""docker-compose.yml held to its word without a container engine.

The services of our image run as processes with the very commands and environments of the file, and
with nothing else in them; names of hosts are loopback addresses, and PostgreSQL and Temporal come
from their wheels instead of their images.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from bench.visitor import Visitor
from local.processes import Children
from local.product import Product
from local.temporal import RETENTION, TemporalServer, temporal_program
from tests.composition import (
    ROOT,
    Composition,
    composition,
    image_environment,
    image_healthcheck,
)
from tests.conftest import open_temporary_folder, postgres_in
from tests.integration.survival import SAID, answer_the_question, completed, invited
from tests.waiting import eventually

PASSWORD = "only-in-this-test"
NAMESPACE = "interviews"
WORKERS = ("conversations", "interviews")


@dataclass
class Composed:
    """What of the composition runs here, each service with the places that its words stand for."""

    composed: Composition
    folder: Path
    places: Mapping[str, str]
    metrics: Mapping[str, int]
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def start(self, name: str) -> asyncio.subprocess.Process:
        service = self.composed.services[name]
        command = [str(word) for word in service["command"]]
        self.processes[name] = await self._spawn(name, [*self._entrypoint(service), *command])
        return self.processes[name]

    async def done(self, name: str) -> None:
        """A job: what waits for it is started when it has ended with 0."""
        assert await asyncio.wait_for((await self.start(name)).wait(), 60) == 0, self.said(name)

    async def healthy(self, name: str) -> bool:
        """As the engine asks: by the service's own check, or else the image's."""
        assert self.processes[name].returncode is None, self.said(name)
        how, *words = self._check(name)
        assert how == "CMD"
        check = await self._spawn(name, words, log=f"{name}-health")
        return await check.wait() == 0

    async def stop(self, name: str) -> int:
        """As `docker compose stop`: SIGTERM, and the service's own grace."""
        grace = str(self.composed.services[name].get("stop_grace_period", "10s"))
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(process.wait(), float(grace.removesuffix("s")))

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def home(self) -> Path:
        """Where a process of ours starts and is at home: `/app`, which it may not write."""
        (self.folder / "app").mkdir(exist_ok=True)
        return self.folder / "app"

    def data_dir(self) -> Path:
        return Path(self._here(image_environment()["DATA_DIR"]))

    def _entrypoint(self, service: Mapping[str, Any]) -> Sequence[str]:
        ours = "build" in service
        return [sys.executable, "-m", "cli"] if ours else service["entrypoint"]

    def _check(self, name: str) -> Sequence[str]:
        own: Mapping[str, Any] = self.composed.services[name].get("healthcheck", {})
        return own.get("test") or ["CMD", *image_healthcheck()]

    async def _spawn(
        self, name: str, words: Sequence[str], log: str = ""
    ) -> asyncio.subprocess.Process:
        with ExitStack() as files:
            out = files.enter_context((self.folder / f"{log or name}.log").open("ab"))
            return await asyncio.create_subprocess_exec(
                *(self._here(word, name) for word in words),
                cwd=self.home(),
                env=self._environment(name),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def _environment(self, name: str) -> dict[str, str]:
        """What the engine would give it, on loopback, and nothing that this process has."""
        given = self.composed.environment(name)
        if name in self.composed.ours():
            given = image_environment() | given | {"HOST": "127.0.0.1", "PYTHONPATH": str(ROOT)}
        if name in self.metrics:
            given["METRICS_PORT"] = str(self.metrics[name])
        programs = f"{Path(sys.executable).parent}:{temporal_program().parent}:/usr/bin:/bin"
        here = {key: self._here(value, name) for key, value in given.items()}
        return here | {"PATH": programs, "HOME": str(self.home())}

    def _here(self, text: str, name: str = "") -> str:
        for there, here in self.places.items():
            text = text.replace(there, here)
        return text.replace("/dev/shm/ready", str(self.folder / f"{name}.ready"))


def free_ports(number: int) -> list[int]:
    """Different from one another. Another program may still be faster."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


@asynccontextmanager
async def servers(
    folder: Path, postgres_port: int, temporal: TemporalServer
) -> AsyncIterator[None]:
    """PostgreSQL over TCP for who knows the password, as its image does it, and Temporal."""
    children = Children()
    postgres = postgres_in(folder, port=str(postgres_port), listen_addresses="127.0.0.1")
    with (folder / "pg" / "data" / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 127.0.0.1/32 scram-sha-256\n")
    try:
        await children.start(postgres.plan(folder / "postgres.log"))
        await postgres.make_database()
        connection = await psycopg.AsyncConnection.connect(postgres.url(), autocommit=True)
        async with connection:
            await connection.execute(
                sql.SQL("ALTER ROLE codevoice PASSWORD {}").format(sql.Literal(PASSWORD))
            )
        await children.start(temporal.plan(folder / "temporal.log"))
        yield
    finally:
        await children.stop()


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Composed]:
    with open_temporary_folder() as folder:
        api, postgres, temporal, ui, *metrics = free_ports(6)
        given = {
            "POSTGRES_PASSWORD": PASSWORD,
            "TEMPORAL_NAMESPACE": NAMESPACE,
            "PORT": str(api),
        }
        server = TemporalServer(folder / "temporal", "default", temporal, ui)
        places = {
            "@postgres:5432/": f"@127.0.0.1:{postgres}/",
            "temporal:7233": server.address,
            image_environment()["DATA_DIR"]: str(folder / "data"),
        }
        async with servers(folder, postgres, server):
            composed = Composed(
                composition(given), folder, places, dict(zip(WORKERS, metrics, strict=True))
            )
            try:
                await in_order(composed)
                yield composed
            finally:
                for process in composed.processes.values():
                    if process.returncode is None:
                        process.kill()
                        await process.wait()


async def in_order(composed: Composed) -> None:
    """Jobs first, as `depends_on` has it; then what serves, until all are healthy."""
    await composed.done("migrate")
    await composed.done("temporal-namespace")
    serving = ("api", *WORKERS)
    for name in serving:
        await composed.start(name)
    for name in serving:
        await eventually(partial(composed.healthy, name), within_s=120, every_s=0.3)


@pytest.fixture
def product(running: Composed) -> Product:
    """With the key that the migration job has kept, as `docker compose exec api` finds it."""
    port = running.composed.environment("api")["PORT"]
    key = (running.data_dir() / "api_key").read_text()
    return Product(f"http://127.0.0.1:{port}", key)


@pytest.mark.timeout(300)
async def test_the_namespace_is_made_once_and_kept_for_a_month(running: Composed) -> None:
    await running.done("temporal-namespace")
    client = await Client.connect(running.places["temporal:7233"], namespace=NAMESPACE)
    told = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=NAMESPACE)
    )
    kept = timedelta(seconds=told.config.workflow_execution_retention_ttl.seconds)
    assert kept == RETENTION


async def test_the_migration_job_may_run_again_and_keeps_the_key(running: Composed) -> None:
    kept = running.data_dir() / "api_key"
    key = kept.read_text()
    await running.done("migrate")
    assert kept.read_text() == key
    assert key not in running.said("migrate")
    assert " 0 new or changed" in running.said("migrate")
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.timeout(180)
async def test_a_typed_interview_is_held_to_its_report(product: Product) -> None:
    made = await invited(product, 2)
    assert made["join_url"].startswith(f"{product.url}/i/")
    visitor = await Visitor.open(made["join_url"])
    await visitor.agree()
    await visitor.post("join", {"purpose": "typing"})
    answered: set[tuple[str, int]] = set()
    while await answer_the_question(visitor, answered):
        pass
    await visitor.close()

    status = await completed(product, made["id"])
    assert status["progress"]["answered"] == 2
    report = await asyncio.to_thread(product.call, "GET", f"/interviews/{made['id']}/report.json")
    assert SAID in str(report)
    assert report["total"]["score"] is not None


async def test_every_part_is_ready_and_the_workers_tell_their_figures(
    running: Composed, product: Product
) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        ready = await http.get(f"{product.url}/readyz")
        assert ready.json()["ready"], ready.text
        for name, port in running.metrics.items():
            figures = await http.get(f"http://127.0.0.1:{port}/metrics")
            assert "codevoice_asyncio_tasks" in figures.text, name


async def test_the_password_stands_in_no_log(running: Composed) -> None:
    for log in running.folder.glob("*.log"):
        assert PASSWORD not in log.read_text(errors="replace"), log.name


async def test_nothing_is_written_where_the_file_system_is_read_only(running: Composed) -> None:
    assert list(running.home().iterdir()) == []


@pytest.mark.parametrize("name", [*WORKERS, "api"])
async def test_whoever_is_asked_to_stop_ends_well_within_its_grace(
    running: Composed, name: str
) -> None:
    """Runs last. A worker that is gone counts as healthy no more."""
    code = await running.stop(name)
    if name in WORKERS:
        assert code == 0, running.said(name)
        assert not (running.folder / f"{name}.ready").exists()
    else:  # uvicorn raises the signal again once it has shut down
        assert code == -signal.SIGTERM, running.said(name)
        assert "Application shutdown complete" in running.said(name)


def an_engine() -> str | None:
    """Why no image can be built here; None where one can."""
    try:
        asked = subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "docker is not installed"
    return None if asked.returncode == 0 else "no container engine answers"


@pytest.mark.timeout(3600)
def test_the_image_is_built_and_its_command_runs() -> None:
    if why := an_engine():
        pytest.skip(why)
    subprocess.run(["docker", "build", "--tag", "codevoice:test", str(ROOT)], check=True)
    told = subprocess.run(
        ["docker", "run", "--rm", "--read-only", "--tmpfs", "/tmp", "codevoice:test", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert "migrate" in told.stdout
