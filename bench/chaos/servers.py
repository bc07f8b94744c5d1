"""One product to be killed: its own PostgreSQL, Temporal, worker and API, each started again.

What goes between them, and from the candidate to the API, goes through `links` that can be cut; the
judge has connections of its own. One whose interviews are held in rooms has LiveKit and stand-ins
of its providers beside it (`outside`).
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
from sqlalchemy.engine import make_url
from temporalio.client import Client

import connections
from bench.chaos.bugs import BUG_VARIABLE, SOUND, Bug
from bench.chaos.disk import Disk, disk
from bench.chaos.links import Link
from bench.chaos.outside import Outside, beside
from bench.chaos.points import FOLDER_VARIABLE, Fuse
from bench.forked import forked
from contracts.queues import CONVERSATIONS, GRADING, INTERVIEWS
from data_folder import make_data_dir
from db.migrate import migrate
from db.store import Store
from local.account import server_account
from local.ports import settle
from local.postgres import Postgres
from local.processes import Child, ChildPlan, Children
from local.temporal import TemporalServer
from questions.loader import starter_bank
from settings import Settings, load

PARTS: Final = ("worker", "api", "temporal", "postgres")
#: The processes that hold conversations, in a product that is spoken to: one can replace the other.
SPEAKING: Final = ("conversations", "spare")
#: Where ports are looked for; several products stand side by side.
_FIRST_PORT: Final = 18600
_SOCKET: Final = ".s.PGSQL.5432"
_WEBHOOK: Final = "/api/v1/livekit/webhook"


@dataclass(frozen=True)
class Servers:
    """`store` and `temporal` are the judge's own connections. `links` lead to the part named.
    `disk` is None where none can be mounted, `outside` where interviews are held over a direct
    line."""

    folder: Path
    url: str
    api_key: str
    settings: Settings
    parts: dict[str, Child]
    links: dict[str, Link]
    disk: Disk | None
    fuse: Fuse
    store: Store
    temporal: Client
    environment: dict[str, str]
    outside: Outside | None = None

    async def listen(self, children: Children) -> None:
        """Adds the parts that hold conversations: from now on somebody speaks."""
        providers = self.outside.providers.settings if self.outside else {}
        for name in SPEAKING:
            plan = _worker(self.folder, {**self.environment, **providers}, name, CONVERSATIONS)
            self.parts[name] = await children.start(plan)

    @property
    def logs(self) -> tuple[Path, ...]:
        return tuple(sorted(self.folder.glob("*.log")))

    async def whole(self, within_s: float = 60.0) -> None:
        """Returns when every part answers. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            for child in self.parts.values():
                while child.pid is None or not await child.plan.ready():
                    await asyncio.sleep(0.05)

    async def again(self, part: str, killed: int, within_s: float = 60.0) -> None:
        """Returns when the part runs as another process than `killed`, and answers."""
        child = self.parts[part]
        async with asyncio.timeout(within_s):
            while child.pid in (None, killed) or not await child.plan.ready():
                await asyncio.sleep(0.02)


#: Alembic keeps the migration that runs in a module of its own.
_ONE_AT_A_TIME: Final = asyncio.Lock()


@asynccontextmanager
async def servers(
    bug: Bug = SOUND, *, spoken: bool = False, rooms: bool = False
) -> AsyncIterator[Servers]:
    """A fresh product in a temporary folder, with a seeded bug in it or without. One that is
    `spoken` to has two conversations workers; with `rooms` it is spoken to in them.

    Its ports and its key are its own as long as it stands: a part that is down just then cannot be
    taken for one of another product.
    """
    children = Children()
    with tempfile.TemporaryDirectory(prefix="cvchaos") as scratch:
        folder = Path(scratch)
        folder.chmod(0o711)  # PostgreSQL runs as another user when we are root
        async with AsyncExitStack() as stack:
            own_disk = stack.enter_context(disk(folder / "data"))
            make_data_dir(folder / "data")
            stack.push_async_callback(children.stop)
            outside = await stack.enter_async_context(beside(folder, children)) if rooms else None
            product = await _start(
                folder, children, stack, bug=bug, own_disk=own_disk, outside=outside
            )
            if spoken or rooms:
                await product.listen(children)
            stack.push_async_callback(product.store.close)
            yield product


async def _start(
    folder: Path,
    children: Children,
    stack: AsyncExitStack,
    *,
    bug: Bug,
    own_disk: Disk | None,
    outside: Outside | None,
) -> Servers:
    postgres = Postgres(folder / "data" / "postgres", server_account())
    await asyncio.to_thread(postgres.prepare)
    ports = stack.enter_context(ExitStack())
    temporal = TemporalServer(folder / "data" / "temporal", "default", _port(ports), _port(ports))
    parts = {
        "postgres": await children.start(postgres.plan(folder / "postgres.log")),
        "temporal": await children.start(temporal.plan(folder / "temporal.log")),
    }
    await postgres.make_database()
    environment = _environment(folder, postgres, temporal, _port(ports))
    environment[BUG_VARIABLE] = bug.name
    if outside:
        environment |= outside.settings
        outside.webhooks.target = f"http://127.0.0.1:{environment['PORT']}{_WEBHOOK}"
        parts["livekit"] = outside.child
    settings = load(environment, folder / "no.env")
    store, key = connections.open_store(settings), f"cv_{secrets.token_hex(16)}"
    async with _ONE_AT_A_TIME:
        await asyncio.to_thread(migrate, postgres.url())
    await _fill(store, key)
    await bug.prepare(store)
    links, ways = await _linked(folder, environment, stack, ports)
    parts["worker"], parts["api"] = await asyncio.gather(
        children.start(_worker(folder, environment | ways, "worker", f"{INTERVIEWS},{GRADING}")),
        children.start(_api(folder, environment | ways)),
    )
    client = await connections.temporal_client(settings)
    return Servers(
        folder=folder,
        url=ways["PUBLIC_URL"],
        api_key=key,
        settings=settings,
        parts=parts,
        links=links,
        disk=own_disk,
        fuse=Fuse(folder),
        store=store,
        temporal=client,
        environment=environment | ways,
        outside=outside,
    )


async def _linked(
    folder: Path, environment: dict[str, str], stack: AsyncExitStack, ports: ExitStack
) -> tuple[dict[str, Link], dict[str, str]]:
    """The links, and what leads through them in a process's environment."""
    socket = Path(str(make_url(environment["DATABASE_URL"]).query["host"]))
    linked = folder / "link"
    linked.mkdir()
    to_temporal, to_api = _port(ports), _port(ports)
    links: dict[str, tuple[Link, int | Path]] = {
        "postgres": (Link(socket / _SOCKET), linked / _SOCKET),
        "temporal": (Link(int(environment["TEMPORAL_ADDRESS"].rsplit(":", 1)[1])), to_temporal),
        "api": (Link(int(environment["PORT"])), to_api),
    }
    if (livekit := environment.get("LIVEKIT_URL")) is not None:
        to_livekit = _port(ports)
        links["livekit"] = (Link(int(livekit.rsplit(":", 1)[1])), to_livekit)
    for link, at in links.values():
        await stack.enter_async_context(link.listening(at))
    ways = {
        "DATABASE_URL": f"postgresql://codevoice@/codevoice?host={quote(str(linked), safe='')}",
        "TEMPORAL_ADDRESS": f"127.0.0.1:{to_temporal}",
        "PUBLIC_URL": f"http://127.0.0.1:{to_api}",
    }
    if livekit is not None:
        ways["LIVEKIT_URL"] = f"ws://127.0.0.1:{to_livekit}"
    return {part: link for part, (link, _) in links.items()}, ways


def _port(ports: ExitStack) -> int:
    return settle("--port", "127.0.0.1", _FIRST_PORT, configured=False, until=ports)


def _environment(
    folder: Path, postgres: Postgres, temporal: TemporalServer, port: int
) -> dict[str, str]:
    return {
        "DATA_DIR": str(folder / "data"),
        "DATABASE_URL": postgres.url(),
        "TEMPORAL_ADDRESS": temporal.address,
        "PORT": str(port),
        "SECRET_KEY": secrets.token_hex(16),
        FOLDER_VARIABLE: str(folder),
    }


async def _fill(store: Store, key: str) -> None:
    organisation = await store.access.default_organisation()
    await store.access.add_key(organisation.id, key, "of the kill experiment")
    await store.questions.load(await asyncio.to_thread(starter_bank))


def _worker(folder: Path, environment: dict[str, str], name: str, queues: str) -> ChildPlan:
    ready = folder / f"{name}.ready"

    async def polls() -> bool:
        return ready.exists()

    return _plan(
        name,
        ["bench.chaos.worker_entry", name, queues, str(ready)],
        folder,
        environment,
        ready=polls,
        before=lambda: ready.unlink(missing_ok=True),
    )


def _api(folder: Path, environment: dict[str, str]) -> ChildPlan:
    async def answers() -> bool:
        try:
            async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
                return (
                    await http.get(f"http://127.0.0.1:{environment['PORT']}/healthz")
                ).is_success
        except httpx.TransportError:
            return False

    return _plan("api", ["bench.chaos.api_entry"], folder, environment, ready=answers)


def _plan(
    name: str, module: list[str], folder: Path, environment: dict[str, str], **how: Any
) -> ChildPlan:
    """Started again at once, however often it dies."""
    return ChildPlan(
        name=name,
        argv=[sys.executable, "-m", *module],
        log=folder / f"{name}.log",
        environment=environment,
        folder=Path(__file__).parents[2],
        ready_within_s=120,
        longest_wait_s=0.1,
        spawn=forked,
        **how,
    )
