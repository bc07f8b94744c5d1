"""Deepgram as the bot's voice, with the embedded one for every sentence that it does not speak."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final

from deepgram import AsyncDeepgramClient
from uuid_utils.compat import uuid7

from contracts.usage import Book, Purpose, Usage, unbooked
from voice.breaker import Breaker
from voice.deepgram.account import ONCE, Lost, blame
from voice.engines import CACHE_BYTES, TTS_RATE_HZ, Sentences
from voice.script import sentences
from voice.speech import Voice

#: The first sound takes 0.1 to 0.4 s. After this the embedded voice has the sentence.
FIRST_SOUND_WITHIN_S: Final = 1.2
#: How far the sound may fall behind its own playing before the sentence is taken over.
BEHIND_S: Final = 0.7


class Unspoken(Exception):
    """Deepgram did not speak the sentence, or not to its end."""


class DeepgramVoice:
    """Each text is one request; what was spoken or prepared is kept by its text.

    Prepared sentences play at once, as the embedded ones do. While the breaker is open sentences
    are spoken here without asking; preparing is what tries again, so that no candidate waits for
    the trial. Of a sentence that breaks off in the middle everything is said again.
    """

    sample_rate_hz: Final = TTS_RATE_HZ

    def __init__(
        self, client: AsyncDeepgramClient, name: str, breaker: Breaker, embedded: Voice
    ) -> None:
        self._client = client
        self._name = name
        self._breaker = breaker
        self._embedded = embedded
        self._kept = Sentences(CACHE_BYTES)
        self._book: Book = unbooked

    def booking(self, book: Book) -> DeepgramVoice:
        """The same voice, with the same sentences kept; `book` is told of what it is asked for."""
        bound = copy.copy(self)
        bound._book = book
        return bound

    def named(self, name: str, breaker: Breaker) -> DeepgramVoice:
        """Another voice, whose sentences are kept beside this one's."""
        other = copy.copy(self)
        other._name, other._breaker = name, breaker
        return other

    async def synthesise(self, text: str, *, speed: float = 1.0) -> AsyncIterator[bytes]:
        spoken = self._kept.get((self._name, text, speed))
        if spoken is not None:
            yield spoken
            return
        try:
            if not self._breaker.closed:
                raise Unspoken
            async with aclosing(self._speak(text, speed)) as parts:
                async for part in parts:
                    yield part
        except Unspoken:
            async for part in self._embedded.synthesise(text, speed=speed):
                yield part

    async def prepare(self, text: str, *, speed: float = 1.0) -> None:
        """Of a line, each sentence as the mouth will ask for it."""
        for sentence in sentences(text):
            if self._kept.get((self._name, sentence, speed)) is not None:
                continue
            try:
                if not self._breaker.admits():
                    raise Unspoken
                async with aclosing(self._speak(sentence, speed)) as parts:
                    async for _ in parts:
                        pass
            except Unspoken:
                await self._embedded.prepare(sentence, speed=speed)

    async def _speak(self, text: str, speed: float) -> AsyncGenerator[bytes, None]:
        """Raises Unspoken, having told the breaker."""
        spoken = bytearray()
        try:
            async with aclosing(self._parts(text, speed)) as parts:
                within_s, waited_s = FIRST_SOUND_WITHIN_S, 0.0
                while True:
                    asked = time.monotonic()
                    async with asyncio.timeout(within_s):
                        part = await anext(parts, None)
                    if part is None:
                        break
                    waited_s += time.monotonic() - asked if spoken else 0.0
                    spoken += part
                    within_s = len(spoken) / 2 / TTS_RATE_HZ + BEHIND_S - waited_s
                    yield part
            if not spoken:
                raise Lost("speaks no sound")
        except Exception as failure:
            blame(self._breaker, failure)
            raise Unspoken from None
        self._breaker.worked()
        self._kept.put((self._name, text, speed), bytes(spoken))

    async def _parts(self, text: str, speed: float) -> AsyncGenerator[bytes, None]:
        purpose, characters = Purpose.TEXT_TO_SPEECH, len(text)
        asked = self._client.speak.v1.audio.with_raw_response.generate(
            text=text,
            model=self._name,
            encoding="linear16",
            container="none",
            sample_rate=TTS_RATE_HZ,
            speed=None if speed == 1.0 else speed,
            request_options=ONCE,
        )
        async with asked as response:
            if not response.headers.get("content-type", "").startswith("audio/"):
                raise Lost("answers with something else than sound")
            self._book(Usage(id=uuid7(), purpose=purpose, model=self._name, characters=characters))
            async for part in response.data:
                yield part
