"""Whether a bot that lives can also hear and be heard: what it owes, and for how long.

Time counts while frames move: a process that was frozen for a minute is not deaf when it thaws. A
pipeline through which nothing moves although the event loop goes on owes frames.
"""

from __future__ import annotations

from typing import Final

from contracts.errors import Unavailable
from voice.progress import Progress

#: A transcript takes half a second, a sentence's first sound less; on a busy machine 3 s.
SENSELESS_AFTER_S: Final = 8.0


class Senseless(Unavailable):
    """The bot is deaf, mute or stuck: another one has to take its place."""


class Debt:
    """Something that is due; `for_s` is how long it has been, None when nothing is due."""

    def __init__(self) -> None:
        self.for_s: float | None = None

    def owe(self, within_s: float = 0.0) -> None:
        """Due after `within_s`, or since when it was due already."""
        self.for_s = max(-within_s, -within_s if self.for_s is None else self.for_s)

    def settle(self) -> None:
        self.for_s = None

    @property
    def overdue(self) -> bool:
        return self.for_s is not None and self.for_s >= SENSELESS_AFTER_S

    def grow(self, seconds: float) -> None:
        if self.for_s is not None:
            self.for_s += seconds


class Senses:
    """`words` are owed for speech that the voice detector found, `sound` for lines to be said."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._seen_at = progress.last_at
        self.words = Debt()
        self.sound = Debt()
        self._frames = Debt()

    def pass_time(self, seconds: float) -> None:
        """So much more of the event loop's time has gone by. Raises Senseless."""
        moved = self._progress.last_at > self._seen_at
        self._seen_at = self._progress.last_at
        if moved:
            self._frames.settle()
            self.words.grow(seconds)
            self.sound.grow(seconds)
        else:
            self._frames.owe()
            self._frames.grow(seconds)
        for debt, lacks in (
            (self.words, "hears no words"),
            (self.sound, "makes no sound"),
            (self._frames, "is stuck"),
        ):
            if debt.overdue:
                raise Senseless(f"the bot {lacks}")
