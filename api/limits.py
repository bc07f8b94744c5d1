"""How much a caller may send at once, and ask in a minute."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from typing import Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Failure
from contracts.errors import TooMany

#: A request's body. The longest answer is 20,000 characters: at most 240 kB of escaped JSON.
MAX_BODY_BYTES: Final = 262_144
_REMEMBERED: Final = 10_000


class Bounded:
    """Refuses a body over `limit` bytes: by its stated length at once, else while it is read."""

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY_BYTES) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif _stated_length(scope) > self.limit:
            await Failure.plain(413).response(scope["reference"])(scope, receive, send)
        else:
            await self.app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.limit:
                raise HTTPException(413)
            return message

        return counted


def _stated_length(scope: Scope) -> int:
    stated = dict(scope["headers"]).get(b"content-length", b"0")
    return int(stated) if stated.isdigit() else 0


class Pace:
    """Per process. At most `limit` calls within `window_s` for each interview."""

    def __init__(self, limit: int, window_s: float = 60.0) -> None:
        self.limit, self.window_s = limit, window_s
        self._calls: dict[UUID, deque[float]] = {}

    def check(self, interview_id: UUID) -> None:
        """Counts one call. Raises TooMany with the time until the next may come."""
        now = time.monotonic()
        calls = self._calls.setdefault(interview_id, deque())
        while calls and calls[0] <= now - self.window_s:
            calls.popleft()
        if len(calls) >= self.limit:
            raise TooMany(retry_after_s=calls[0] + self.window_s - now)
        calls.append(now)
        if len(self._calls) > _REMEMBERED:
            self._forget_idle(now)

    def _forget_idle(self, now: float) -> None:
        idle = [key for key, calls in self._calls.items() if calls[-1] <= now - self.window_s]
        for key in idle:
            del self._calls[key]


class Once:
    """Per process. Knows the newest ids again, so that what is told twice counts once."""

    def __init__(self, remembered: int = 2_000) -> None:
        self._remembered = remembered
        self._ids: OrderedDict[str, None] = OrderedDict()

    def first_time(self, told: str) -> bool:
        if told in self._ids:
            return False
        self._ids[told] = None
        if len(self._ids) > self._remembered:
            self._ids.popitem(last=False)
        return True
