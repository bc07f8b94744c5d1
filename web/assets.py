"""Style sheets, modules and icons under an address that names their content."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER: Final = Path(__file__).parent / "static"

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


class _Unchanging(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def mount(app: FastAPI) -> None:
    app.mount(ROOT, _Unchanging(directory=FOLDER), name="static")
