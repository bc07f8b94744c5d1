"""What every reply says to the browser, unless the route said it already."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Pages carry no inline script or style; the room plays recordings from memory (blob:).
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_PERMISSIONS: Final = "microphone=(self), camera={}, geolocation=(), display-capture=()"
#: A room where a picture may be shown. Everywhere else the browser gives no camera.
CAMERA_PERMISSIONS: Final = _PERMISSIONS.format("(self)")
DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"

_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", _PERMISSIONS.format("()").encode()),
    (b"cache-control", b"no-store"),
)
_PAGE: Final = (b"content-security-policy", PAGE_POLICY.encode())
_DATA: Final = (b"content-security-policy", DATA_POLICY.encode())
_HSTS: Final = (b"strict-transport-security", b"max-age=31536000")


class Guarded:
    """`https`: the service is reached over TLS, and browsers shall remember it."""

    def __init__(self, app: ASGIApp, https: bool) -> None:
        self.app = app
        self.always = (*_ALWAYS, _HSTS) if https else _ALWAYS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._completed(message["headers"])
            await send(message)

        await self.app(scope, receive, guarded)

    def _completed(self, given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        said = {name.lower(): value for name, value in given}
        page = said.get(b"content-type", b"").startswith(b"text/html")
        wanted = (*self.always, _PAGE if page else _DATA)
        return [*given, *(header for header in wanted if header[0] not in said)]
