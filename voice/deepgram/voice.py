"""Deepgram as the bot's voice: one request for each text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from deepgram import AsyncDeepgramClient

from voice.breaker import Lost
from voice.deepgram.account import ONCE
from voice.engines import TTS_RATE_HZ
from voice.provider import Ask

#: The first sound takes 0.1 to 0.4 s. After this the embedded voice has the sentence.
FIRST_SOUND_WITHIN_S: Final = 1.2


def speaks(client: AsyncDeepgramClient, voice: str) -> Ask:
    """How that voice is asked for a text's sound."""

    @asynccontextmanager
    async def ask(text: str, speed: float) -> AsyncIterator[AsyncIterator[bytes]]:
        asked = client.speak.v1.audio.with_raw_response.generate(
            text=text,
            model=voice,
            encoding="linear16",
            container="none",
            sample_rate=TTS_RATE_HZ,
            speed=None if speed == 1.0 else speed,
            request_options=ONCE,
        )
        async with asked as response:
            if not response.headers.get("content-type", "").startswith("audio/"):
                raise Lost("answers with something else than sound")
            yield response.data

    return ask
