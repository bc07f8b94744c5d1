"""The whole product on one machine: servers, workers, API, started in order and watched."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx

import connections
from contracts.errors import SettingError, Unavailable
from data_folder import LOCK_FILE, STACK_FILE, make_data_dir
from local.account import Account, server_account
from local.database import prepare
from local.livekit import KEY, LiveKitServer, free_ports
from local.ports import settle
from local.postgres import Postgres
from local.processes import Child, ChildPlan, Children, Progress
from local.temporal import TemporalServer
from settings import Settings

CONVERSATIONS: Final = "conversations worker"
INTERVIEWS: Final = "interviews and grading worker"
API: Final = "API"
_QUEUES: Final = {CONVERSATIONS: "conversations", INTERVIEWS: "interviews,grading"}


class Stack:
    """What runs: where it is reached, and the children, by their names above.

    `api_key` opens the API for `organisation_id`.
    """

    def __init__(
        self,
        settings: Settings,
        children: Children,
        ports: ExitStack,
        progress: Progress,
        *,
        livekit: bool = False,
    ) -> None:
        """Its ports are its own until `ports` is closed, also while nobody listens there."""
        self._ports = ports
        self._livekit = livekit and settings.livekit_url is None
        self.settings = settings
        self.children = children
        self.url = settings.public_url
        self.temporal_ui_url: str | None = None
        self.api_key = ""
        self.organisation_id: UUID
        self._progress = progress
        self._environment: dict[str, str] = {"DATA_DIR": str(settings.data_dir)}

    async def start(self) -> None:
        await self._ask_language_model()
        account = server_account()
        await asyncio.gather(self._start_postgres(account), self._start_temporal())
        self._choose_port()
        if self._livekit:
            await self._start_livekit()
        self._tell_others()
        plans = [
            self._worker(INTERVIEWS, _QUEUES[INTERVIEWS], self.settings.metrics_port),
            self._worker(CONVERSATIONS, _QUEUES[CONVERSATIONS], self.settings.metrics_port + 1),
            self._api(),
        ]
        await self.children.start_together(plans)

    async def add_conversations_worker(self, name: str) -> Child:
        """One more, for the day the first one dies."""
        return await self.children.start(self._worker(name, _QUEUES[CONVERSATIONS]))

    async def renew_conversations_worker(self, slots: int | None = None) -> Child:
        """A new one in the first one's place, with as many slots as set or as said here."""
        said = {} if slots is None else {"CONVERSATION_SLOTS": str(slots)}
        return await self.renew_worker(CONVERSATIONS, said)

    async def renew_worker(self, name: str, settings: Mapping[str, str]) -> Child:
        """A new worker in that one's place, with these settings, by their names in capitals."""
        plan = self._worker(name, _QUEUES[name])
        environment = {**plan.environment, **settings}
        return await self.children.renew(replace(plan, environment=environment))

    async def _ask_language_model(self) -> None:
        """A wrong setting is told here, where somebody looks: a worker that starts again while the
        model's host is away only logs it."""
        if connections.language_model(self.settings) is not None:
            from providers import reach_language_model

            with suppress(Unavailable):
                await reach_language_model(self.settings)

    async def _start_postgres(self, account: Account | None) -> None:
        if self.settings.database_url is None:
            server = Postgres(self.settings.data_dir / "postgres", account)
            await asyncio.to_thread(server.prepare)
            await self.children.start(server.plan(self._log("postgres")))
            await server.make_database()
            self._use(DATABASE_URL=server.url())
        prepared = await prepare(self.settings)
        self.organisation_id, self.api_key = prepared.organisation_id, prepared.api_key
        self._progress("questions", prepared.questions)

    async def _start_temporal(self) -> None:
        if self.settings.temporal_address is not None:
            await connections.temporal_client(self.settings)
            return
        server = TemporalServer(
            self.settings.data_dir / "temporal",
            self.settings.temporal_namespace,
            self._port("TEMPORAL_PORT", "127.0.0.1", self.settings.temporal_port),
            self._port("TEMPORAL_UI_PORT", "127.0.0.1", self.settings.temporal_ui_port),
        )
        await self.children.start(server.plan(self._log("temporal")))
        await server.keep_for_a_month()
        self.temporal_ui_url = server.ui_url
        self._use(TEMPORAL_ADDRESS=server.address)

    async def _start_livekit(self) -> None:
        """It keeps its rooms in memory, and its secret for as long as it runs."""
        webhook = f"{self.url}/api/v1/livekit/webhook"
        folder = self.settings.data_dir / "livekit"
        server = LiveKitServer(folder, *free_ports(), webhooks=(webhook,))
        await self.children.start(server.plan(self._log("livekit")))
        self._use(LIVEKIT_URL=server.url, LIVEKIT_API_KEY=KEY, LIVEKIT_API_SECRET=server.secret)

    def _choose_port(self) -> None:
        port = self._port("PORT", self.settings.host, self.settings.port)
        if port != self.settings.port and self.settings.is_default("public_url"):
            self.url = self.settings.public_url.replace(f":{self.settings.port}", f":{port}")
        self._use(PORT=str(port), PUBLIC_URL=self.url)

    def _port(self, name: str, host: str, wanted: int) -> int:
        configured = not self.settings.is_default(name.lower())
        port = settle(name, host, wanted, configured=configured, until=self._ports)
        if port != wanted:
            self._progress(name, f"{wanted} is taken: {port} instead")
        return port

    def _use(self, **values: str) -> None:
        """For the children and, where the settings had none, for what is done here."""
        self._environment |= values
        self.settings = self.settings.with_values(values)

    def _tell_others(self) -> None:
        """Other commands of this user find the servers here; see `settings.load`."""
        path = self.settings.data_dir / STACK_FILE
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        names = (
            *("DATABASE_URL", "TEMPORAL_ADDRESS", "PORT", "PUBLIC_URL"),
            *("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"),
        )
        told = {name: self._environment[name] for name in names if name in self._environment}
        path.write_text(json.dumps(told))

    def _worker(self, name: str, queues: str, metrics_port: int = 0) -> ChildPlan:
        measured = metrics_port if self.settings.metrics_port else 0
        ready = self.settings.data_dir / "run" / f"{name}.ready"
        ready.parent.mkdir(mode=0o700, exist_ok=True)

        async def polls() -> bool:
            return ready.exists()

        return ChildPlan(
            name=name,
            argv=[sys.executable, "-m", "worker", "--queues", queues, "--ready-file", str(ready)],
            log=self._log(name),
            environment={**self._environment, "METRICS_PORT": str(measured)},
            folder=Path.cwd(),
            before=lambda: ready.unlink(missing_ok=True),
            ready=polls,
            ready_within_s=120,
            stop_within_s=15,
        )

    def _api(self) -> ChildPlan:
        return ChildPlan(
            name=API,
            argv=[sys.executable, "-m", "cli", "api"],
            log=self._log("api"),
            environment=self._environment,
            folder=Path.cwd(),
            ready=self._api_answers,
            stop_within_s=10,
        )

    async def _api_answers(self) -> bool:
        host = "127.0.0.1" if self.settings.host in {"0.0.0.0", "::"} else self.settings.host  # noqa: S104 - compared
        with suppress(httpx.TransportError):
            async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
                answer = await http.get(f"http://{host}:{self._environment['PORT']}/healthz")
                return answer.is_success
        return False

    def _log(self, name: str) -> Path:
        folder = self.settings.data_dir / "logs"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / f"{name.replace(' ', '-')}.log"


@asynccontextmanager
async def up(
    settings: Settings,
    progress: Progress = lambda name, what: None,
    *,
    livekit: bool = False,
) -> AsyncIterator[Stack]:
    """Starts everything that the settings do not name elsewhere; stops it in reverse at the end.
    A LiveKit server only when asked to (`livekit`).

    `progress` gets a part's name and what happens to it. Raises SettingError for what the operator
    can mend, StartFailed for the rest; what had been started is stopped then.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(_alone(settings.data_dir))
        children, ports = Children(progress), stack.enter_context(ExitStack())
        stack.push_async_callback(children.stop)
        running = Stack(settings, children, ports, progress, livekit=livekit)
        stack.callback(lambda: (settings.data_dir / STACK_FILE).unlink(missing_ok=True))
        await running.start()
        yield running


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Of two starts on one folder the second is refused."""
    try:
        make_data_dir(data_dir)
        descriptor = os.open(data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as failure:
        raise SettingError(
            "DATA_DIR", f"{data_dir} cannot be used ({failure.strerror})", "Set another folder"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(descriptor, 20, 0).decode().strip()
        os.close(descriptor)
        raise SettingError(
            "DATA_DIR",
            f"another codevoice up (pid {owner}) uses {data_dir}",
            "Stop that one, or set another folder",
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    try:
        yield
    finally:
        os.close(descriptor)
