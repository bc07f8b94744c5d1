"""A provider's speech, which goes ahead of the embedded speech: what a bot asks of it, and its
voice, with the embedded one for every sentence that the provider does not speak."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Final, Protocol

from pipecat.processors.frame_processor import FrameProcessor
from uuid_utils.compat import uuid7

from contracts.manner import Manner
from contracts.usage import Book, Purpose, Usage, unbooked
from voice.breaker import Breaker, Lost
from voice.engines import CACHE_BYTES, TTS_RATE_HZ, Sentences, SpeechToText
from voice.script import sentences
from voice.speech import Repair, Voice

#: How far the sound may fall behind its own playing before the sentence is taken over.
BEHIND_S: Final = 0.7


class Provider(Protocol):
    """Shared by all conversations of a process. It may fail at any moment: the embedded speech
    stands behind it."""

    @property
    def breakers(self) -> tuple[Breaker, ...]:
        """What is known of it."""

    def asked(self, manner: Manner) -> Provider:
        """The same, with what an interview names of it."""

    def voice(self, book: Book = unbooked) -> Voice:
        """For one conversation, which pays for what was not spoken before in this process."""

    def ears(
        self,
        engine: SpeechToText,
        repair: Repair,
        terms: Callable[[], Sequence[str]],
        book: Book,
    ) -> list[FrameProcessor]:
        """For one conversation: the recognisers in the pipeline's order, the embedded one last."""

    async def recognise(self, audio: bytes, terms: Sequence[str], book: Book) -> str | None:
        """The words of recorded speech, 16 kHz mono PCM; None where it does not know, which takes
        3 s at most. Raises nothing."""


#: Asks for a text's sound at a speed. Entered once the provider has taken the text; mono 16-bit
#: PCM of `TTS_RATE_HZ` follows as it comes. Raises whatever the provider's client raises, and Lost.
Ask = Callable[[str, float], AbstractAsyncContextManager[AsyncIterator[bytes]]]
#: Tells the breaker of a failure, in words that hold neither a text nor a key.
Blame = Callable[[Breaker, BaseException], None]


class Unspoken(Exception):
    """The provider did not speak the sentence, or not to its end."""


class ProviderVoice:
    """Each text is one request; what was spoken or prepared is kept by its text.

    Prepared sentences play at once, as the embedded ones do. While the breaker is open sentences
    are spoken here without asking; preparing is what tries again, so that no candidate waits for
    the trial. Of a sentence that breaks off in the middle everything is said again.
    """

    sample_rate_hz: Final = TTS_RATE_HZ

    def __init__(
        self,
        name: str,
        ask: Ask,
        blame: Blame,
        breaker: Breaker,
        embedded: Voice,
        *,
        first_sound_within_s: float,
    ) -> None:
        """`name` is what is booked. After `first_sound_within_s` the embedded voice has the
        sentence."""
        self._name = name
        self._ask = ask
        self._blame = blame
        self._breaker = breaker
        self._embedded = embedded
        self._first_sound_within_s = first_sound_within_s
        self._kept = Sentences(CACHE_BYTES)
        self._book: Book = unbooked

    def booking(self, book: Book) -> ProviderVoice:
        """The same voice, with the same sentences kept; `book` is told of what it is asked for."""
        bound = copy.copy(self)
        bound._book = book
        return bound

    def named(self, name: str, ask: Ask, breaker: Breaker) -> ProviderVoice:
        """Another voice, whose sentences are kept beside this one's."""
        other = copy.copy(self)
        other._name, other._ask, other._breaker = name, ask, breaker
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
                within_s, waited_s = self._first_sound_within_s, 0.0
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
            self._blame(self._breaker, failure)
            raise Unspoken from None
        self._breaker.worked()
        self._kept.put((self._name, text, speed), bytes(spoken))

    async def _parts(self, text: str, speed: float) -> AsyncGenerator[bytes, None]:
        purpose, characters = Purpose.TEXT_TO_SPEECH, len(text)
        async with self._ask(text, speed) as sound:
            self._book(Usage(id=uuid7(), purpose=purpose, model=self._name, characters=characters))
            async for part in sound:
                yield part
