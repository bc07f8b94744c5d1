"""Speech from any OpenAI-compatible server, with the embedded speech behind it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from pipecat.processors.frame_processor import FrameProcessor

from contracts.manner import Manner
from contracts.usage import Book, unbooked
from voice.breaker import Breaker
from voice.engines import SpeechToText
from voice.openai.hearing import Hearing
from voice.openai.server import Server, blame
from voice.openai.start import check
from voice.openai.voice import FIRST_SOUND_WITHIN_S, speaks
from voice.provider import ProviderVoice
from voice.speech import EmbeddedSTTService, Repair, Voice

__all__ = ["OpenAISpeech", "Server", "check"]


class OpenAISpeech:
    """What all conversations of a process share of it: client, breakers, spoken sentences.

    It hears, or speaks, or both: where the server has no model for one, that is embedded.
    """

    def __init__(
        self, server: Server, embedded: Voice, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._server = server
        self._client = server.client()
        self.hearing = Breaker(f"speech to text at {server.host}", clock)
        self.speaking = Breaker(f"text to speech at {server.host}", clock)
        self._embedded = embedded
        self._voice = self._speaking()

    def _speaking(self) -> ProviderVoice | None:
        model, voice = self._server.speaks_with, self._server.voice
        if model is None or voice is None:
            return None
        return ProviderVoice(
            model,
            speaks(self._client, model, voice),
            blame,
            self.speaking,
            self._embedded,
            first_sound_within_s=FIRST_SOUND_WITHIN_S,
        )

    @property
    def breakers(self) -> tuple[Breaker, ...]:
        """Of what it is used for."""
        used = {self.hearing: self._server.hears_with, self.speaking: self._voice}
        return tuple(breaker for breaker, use in used.items() if use)

    def asked(self, manner: Manner) -> OpenAISpeech:
        """It has one voice, and Whisper one English."""
        return self

    def voice(self, book: Book = unbooked) -> Voice:
        """For one conversation, which pays for what was not spoken before in this process."""
        return self._voice.booking(book) if self._voice else self._embedded

    def ears(
        self,
        engine: SpeechToText,
        repair: Repair,
        terms: Callable[[], Sequence[str]],
        book: Book,
    ) -> list[FrameProcessor]:
        """For one conversation."""
        asked = self._hearing(terms, book)
        return [EmbeddedSTTService(engine, repair=repair, terms=terms, asked=asked)]

    async def recognise(self, audio: bytes, terms: Sequence[str], book: Book) -> str | None:
        """Recorded speech, as live speech is heard."""
        hearing = self._hearing(lambda: terms, book)
        return await hearing.words(audio) if hearing else None

    def _hearing(self, terms: Callable[[], Sequence[str]], book: Book) -> Hearing | None:
        model = self._server.hears_with
        return Hearing(self._client, model, self.hearing, terms, book) if model else None
