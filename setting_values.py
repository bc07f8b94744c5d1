"""What the value of a setting may look like, and which settings go together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from contracts.errors import SettingError

if TYPE_CHECKING:
    from settings import Settings


def _split(value: object) -> object:
    """`a, b` as people write lists."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _websocket(value: str) -> str:
    parts = urlsplit(value.rstrip("/"))
    if parts.scheme not in {"ws", "wss"} or not parts.netloc or parts.query:
        raise ValueError("it is not of the form wss://host or ws://host:port")
    return value.rstrip("/")


def _site(value: str) -> str:
    parts = urlsplit(value.rstrip("/"))
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or parts.query:
        raise ValueError("it is not of the form https://host or http://host:port")
    return f"{parts.scheme}://{parts.netloc}"


#: A model's or voice's name as providers write them: `openai/gpt-oss-120b`, `llama3.2:3b`.
MODEL_NAME: Final = r"^[A-Za-z0-9][\w.:/-]{0,127}$"
#: Kokoro's voices can be mixed: `af_bella(2)+af_sky(1)`.
VOICE_NAME: Final = r"^[\w.:/+()-]{1,128}$"
#: As OpenAI's SDK wants it: its own ends in `/v1`.
BASE_URL: Final = r"^https?://[^\s/?#]+(/[^\s?#]*)?$"
Port = Annotated[int, Field(ge=1, le=65535)]
Site = Annotated[str, AfterValidator(lambda value: value and _site(value))]
Sites = Annotated[tuple[Site, ...], BeforeValidator(_split)]
CommaList = Annotated[tuple[str, ...], BeforeValidator(_split)]
WebSocket = Annotated[str, AfterValidator(_websocket)]

#: Settings that others ask for: who is asked for, by whom.
_NEEDED: Final = (
    ("LIVEKIT_API_KEY", "LIVEKIT_URL"),
    ("LIVEKIT_API_SECRET", "LIVEKIT_URL"),
    ("OPENAI_MODEL", "OPENAI_BASE_URL"),
    ("SPEECH_TTS_VOICE", "SPEECH_TTS_MODEL"),
    ("SPEECH_TTS_MODEL", "SPEECH_TTS_VOICE"),
    ("SPEECH_BASE_URL", "SPEECH_STT_MODEL"),
    ("SPEECH_BASE_URL", "SPEECH_TTS_MODEL"),
)
#: Each alone says who serves us.
_RIVALS: Final = (
    ("KRUTRIM_API_KEY", "OPENAI_API_KEY"),
    ("SPEECH_BASE_URL", "DEEPGRAM_API_KEY"),
)


def agreed(settings: Settings) -> Settings:
    """Raises SettingError for a setting that another one asks for, or does not bear."""
    given = {name.upper() for name in type(settings).model_fields if getattr(settings, name)}
    for name, by in _NEEDED:
        if by in given and name not in given:
            what = type(settings).model_fields[name.lower()].description
            raise SettingError(name, f"it is not set, and {by} is", f"Set it. It is {what}")
    for name, other in _RIVALS:
        if {name, other} <= given:
            raise SettingError(name, f"{other} is set as well", "Remove one of the two")
    if "SPEECH_BASE_URL" in given and given.isdisjoint({"SPEECH_STT_MODEL", "SPEECH_TTS_MODEL"}):
        remedy = "Set SPEECH_STT_MODEL, or SPEECH_TTS_MODEL with SPEECH_TTS_VOICE, or both"
        raise SettingError("SPEECH_BASE_URL", "it is set, and no model of it is", remedy)
    return settings
