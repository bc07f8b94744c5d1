"""Deepgram as ears and voice of the bots of one process, with the embedded speech behind both."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from typing import Final

from pipecat.processors.frame_processor import FrameProcessor

from contracts.manner import English, Manner
from contracts.usage import Book, unbooked
from voice.breaker import Breaker, NamedBreaker
from voice.deepgram.account import Account, blame, check
from voice.deepgram.ears import DeepgramEars
from voice.deepgram.recorded import words
from voice.deepgram.voice import FIRST_SOUND_WITHIN_S, speaks
from voice.engines import SpeechToText
from voice.provider import ProviderVoice
from voice.speech import EmbeddedSTTService, Repair, Voice

__all__ = ["Account", "Deepgram", "check"]

#: Voices and languages of which it is remembered whether Deepgram refused them.
NAMES_KEPT: Final = 100


class Deepgram:
    """What all conversations of a process share of it: account, breakers, spoken sentences.

    Hearing and speaking have a breaker each: they fail apart, in the service and by its rates. So
    has each voice and language that an interview names: one that is unknown stops no other.
    """

    def __init__(
        self, account: Account, embedded: Voice, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._account = account
        self._clock = clock
        self._language = English.ANY
        self._named: dict[str, NamedBreaker] = {}
        self.hearing = Breaker("Deepgram's speech to text", clock)
        self.speaking = Breaker("Deepgram's text to speech", clock)
        self._client = account.client()
        self._voice = ProviderVoice(
            account.voice,
            speaks(self._client, account.voice),
            blame,
            self.speaking,
            embedded,
            first_sound_within_s=FIRST_SOUND_WITHIN_S,
        )

    @property
    def breakers(self) -> tuple[Breaker, ...]:
        """Those of the service."""
        return self.hearing, self.speaking

    def asked(self, manner: Manner) -> Deepgram:
        """The same, with the voice and the language that an interview names."""
        chosen = copy.copy(self)
        if manner.voice and manner.voice != self._account.voice:
            chosen.speaking = self._of(manner.voice, self.speaking)
            ask = speaks(self._client, manner.voice)
            chosen._voice = self._voice.named(manner.voice, ask, chosen.speaking)
        if manner.language and manner.language is not self._language:
            chosen.hearing = self._of(manner.language, self.hearing)
            chosen._language = manner.language
        return chosen

    def voice(self, book: Book = unbooked) -> Voice:
        """For one conversation, which pays for what was not spoken before in this process."""
        return self._voice.booking(book)

    def ears(
        self,
        engine: SpeechToText,
        repair: Repair,
        terms: Callable[[], Sequence[str]],
        book: Book,
    ) -> list[FrameProcessor]:
        """For one conversation."""
        ears = DeepgramEars(
            self._account,
            self.hearing,
            terms=terms,
            repaired=lambda text: repair.repair(text, terms()),
            book=book,
            language=self._language,
        )
        return [ears, EmbeddedSTTService(engine, repair=repair, terms=terms, ahead=ears)]

    async def recognise(self, audio: bytes, terms: Sequence[str], book: Book) -> str | None:
        """Recorded speech, while live speech is heard."""
        if not self.hearing.closed:
            return None
        model, language = self._account.model, self._language
        return await words(self._client, audio, terms, book, model=model, language=language)

    def _of(self, name: str, service: Breaker) -> NamedBreaker:
        """The one named last is kept longest."""
        known = self._named.pop(name, None)
        found = known or NamedBreaker(f"{service.provider} ({name})", service, self._clock)
        self._named[name] = found
        if len(self._named) > NAMES_KEPT:
            del self._named[next(iter(self._named))]
        return found
