"""Style sheets, modules and icons under an address that names their content."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER: Final = Path(__file__).parent / "static"
#: One file without imports, which `make web` installs: rooms need it, nothing else does.
LIVEKIT_CLIENT: Final = (
    Path(__file__).parent / "node_modules" / "livekit-client" / "dist" / "livekit-client.umd.js"
)
LIVEKIT_ROOT: Final = "/static/livekit"

#: Some systems' registries call modules text/plain, which browsers refuse to run.
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("image/svg+xml", ".svg")


def _digest() -> str:
    content = hashlib.sha256()
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            content.update(path.relative_to(FOLDER).as_posix().encode())
            content.update(path.read_bytes())
    return content.hexdigest()[:12]


#: Modules import each other by relative address, so all of them carry the digest along.
ROOT: Final = f"/static/{_digest()}"


_FOR_EVER: Final = "public, max-age=31536000, immutable"


async def _livekit_client(request: Request) -> Response:
    return FileResponse(LIVEKIT_CLIENT, headers={"cache-control": _FOR_EVER})


class _Unchanging(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["cache-control"] = _FOR_EVER
        return response


def livekit_client() -> str | None:
    """Where browsers find LiveKit's client, by a name that changes with it; None without it."""
    if not LIVEKIT_CLIENT.exists():
        return None
    return f"{LIVEKIT_ROOT}/{hashlib.sha256(LIVEKIT_CLIENT.read_bytes()).hexdigest()[:12]}.js"


def mount(app: FastAPI) -> None:
    if (place := livekit_client()) is not None:
        app.add_route(place, _livekit_client)
    app.mount(ROOT, _Unchanging(directory=FOLDER), name="static")
