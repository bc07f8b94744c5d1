"""The product's HTTP side on a real database and a real Temporal, for a browser to look at."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import uvicorn
from fastapi import FastAPI
from temporalio.client import Client

from api.app import assemble
from api.links import SignedTokens, join_url, report_url
from api.observed import Meters
from api.parts import Parts
from connections import TokenSigner
from contracts.interview import InterviewStatus, Snapshot
from db.database import make_engine
from db.events import Listener
from db.rows import Interview
from db.store import Store
from local.processes import Child
from tests.builders import a_new_interview
from tests.livekit import Running
from tests.waiting import eventually
from web import routes
from workflows.interview_client import InterviewClient


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


class Site:
    """Started and stopped as often as a test likes; it comes back at the same address."""

    def __init__(self, database_url: str, temporal: Client, livekit: Running | None = None) -> None:
        self.livekit = livekit
        self.speaking: Child | None = None
        self.database_url = database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.store = Store(make_engine(database_url))
        self._listener = Listener(database_url)
        self._temporal = temporal
        self._tokens = SignedTokens(TokenSigner("only for tests, and long enough for a key"))
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self.interviews = InterviewClient(temporal)

    def parts(self, meters: Meters | None = None) -> Parts:
        return Parts(
            store=self.store,
            interviews=self.interviews,
            temporal=self._temporal,
            listener=self._listener,
            tokens=self._tokens,
            public_url=self.url,
            rooms=self.livekit.rooms if self.livekit else None,
            meters=meters or Meters(),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self._listener:
            await self._listener.listening()
            await self.start()
            try:
                yield
            finally:
                await self.stop()
                await self.store.close()

    async def start(self) -> None:
        app = self._app()
        config = uvicorn.Config(
            app, port=self.port, log_level="warning", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._server.serve())
        server = self._server
        await eventually(lambda: server.started)

    async def stop(self) -> None:
        if self._server is None or self._serving is None:
            return
        self._server.should_exit = True
        await self._serving
        self._server = self._serving = None

    def _app(self) -> FastAPI:
        @asynccontextmanager
        async def open_parts(meters: Meters) -> AsyncIterator[Parts]:
            yield self.parts(meters)

        app = assemble(open_parts)
        routes.mount(app, livekit_url=self.livekit.url if self.livekit else None)
        return app

    # ------------------------------------------------------------------ interviews

    async def invite(self, **changes: Any) -> Interview:
        """An interview whose workflow runs, as the API makes it."""
        new = await a_new_interview(self.store, **changes)
        if self.livekit:
            start = new.start.model_copy(update={"transport": "livekit"})
            new = new.model_copy(update={"start": start})
        interview = await self.store.interviews.create(new)
        await self.interviews.start(interview.start)
        await self.store.interviews.mark_started(interview.id)
        return interview

    async def a_row(self, status: InterviewStatus, **changes: Any) -> Interview:
        """An interview that only its row knows: enough for a page to be looked at."""
        new = await a_new_interview(self.store, **changes)
        interview = await self.store.interviews.create(new)
        await self.store.interviews.save_snapshot(_in_state(interview.snapshot, status))
        return await self.store.interviews.get(interview.id)

    def link(self, interview: Interview) -> str:
        return join_url(self.parts(), interview)

    def staff_link(self, interview: Interview) -> str:
        return report_url(self.parts(), interview)


def _in_state(snapshot: Snapshot, status: InterviewStatus) -> Snapshot:
    changes = {
        "status": status,
        "state_version": snapshot.state_version + 1,
        "consented": status not in (InterviewStatus.WAITING, InterviewStatus.SCHEDULED),
        "remaining": timedelta(minutes=17),
    }
    return snapshot.model_copy(update=changes)
