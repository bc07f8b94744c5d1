"""Which words of a connection's results belong to which stretch of speech.

Deepgram hears one endless stream and tells, for pieces of it, words that may still change and then
final ones; the voice detector says where a stretch of speech begins and ends. A stretch has its
words once the final ones cover its end. Positions are seconds of audio since the connection began,
as Deepgram counts them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, NamedTuple

from deepgram.listen.v1.types import ListenV1Results

#: Final words so near before a stretch's end are all of it: what follows there is silence.
SLACK_S: Final = 0.5


class _Due(NamedTuple):
    until_s: float
    words: asyncio.Future[str | None]


class Stretches:
    """The words of one connection, stretch by stretch. `told_at_s` is how much had been sent when
    the newest word of the running one came, or when that began."""

    def __init__(self) -> None:
        self.told_at_s = 0.0
        self._begun_at_s = 0.0
        self._wordless = True
        self._final: list[str] = []
        self._interim = ""
        self._covered_s = 0.0
        self._due: deque[_Due] = deque()

    @property
    def settled(self) -> bool:
        """No words are due of a stretch that has ended."""
        return not self._due

    @property
    def caption(self) -> str:
        """What has been heard of the running stretch, as far as it is known."""
        return " ".join(filter(None, [*self._final, self._interim]))

    def begin(self, sent_s: float) -> None:
        """A stretch of speech begins; what was heard since the last one belongs to none."""
        if self.settled:
            self._final.clear()
        self._wordless, self._interim = True, ""
        self.told_at_s = self._begun_at_s = sent_s

    def end(self, until_s: float) -> asyncio.Future[str | None]:
        """The running stretch ends there. Its words: "" where none were heard, None when that is
        not known."""
        due = _Due(until_s, asyncio.get_running_loop().create_future())
        self._due.append(due)
        self._settle()
        return due.words

    def front(self, sent_s: float) -> tuple[str, float] | None:
        """The final words of the running stretch so far, and the seconds of audio after them."""
        if not self._final or not self.settled:
            return None
        return self._take(), sent_s - self._covered_s

    def take(self, result: ListenV1Results, sent_s: float) -> None:
        """Raises what a malformed result raises."""
        until_s = result.start + result.duration
        # What was said before the running stretch, and belongs to none that is due, is left out.
        ours = bool(self._due) or until_s > self._begun_at_s
        text = result.channel.alternatives[0].transcript.strip() if ours else ""
        if text:
            self._wordless, self.told_at_s = False, sent_s
        self._interim = "" if result.is_final else text
        if result.is_final:
            if text:
                self._final.append(text)
            # One that answers `Finalize` covers all that was sent, whatever length it states.
            slack_s = SLACK_S if result.from_finalize else 0.0
            self._covered_s = max(self._covered_s, until_s + slack_s)
            self._settle()

    def expire(self, words: asyncio.Future[str | None]) -> bool:
        """No more is waited for. False when words were heard that are not final yet."""
        if words.done():
            return True
        (due,) = (due for due in self._due if due.words is words)
        if self._covered_s < due.until_s - SLACK_S and not self._wordless:
            return False
        self._covered_s = max(self._covered_s, due.until_s)
        self._settle()
        return True

    def give_up(self) -> None:
        """The connection is gone: nothing more will be known."""
        while self._due:
            _tell(self._due.popleft().words, None)

    def _settle(self) -> None:
        while self._due and self._due[0].until_s <= self._covered_s:
            _tell(self._due.popleft().words, self._take())

    def _take(self) -> str:
        words = " ".join(self._final)
        self._final.clear()
        return words


def _tell(words: asyncio.Future[str | None], text: str | None) -> None:
    if not words.done():
        words.set_result(text)
