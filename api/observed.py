"""Around every request: a reference, one log line, the metrics, and the end of unforeseen failures.

Labels are route templates and status codes, never paths: a path can carry a token or an id.
"""

from __future__ import annotations

import logging
import time
import traceback
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from api.errors import UNFORESEEN

log = logging.getLogger("codevoice.api")

_BUCKETS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15)


class Meters:
    """What /metrics shows of the HTTP side. One set per application, so that tests can run two."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "codevoice_http_requests",
            "Requests",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.duration = Histogram(
            "codevoice_http_duration_seconds",
            "Time to the first byte of the reply",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.streams = Gauge(
            "codevoice_event_streams", "Open event streams", ("kind",), registry=self.registry
        )
        self.room_events = Counter(
            "codevoice_livekit_events", "What LiveKit told", ("event",), registry=self.registry
        )
        self.replays = Counter(
            "codevoice_idempotent_replays", "Replies given again for a key", registry=self.registry
        )


class Observed:
    """Pure ASGI, the outermost layer of our own."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self.app, self.meters = app, meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        await _Request(self.app, self.meters, scope, receive, send).serve()


class _Request:
    def __init__(
        self, app: ASGIApp, meters: Meters, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self.app, self.meters = app, meters
        self.scope, self.receive, self.wire = scope, receive, send
        self.reference = scope["reference"] = str(uuid7())
        self.status = 0
        self.began = time.perf_counter()
        self.first_byte_s = 0.0

    async def serve(self) -> None:
        try:
            await self.app(self.scope, self.receive, self.send)
        except Exception as failure:
            self._tell(failure)
            if self.status:
                raise _AlreadyBegun(self.reference) from None
            await self._answer_unforeseen()
        finally:
            self._count()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.first_byte_s = time.perf_counter() - self.began
            message["headers"] = [
                *message["headers"],
                (b"x-request-id", self.reference.encode()),
            ]
        elif message["type"] == "websocket.accept":
            self.status = 101
        await self.wire(message)

    async def _answer_unforeseen(self) -> None:
        if self.scope["type"] == "http":
            await UNFORESEEN.response(self.reference)(self.scope, self.receive, self.send)
        else:
            await self.send({"type": "websocket.close", "code": 1011})

    def _tell(self, failure: Exception) -> None:
        """Type and places only: a message may hold what somebody said, or a name."""
        frames = traceback.extract_tb(failure.__traceback__)[-6:]
        where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
        kind = type(failure).__name__
        log.error("unforeseen %s at %s, reference %s", kind, where, self.reference)

    def _count(self) -> None:
        method = self.scope.get("method", "WEBSOCKET")
        if method not in _METHODS:
            method = "OTHER"
        route = getattr(self.scope.get("route"), "path", "unmatched")
        self.meters.requests.labels(method, route, str(self.status)).inc()
        if self.first_byte_s:
            self.meters.duration.labels(method, route).observe(self.first_byte_s)
        took_ms = self.first_byte_s * 1000
        log.info("%s %s %d %.1f ms %s", method, route, self.status, took_ms, self.reference)


_METHODS: Final = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET")
)


class _AlreadyBegun(Exception):
    """The reply had begun when it failed: only closing the connection tells the caller."""
