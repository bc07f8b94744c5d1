"""The web application: the API, the pages, and what stands around every request."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from fastapi import FastAPI, Request
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

import connections
from api import (
    conduct,
    errors,
    events,
    health,
    interviews,
    live_listening,
    livekit,
    openapi,
    pipecat,
    questions,
    recordings,
    reports,
    transcripts,
    waiting_for_temporal,
)
from api.headers import Guarded
from api.limits import Bounded
from api.links import SignedTokens
from api.observed import Meters, Observed
from api.parts import Parts
from contracts.errors import NotFound, SettingError
from web import assets
from web import routes as pages
from web.pages import away
from workflows.interview_client import InterviewClient

if TYPE_CHECKING:
    from temporalio.client import Client

    from db.store import Store
    from livekit_rooms import LiveKitRooms
    from settings import Settings

VERSION = "0.1.0"
_ROUTERS = (
    interviews.router,
    conduct.router,
    live_listening.router,
    events.router,
    transcripts.router,
    reports.router,
    recordings.router,
    questions.router,
    livekit.router,
    pipecat.router,
    health.router,
)

#: FastAPI's own records quote inputs and messages; what we tell is in `observed`.
_SILENT: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}

#: A candidate waits for a reply: Temporal may be away for so long before they are told.
_PATIENCE: Final = timedelta(seconds=10)


def create_app(
    settings: Settings,
    *,
    connect: Callable[[str, str], Awaitable[Client]] = waiting_for_temporal.client,
    open_store: Callable[[Settings], Store] = connections.open_store,
) -> FastAPI:
    """The whole service. Raises SettingError; it starts without PostgreSQL and Temporal, answers
    503 while one is away, and goes on when it is back."""
    address = settings.temporal_address
    if address is None:
        raise SettingError("TEMPORAL_ADDRESS", "it is not set", "Set it to Temporal's host:port")
    connections.database_url(settings)
    tokens = SignedTokens(connections.token_signer(settings))
    rooms = _rooms(settings)

    @asynccontextmanager
    async def open_parts(meters: Meters) -> AsyncIterator[Parts]:
        temporal = await connect(address, settings.temporal_namespace)
        store = open_store(settings)
        try:
            async with connections.listener(settings) as listener:
                yield Parts(
                    store=store,
                    interviews=InterviewClient(temporal, patience=_PATIENCE),
                    temporal=temporal,
                    listener=listener,
                    tokens=tokens,
                    public_url=settings.public_url,
                    rooms=rooms,
                    patience_s=settings.patience_s,
                    ice_servers=settings.ice_servers,
                    meters=meters,
                )
        finally:
            await store.close()

    https = settings.public_url.startswith("https:")
    app = assemble(open_parts, https=https, cors_origins=settings.cors_allow_origins)
    pages.mount(app, settings.ice_servers, settings.livekit_public_url or settings.livekit_url)
    return app


def _rooms(settings: Settings) -> LiveKitRooms | None:
    server = connections.livekit(settings)
    if server is not None and not assets.LIVEKIT_CLIENT.exists():
        raise SettingError(
            "LIVEKIT_URL", "the browser's part of LiveKit is not installed", "Run `make web`"
        )
    return _open(server) if server else None


def _open(server: connections.LiveKit) -> LiveKitRooms:
    from livekit_rooms import LiveKitRooms  # half a second, which others need not wait

    return LiveKitRooms(*server)


def serve() -> None:
    """Serves until SIGTERM or SIGINT.

    Raises SettingError when a setting, the port, PostgreSQL or Temporal will not do at first; what
    goes away later is waited for.
    """
    from settings import load

    settings = load()
    connections.configure_log(settings.log_level)
    asyncio.run(_reach(settings))
    with listening(settings.host, settings.port) as taken:
        config = uvicorn.Config(
            create_app(settings), log_config=None, access_log=False, timeout_graceful_shutdown=3
        )
        uvicorn.Server(config).run(sockets=[taken])


async def _reach(settings: Settings) -> None:
    store = connections.open_store(settings)
    try:
        await connections.reach(store)
    finally:
        await store.close()
    await connections.temporal_client(settings)
    if server := connections.livekit(settings):
        await _open(server).check()


def listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        taken = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as failure:
        why = f"{host}:{port} cannot be used ({failure.strerror})"
        raise SettingError("PORT", why, "Stop what uses it, or set PORT to another") from None
    # asyncio sets this only on sockets whose protocol number is given, which this one's is not; a
    # reply in two writes then waits 40 ms for the reader's delayed acknowledgement.
    taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return taken


def assemble(
    open_parts: Callable[[Meters], AbstractAsyncContextManager[Parts]],
    *,
    https: bool = False,
    cors_origins: Collection[str] = (),
) -> FastAPI:
    """The application around ready-made parts, which are opened and closed with it.

    Other sites' pages may call it only when their origin is in `cors_origins`, and never with a
    candidate's cookie.
    """
    meters = Meters()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_parts(meters) as parts:
            app.state.parts = parts
            yield

    app = FastAPI(
        title="CodeVoice",
        version=VERSION,
        description="Technical interviews by voice and by text.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        telemetry=_SILENT,
        generate_unique_id_function=lambda route: route.name,
    )
    errors.install(app)
    app.add_exception_handler(404, _no_such_place)
    for router in _ROUTERS:
        app.include_router(router)
    _surround(app, meters, https, cors_origins)
    app.openapi = lambda: openapi.document(app, _ROUTERS)  # type: ignore[method-assign]  # FastAPI's own way
    return app


async def _no_such_place(request: Request, error: Exception) -> Response:
    """A person who mistyped an address gets a page, a program a problem."""
    wants_page = "text/html" in request.headers.get("accept", "")
    if wants_page and not request.url.path.startswith("/api/"):
        return away(404)
    return await errors.answer(request, errors.Failure.of(NotFound("There is no such place.")))


def _surround(app: FastAPI, meters: Meters, https: bool, origins: Collection[str]) -> None:
    """Added last, stands outermost: other sites' pages may read refusals and failures too."""
    app.add_middleware(Bounded)
    app.add_middleware(Guarded, https=https)
    app.add_middleware(Observed, meters=meters)
    if origins:
        cors: dict[str, Any] = {
            "allow_origins": list(origins),
            "allow_methods": ["GET", "POST"],
            "allow_headers": [
                *("Authorization", "Content-Type", "Idempotency-Key"),
                *("If-None-Match", "Last-Event-ID"),
            ],
            "expose_headers": ["ETag", "Retry-After", "Idempotent-Replayed", "X-Request-Id"],
            "max_age": 600,
        }
        app.add_middleware(CORSMiddleware, **cors)
