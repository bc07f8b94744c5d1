"""What changed in an interview: the stored sequence, and word of it as it happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import weakref
from collections import defaultdict
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import psycopg
from psycopg import conninfo
from sqlalchemy import select, text

from db import tables
from db.database import Database, libpq_url
from db.rows import Event

CHANNEL = "interview_events"

#: A peer that is silently gone (a frozen host, a cut line) is noticed within about 10 s.
_CONNECTION: dict[str, Any] = {
    "application_name": "codevoice listener",
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

_log = logging.getLogger(__name__)
#: Above this many interviews the empty ones are looked for.
_MANY = 1000
_LATEST = text(
    "SELECT coalesce(max(id), 0) AS id FROM interview_events WHERE interview_id = :interview_id"
)


class Events:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def since(self, interview_id: UUID, event_id: int, limit: int = 500) -> tuple[Event, ...]:
        """Those after `event_id`, in order: what `Last-Event-ID` resumes from."""
        event = tables.InterviewEvents
        rows = await self._database.rows(
            select(event)
            .where(event.interview_id == interview_id, event.id > event_id)
            .order_by(event.id)
            .limit(limit)
        )
        return tuple(Event.model_validate(dict(row)) for row in rows)

    async def latest(self, interview_id: UUID) -> int:
        """The newest event's id; 0 before the first."""
        row = await self._database.row(_LATEST, {"interview_id": interview_id})
        return int(row["id"]) if row is not None else 0


class Subscription:
    """An async iterator of state versions, listening from the moment it is made.

    Each item says "read again": it comes after any event, a turn's too, and after the listener has
    been away. What comes while nobody reads is joined into one item. Ends when closed.
    """

    def __init__(self) -> None:
        self._newest: int | None = None
        self._closed = False
        self._word = asyncio.Event()

    def tell(self, state_version: int) -> None:
        self._newest = max(state_version, self._newest or 0)
        self._word.set()

    def close(self) -> None:
        self._closed = True
        self._word.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> int:
        await self._word.wait()
        if self._closed:
            raise StopAsyncIteration
        self._word.clear()
        newest, self._newest = self._newest, None
        return newest or 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Listener:
    """One connection of this process to the channel, shared by all its subscribers.

    `async with Listener(url) as listener`. It reconnects after 0.1 s, then twice as late up to 3 s.
    After each reconnect every subscriber is told its interview's present state version, so that
    nothing stays unseen.
    """

    def __init__(self, url: str) -> None:
        self._url = libpq_url(url)
        self._subscribers: defaultdict[UUID, weakref.WeakSet[Subscription]] = defaultdict(
            weakref.WeakSet
        )
        self._listening = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def start(self) -> None:
        self._task = self._task or asyncio.create_task(self._keep_listening(), name="listener")

    async def stop(self) -> None:
        """Ends the connection and every subscription."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        for subscribers in list(self._subscribers.values()):
            for subscriber in list(subscribers):
                subscriber.close()

    async def listening(self) -> None:
        """Returns once the channel is heard."""
        await self._listening.wait()

    @property
    def connected(self) -> bool:
        return self._listening.is_set()

    def subscribe(self, interview_id: UUID) -> Subscription:
        """Made before the state is read, it misses nothing. Kept only as long as it is held."""
        subscription = Subscription()
        self._subscribers[interview_id].add(subscription)
        return subscription

    async def _keep_listening(self) -> None:
        wait_s = 0.1
        while True:
            try:
                async for _ in self._heard():
                    wait_s = 0.1
            except (psycopg.Error, OSError):
                _log.warning("the listener lost the database; it tries again in %.1f s", wait_s)
            finally:
                self._listening.clear()
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, 3.0)

    async def _heard(self) -> AsyncIterator[None]:
        connection = await psycopg.AsyncConnection.connect(
            conninfo.make_conninfo(self._url, **_CONNECTION), autocommit=True
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            await self._tell_all(connection)
            self._listening.set()
            yield
            async for notice in connection.notifies():
                self._tell(notice.payload)

    async def _tell_all(self, connection: psycopg.AsyncConnection) -> None:
        self._forget_gone()
        wanted = list(self._subscribers)
        found = await connection.execute(
            "SELECT id, state_version FROM interviews WHERE id = ANY(%s)", [wanted]
        )
        for interview_id, state_version in await found.fetchall():
            self._tell_one(interview_id, state_version)

    def _tell(self, payload: str) -> None:
        word = json.loads(payload)
        self._tell_one(UUID(word["interview_id"]), int(word["state_version"]))

    def _tell_one(self, interview_id: UUID, state_version: int) -> None:
        for subscriber in list(self._subscribers.get(interview_id, ())):
            subscriber.tell(state_version)
        if len(self._subscribers) > _MANY:
            self._forget_gone()

    def _forget_gone(self) -> None:
        for interview_id in [each for each, left in self._subscribers.items() if not left]:
            del self._subscribers[interview_id]
