"""What the value of a setting may look like."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field


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
Port = Annotated[int, Field(ge=1, le=65535)]
Site = Annotated[str, AfterValidator(lambda value: value and _site(value))]
Sites = Annotated[tuple[Site, ...], BeforeValidator(_split)]
CommaList = Annotated[tuple[str, ...], BeforeValidator(_split)]
WebSocket = Annotated[str, AfterValidator(_websocket)]
