"""The server as the bot's voice: one request for each text, its sound as it is made."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Final

import openai

from voice.breaker import Lost
from voice.provider import Ask

#: A server of one's own may have no accelerator. After this the embedded voice has the sentence.
FIRST_SOUND_WITHIN_S: Final = 1.8
#: What a server sends that heeds no `response_format`; played as PCM it is a loud noise.
_CONTAINERS: Final = (b"RIFF", b"ID3", b"OggS", b"fLaC", b"\x1aE\xdf\xa3")
_RAW: Final = frozenset({"audio/pcm", "audio/l16", "audio/raw", "audio/x-raw"})
_UNSAID: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})


class NotRaw(Lost):
    """It sends sound, in a container that was not asked for."""


def speaks(client: openai.AsyncOpenAI, model: str, voice: str) -> Ask:
    """How that voice of that model is asked for a text's sound."""

    @asynccontextmanager
    async def ask(text: str, speed: float) -> AsyncIterator[AsyncIterator[bytes]]:
        asked = client.audio.speech.with_streaming_response.create(
            input=text,
            model=model,
            voice=voice,
            response_format="pcm",
            speed=openai.omit if speed == 1.0 else speed,
        )
        async with asked as response:
            _check_kind(response.headers.get("content-type", ""))
            async with aclosing(_raw(response.iter_bytes())) as sound:
                yield sound

    return ask


def _check_kind(content_type: str) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _RAW | _UNSAID:
        return
    if kind.startswith("audio/"):
        raise NotRaw("answers with sound in a container")
    raise Lost("answers with something else than sound")


async def _raw(parts: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    begun = b""
    async for part in parts:
        if len(begun) < 4:
            begun += part[:4]
            if begun.startswith(_CONTAINERS):
                raise NotRaw("answers with sound in a container")
        yield part
