"""When the bot may speak into a silence, and when it says that time runs out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from contracts.interview import Snapshot
from voice.interviewer import Hush, Interviewer, Line
from voice.messages import Notice

#: Past a question's limit the answer is closed at the next pause.
LIMIT_GRACE: Final = timedelta(seconds=30)
#: Silence in the middle of an answer that is no breath any more: something may be said into it.
PAUSE_S: Final = 1.2
#: "Sorry, go on": to somebody who fell silent because the bot had spoken. Above the longest wait
#: after a finished answer by default, so that a finished addition is answered instead.
GO_ON_AFTER_S: Final = 2.4


@dataclass(frozen=True)
class Due:
    """A line that is due, and what the page is told with it."""

    line: Line
    notice: Notice | None = None


class Timekeeper:
    """One conversation's. `clock` counts seconds and never jumps."""

    def __init__(
        self, interviewer: Interviewer, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interviewer = interviewer
        self._clock = clock
        self._quiet_since = clock()
        self._voice_at = clock()
        self._hushes = 0
        self._asked_at: dict[UUID, float] = {}
        self._limits_noted: set[UUID] = set()
        self._go_on_at: float | None = None
        #: How long the candidate wants to think; None outside quiet mode.
        self.quiet_mode: timedelta | None = None

    def prompt_heard(self) -> None:
        """The candidate knows what is asked: its own time runs from the first time on."""
        self._hushes = 0
        question_id = self._interviewer.snapshot.cursor.question_id
        if question_id:
            self._asked_at.setdefault(question_id, self._clock())

    def sound(self) -> None:
        """Somebody spoke until now."""
        self._quiet_since = self._clock()

    def voice(self) -> None:
        """The candidate is speaking now."""
        self._voice_at = self._clock()

    @property
    def pausing(self) -> bool:
        """The candidate has not spoken for longer than a breath takes."""
        return self._clock() - self._voice_at > PAUSE_S

    def quiet(self, asked: timedelta | None) -> None:
        """Opens quiet mode for as long as asked, or leaves it."""
        self.quiet_mode, self._hushes = asked, 0
        self.sound()

    def promise_go_on(self) -> None:
        """The bot spoke too soon: if the candidate has fallen silent because of that, a word."""
        self._go_on_at = self._clock() + GO_ON_AFTER_S

    def forget_go_on(self) -> None:
        self._go_on_at = None

    def due(self, *, in_turn: bool) -> Due | None:
        """What is to be said now, while nobody speaks."""
        if self._go_on_at is not None and self._clock() > self._go_on_at:
            self._go_on_at = None
            return Due(self._interviewer.taken_back())
        if in_turn:
            return self.time_low() if self.pausing else None
        return self.time_low() or self.silence()

    def time_low(self) -> Due | None:
        """The question's time, or the whole interview's, is nearly over. Each is told once."""
        question_id = self._interviewer.snapshot.cursor.question_id
        if question_id is None:
            return None
        fresh = question_id not in self._limits_noted
        if fresh and self._interviewer.question_time_low(self._spent(question_id)):
            self._limits_noted.add(question_id)
            line = self._interviewer.question_winding_down()
            return Due(line, Notice.QUESTION_WIND_DOWN)
        notice = self._interviewer.note_time(_remaining(self._interviewer.snapshot))
        if notice is None:
            return None
        return Due(self._interviewer.winding_down(notice), Notice.WIND_DOWN)

    def silence(self) -> Due | None:
        """What is said into the silence now: one gentle prompt, one offer, then nothing."""
        silent = timedelta(seconds=self._clock() - self._quiet_since)
        hush = self._interviewer.hush(silent, self._hushes, self.quiet_mode)
        if hush is None:
            return None
        self._hushes += 1
        offer = Notice.SILENCE_OFFER if hush is Hush.OFFER else None
        return Due(self._interviewer.into_silence(hush), offer)

    def over_the_limit(self) -> bool:
        """The question's time and its grace are over: the answer is closed at the next pause."""
        question = self._interviewer.question
        question_id = self._interviewer.snapshot.cursor.question_id
        if question is None or question_id is None:
            return False
        return self._spent(question_id) > question.time_limit + LIMIT_GRACE

    def _spent(self, question_id: UUID) -> timedelta:
        now = self._clock()
        return timedelta(seconds=now - self._asked_at.get(question_id, now))


def _remaining(snapshot: Snapshot) -> timedelta:
    if not snapshot.clock_running:
        return snapshot.remaining
    return snapshot.remaining - (datetime.now(UTC) - snapshot.as_of)
