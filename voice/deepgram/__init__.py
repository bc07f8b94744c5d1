"""Deepgram as ears and voice of the bots of one process, with the embedded speech behind both."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from typing import Final

from contracts.manner import English, Manner
from contracts.usage import Book, unbooked
from voice.breaker import Breaker, NamedBreaker
from voice.deepgram.account import Account, check
from voice.deepgram.ears import DeepgramEars
from voice.deepgram.voice import DeepgramVoice
from voice.speech import Voice

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
        self._voice = DeepgramVoice(account.client(), account.voice, self.speaking, embedded)

    @property
    def breakers(self) -> tuple[Breaker, ...]:
        """Those of the service."""
        return self.hearing, self.speaking

    def asked(self, manner: Manner) -> Deepgram:
        """The same, with the voice and the language that an interview names."""
        chosen = copy.copy(self)
        if manner.voice and manner.voice != self._account.voice:
            chosen.speaking = self._of(manner.voice, self.speaking)
            chosen._voice = self._voice.named(manner.voice, chosen.speaking)
        if manner.language and manner.language is not self._language:
            chosen.hearing = self._of(manner.language, self.hearing)
            chosen._language = manner.language
        return chosen

    def voice(self, book: Book = unbooked) -> Voice:
        """For one conversation, which pays for what was not spoken before in this process."""
        return self._voice.booking(book)

    def ears(
        self, terms: Callable[[], Sequence[str]], repaired: Callable[[str], str], book: Book
    ) -> DeepgramEars:
        """For one conversation."""
        return DeepgramEars(
            self._account,
            self.hearing,
            terms=terms,
            repaired=repaired,
            book=book,
            language=self._language,
        )

    def _of(self, name: str, service: Breaker) -> NamedBreaker:
        """The one named last is kept longest."""
        known = self._named.pop(name, None)
        found = known or NamedBreaker(f"{service.provider} ({name})", service, self._clock)
        self._named[name] = found
        if len(self._named) > NAMES_KEPT:
            del self._named[next(iter(self._named))]
        return found
