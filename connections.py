"""What several entry points share, made from the settings: clients, signer, log."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import logging
import re
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeSerializer
from pydantic import SecretStr

from contracts.errors import NotAuthenticated, SettingError, Unavailable
from db.database import make_engine
from db.events import Listener
from db.store import Store

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine
    from temporalio.client import Client
    from temporalio.runtime import Runtime

    from settings import Settings

#: A server that is starting beside us answers within this.
_CONNECT_WITHIN_S: Final = 10.0
_LANGUAGE_MODELS_AT: Final = {
    "OpenAI": "https://api.openai.com/v1",
    "Krutrim": "https://cloud.olakrutrim.com/v1",
}


def version() -> str:
    return importlib.metadata.version("codevoice")


class LanguageModel(NamedTuple):
    """One model at one OpenAI-compatible address; `host` is how people call that address."""

    model: str
    host: str
    base_url: str
    api_key: str

    def __str__(self) -> str:
        return f"{self.model} at {self.host}"


def language_model(settings: Settings) -> LanguageModel | None:
    """The model that interviews and grades; None where none is set."""
    model, base_url = settings.openai_model, settings.openai_base_url
    if settings.krutrim_api_key:
        key, host, default = settings.krutrim_api_key, "Krutrim", "gpt-oss-120b"
    elif settings.openai_api_key:
        key, host, default = settings.openai_api_key, "OpenAI", "gpt-4.1-mini"
    elif base_url:
        key, host, default = SecretStr("none"), "", ""
    else:
        return None
    host = urlsplit(base_url).netloc if base_url else host
    address = base_url or _LANGUAGE_MODELS_AT[host]
    return LanguageModel(model or default, host, address, key.get_secret_value())


class DeepgramAccount(NamedTuple):
    """`url` is a site, http(s)://host[:port]."""

    api_key: str
    url: str
    model: str
    voice: str


def deepgram(settings: Settings) -> DeepgramAccount | None:
    """What hears and speaks before the embedded speech; None where no key is set."""
    key = settings.deepgram_api_key
    if not key:
        return None
    names = settings.deepgram_model, settings.deepgram_voice
    return DeepgramAccount(key.get_secret_value(), settings.deepgram_url, *names)


class SpeechServer(NamedTuple):
    """An OpenAI-compatible server that hears, or speaks, or both: None where it has no model."""

    base_url: str
    api_key: str | None
    stt_model: str | None
    tts_model: str | None
    tts_voice: str | None

    @property
    def host(self) -> str:
        """How people call that address."""
        return urlsplit(self.base_url).netloc


def speech_server(settings: Settings) -> SpeechServer | None:
    """What hears and speaks before the embedded speech; None where none is set."""
    if not settings.speech_base_url:
        return None
    key = settings.speech_api_key
    return SpeechServer(
        settings.speech_base_url,
        key.get_secret_value() if key else None,
        settings.speech_stt_model,
        settings.speech_tts_model,
        settings.speech_tts_voice,
    )


class LiveKit(NamedTuple):
    """A LiveKit server: where we reach it, where browsers do, and the key to it."""

    url: str
    public_url: str
    api_key: str
    api_secret: str


def livekit(settings: Settings) -> LiveKit | None:
    """The server whose rooms interviews are held in; None where none is set."""
    url, key, secret = settings.livekit_url, settings.livekit_api_key, settings.livekit_api_secret
    if not (url and key and secret):
        return None
    return LiveKit(url, settings.livekit_public_url or url, key, secret.get_secret_value())


def parts(settings: Settings) -> dict[str, str]:
    """Which parts are in use, for the start line and for reports."""
    moonshine, hibari = map(importlib.metadata.version, ("moonshine-voice", "hibari-tts"))
    model = language_model(settings)
    heard = f"embedded (Moonshine tiny-en {moonshine})"
    spoken = f"embedded (Hibari {hibari})"
    if account := deepgram(settings):
        heard, spoken = f"Deepgram ({account.model})", f"Deepgram ({account.voice})"
    if server := speech_server(settings):
        heard = f"{server.stt_model} at {server.host}" if server.stt_model else heard
        voice = f"{server.tts_model} ({server.tts_voice}) at {server.host}"
        spoken = voice if server.tts_model else spoken
    return {
        "speech to text": heard,
        "text to speech": spoken,
        "interviewer": str(model or "scripted"),
        "grader": str(model or "embedded"),
        "transport": "LiveKit" if livekit(settings) else "direct WebRTC",
    }


# ---------------------------------------------------------------------------- PostgreSQL


def database_url(settings: Settings) -> str:
    """Raises SettingError when none is set."""
    if settings.database_url is None:
        raise SettingError(
            "DATABASE_URL",
            "it is not set, and no `codevoice up` runs here",
            "Set it to postgresql://user:password@host/name, or use `codevoice up`",
        )
    return settings.database_url.get_secret_value()


def engine(settings: Settings) -> AsyncEngine:
    return make_engine(database_url(settings))


def open_store(settings: Settings) -> Store:
    """Connects when it is first used; then raises Unavailable when the database is away."""
    return Store(engine(settings))


async def reach(store: Store) -> None:
    """Raises SettingError when the database does not answer within 10 s, or has no tables."""
    deadline = time.monotonic() + _CONNECT_WITHIN_S
    while True:
        try:
            await store.access.reachable()
            return
        except Unavailable as failure:
            why = failure.detail
        if time.monotonic() > deadline:
            raise SettingError(
                "DATABASE_URL",
                why[:1].lower() + why[1:],
                "Start PostgreSQL there and run the migrations, or correct host, name and password",
            )
        await asyncio.sleep(0.2)


def listener(settings: Settings) -> Listener:
    return Listener(database_url(settings))


# ---------------------------------------------------------------------------- Temporal


async def temporal_client(settings: Settings, runtime: Runtime | None = None) -> Client:
    """Raises SettingError when Temporal does not answer within 10 s, or lacks the namespace."""
    address = settings.temporal_address
    if address is None:
        raise SettingError(
            "TEMPORAL_ADDRESS",
            "it is not set, and no `codevoice up` runs here",
            "Set it to Temporal's host:port, or use `codevoice up`",
        )
    deadline = time.monotonic() + _CONNECT_WITHIN_S
    while True:
        left_s = max(0.1, deadline - time.monotonic())
        try:
            return await asyncio.wait_for(_connect(settings, address, runtime), left_s)
        except (TimeoutError, RuntimeError, OSError):
            if time.monotonic() > deadline:
                break
        await asyncio.sleep(0.2)
    raise SettingError(
        "TEMPORAL_ADDRESS", f"no Temporal answers at {address}", "Start it there, or correct it"
    )


async def _connect(settings: Settings, address: str, runtime: Runtime | None) -> Client:
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
    from temporalio.client import Client
    from temporalio.contrib.pydantic import pydantic_data_converter
    from temporalio.service import RPCError, RPCStatusCode

    namespace = settings.temporal_namespace
    client = await Client.connect(
        address, namespace=namespace, data_converter=pydantic_data_converter, runtime=runtime
    )
    try:
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=namespace)
        )
    except RPCError as failure:
        if failure.status is not RPCStatusCode.NOT_FOUND:
            raise OSError from None
        raise SettingError(
            "TEMPORAL_NAMESPACE",
            f"the Temporal at {address} has no namespace {namespace}",
            "Create it with `temporal operator namespace create`, or correct the name",
        ) from None
    return client


# ---------------------------------------------------------------------------- tokens


class Audience(StrEnum):
    """What a token is for. One made for another audience is refused like a forged one."""

    CANDIDATE_LINK = "candidate-link"
    CANDIDATE_SESSION = "candidate-session"
    STAFF_LINK = "staff-link"
    STAFF_SESSION = "staff-session"


class TokenSigner:
    """Signed, expiring claims that fit into an address. They are readable: no secrets in them."""

    def __init__(self, secret_key: str) -> None:
        self._secret_key = secret_key

    def sign(self, audience: str, claims: Mapping[str, Any], expires_at: datetime) -> str:
        """`claims` are what JSON holds; `expires_at` is aware."""
        return str(self._serializer(audience).dumps([dict(claims), int(expires_at.timestamp())]))

    def verify(self, audience: str, token: str) -> dict[str, Any]:
        """The claims. Raises NotAuthenticated for any token that is not ours, or not any more."""
        try:
            claims, expires = self._serializer(audience).loads(token)
        except (BadData, ValueError, TypeError):
            raise NotAuthenticated from None
        if not isinstance(claims, dict) or time.time() >= expires:
            raise NotAuthenticated
        return claims

    def _serializer(self, audience: str) -> URLSafeSerializer:
        return URLSafeSerializer(
            self._secret_key,
            salt=f"codevoice.{audience}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )


def token_signer(settings: Settings) -> TokenSigner:
    if settings.secret_key is None:
        raise SettingError("SECRET_KEY", "it is not set", "Set 32 random characters or more")
    return TokenSigner(settings.secret_key.get_secret_value())


# ---------------------------------------------------------------------------- the log

_SECRETS: Final = (
    (re.compile(r"(?i)\b(postgres(?:ql)?(?:\+\w+)?://[^:/@\s]*):[^@\s]*@"), r"\1:[password]@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), r"\1 [key]"),
    (re.compile(r"(?i)\b(token)\s+[\w.~+/=-]{20,}"), r"\1 [key]"),
    (re.compile(r"\bcv_[\w-]+"), "[key]"),
    (re.compile(r"/(i|r)/[\w.-]{20,}"), r"/\1/[token]"),
    (re.compile(r"\beyJ[\w-]+(?:\.[\w-]*)*"), "[token]"),
    (re.compile(r"\b[\w-]{20,}\.[\w-]{20,}(?:\.[\w-]{10,})?"), "[token]"),
    (re.compile(r"(?i)\b((?:[\w-]*(?:api[_-]?key|secret|token|password))[\"']?\s*[=:]\s*)[^\s,&;]+"),
     r"\1[hidden]"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"(?m)^(a=(?:candidate|ice-pwd|ice-ufrag|fingerprint):?).*$"), r"\1[sdp]"),
)  # fmt: skip


def redacted(text: str) -> str:
    """The text without keys, tokens, passwords and addresses of people."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


class OneLine(logging.Formatter):
    """`time level logger message`, redacted, whatever was logged; line breaks as `\\n`."""

    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        words = redacted(record.getMessage())
        if record.exc_info:
            words += f" | {redacted(self.formatException(record.exc_info))}"
        line = f"{at}.{int(record.msecs):03d}Z {record.levelname} {record.name}: {words}"
        return line.replace("\r", "").replace("\n", "\\n")


_QUIET: Final = (
    "httpx", "httpcore", "httpx2", "httpcore2", "openai", "aiortc", "aioice", "sqlalchemy",
    "asyncio", "websockets", "livekit",
)  # fmt: skip


def configure_log(level: str, stream: TextIO = sys.stderr) -> None:
    """For a whole process. Libraries that quote what was said are heard from WARNING on only."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(OneLine())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True  # addresses carry tokens


def quieten_pipecat() -> None:
    """Sends Pipecat's warnings through our log as places in its code: its words may quote a
    transcript or a message from the page.
    """
    from loguru import logger

    def into_ours(message: Any) -> None:
        record = message.record
        failure = record["exception"]
        cause = f": {failure.type.__name__}" if failure and failure.type else ""
        place = f"line {record['line']} in {record['function']}{cause}"
        logging.getLogger(record["name"]).log(record["level"].no, place)

    # A line without a camera warns twice as it opens, and each that ends warns that it did.
    less: dict[str | None, str | int | bool] = {
        "": "WARNING",
        "pipecat.transports.smallwebrtc": "ERROR",
    }
    logger.remove()
    logger.add(
        into_ours,
        level="WARNING",
        filter=less,
        format="{message}",
        diagnose=False,
        backtrace=False,
    )
