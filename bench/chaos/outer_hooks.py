"""Crash points at what lies outside: LiveKit's rooms and tokens, the providers' sockets and calls.

They are methods of the libraries that speak to them, wrapped from the experiment's entry points.
Calls that change nothing (lists, looks) are none.

| name | before | done | after |
|---|---|---|---|
| `room.create`, `room.delete`, ... | not sent | done in LiveKit, not told | told |
| `token.candidate`, `token.bot` | not made | made, given to nobody | on its way |
| `socket.media`, `socket.finalize` | not sent to Deepgram | written, nobody told | told |
| `provider.speak`, `provider.chat` | not sent | the reply's head is here, not told | told |
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

from bench.chaos.points import Points
from contracts.rooms import BOT, CANDIDATE

_ROOM_CALLS: Final = {
    "CreateRoom": "room.create",
    "DeleteRoom": "room.delete",
    "UpdateRoomMetadata": "room.note",
    "UpdateParticipant": "room.stamp",
    "RemoveParticipant": "room.send_out",
}
_PATHS: Final = {"/v1/speak": "provider.speak", "/v1/chat/completions": "provider.chat"}


def listen_outside(points: Points, settings: Mapping[str, str]) -> None:
    """For the parts that are set, by their names in capitals."""
    if settings.get("LIVEKIT_URL"):
        _rooms(points)
    if settings.get("DEEPGRAM_API_KEY"):
        _deepgram(points)
    if settings.get("OPENAI_API_KEY"):
        _language_model(points)


def _rooms(points: Points) -> None:
    from livekit.api import AccessToken
    from livekit.api.twirp_client import TwirpClient

    _around(TwirpClient, "request", lambda _, __, method, *___: _ROOM_CALLS.get(method), points)

    def made(token: Any) -> str | None:
        """Those of calls to the API name nobody."""
        return f"token.{token.identity}" if token.identity in (CANDIDATE, BOT) else None

    _around_at_once(AccessToken, "to_jwt", made, points)


def _deepgram(points: Points) -> None:
    from deepgram.listen.v1.socket_client import AsyncV1SocketClient
    from httpx import AsyncHTTPTransport

    for method in ("media", "finalize"):
        name = f"socket.{method}"
        _around(AsyncV1SocketClient, f"send_{method}", lambda *_, name=name: name, points)
    _around(AsyncHTTPTransport, "handle_async_request", _requested, points)


def _language_model(points: Points) -> None:
    from httpx2 import AsyncHTTPTransport

    _around(AsyncHTTPTransport, "handle_async_request", _requested, points)


def _requested(_: Any, request: Any) -> str | None:
    return _PATHS.get(request.url.path)


def _around(owner: type, method: str, point_of: Callable[..., str | None], points: Points) -> None:
    """A coroutine method; `point_of` gets its object and what stands in order."""
    call = getattr(owner, method)

    @functools.wraps(call)
    async def pointed(*given: Any, **named: Any) -> Any:
        if (point := point_of(*given)) is None:
            return await call(*given, **named)
        points.before(point)
        result = await call(*given, **named)
        points.done(point)
        points.after(point)
        return result

    setattr(owner, method, pointed)


def _around_at_once(
    owner: type, method: str, point_of: Callable[..., str | None], points: Points
) -> None:
    """A method that waits for nothing."""
    call = getattr(owner, method)

    @functools.wraps(call)
    def pointed(*given: Any, **named: Any) -> Any:
        if (point := point_of(*given)) is None:
            return call(*given, **named)
        points.before(point)
        result = call(*given, **named)
        points.done(point)
        points.after(point)
        return result

    setattr(owner, method, pointed)
