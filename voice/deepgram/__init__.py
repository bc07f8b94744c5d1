"""Deepgram as ears and voice of the bots of one process, with the embedded speech behind both."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from contracts.usage import Book, unbooked
from voice.breaker import Breaker
from voice.deepgram.account import Account, check
from voice.deepgram.ears import DeepgramEars
from voice.deepgram.voice import DeepgramVoice
from voice.speech import Voice

__all__ = ["Account", "Deepgram", "check"]


class Deepgram:
    """What all conversations of a process share of it: account, breakers, spoken sentences.

    Hearing and speaking have a breaker each: they fail apart, in the service and by its rates.
    """

    def __init__(
        self, account: Account, embedded: Voice, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._account = account
        self.hearing = Breaker("Deepgram's speech to text", clock)
        self.speaking = Breaker("Deepgram's text to speech", clock)
        self._voice = DeepgramVoice(account.client(), account.voice, self.speaking, embedded)

    @property
    def breakers(self) -> tuple[Breaker, ...]:
        return self.hearing, self.speaking

    def voice(self, book: Book = unbooked) -> Voice:
        """For one conversation, which pays for what was not spoken before in this process."""
        return self._voice.booking(book)

    def ears(
        self, terms: Callable[[], Sequence[str]], repaired: Callable[[str], str], book: Book
    ) -> DeepgramEars:
        """For one conversation."""
        return DeepgramEars(self._account, self.hearing, terms=terms, repaired=repaired, book=book)
