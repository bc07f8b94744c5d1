"""The interview's clock: asking time that runs only while somebody can answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

ZERO = timedelta(0)


@dataclass(frozen=True)
class Span:
    """A stretch of running time. `spoken`: it ran because a bot was live, so a dead bot's share of
    it can be given back."""

    started_at: datetime
    stopped_at: datetime
    spoken: bool

    def after(self, moment: datetime | None) -> timedelta:
        """How much of this span lies after `moment`; all of it after None."""
        return max(ZERO, self.stopped_at - max(self.started_at, moment or self.started_at))

    def without(self, began_at: datetime, ended_at: datetime) -> list[Span]:
        """What of it lies before or after that stretch."""
        before = replace(self, stopped_at=min(self.stopped_at, began_at))
        after = replace(self, started_at=max(self.started_at, ended_at))
        return [span for span in (before, after) if span.length > ZERO]

    @property
    def length(self) -> timedelta:
        return self.stopped_at - self.started_at


class Clock:
    """Counts `duration` down. All times are passed in, so the clock itself is pure.

    `loss_cap` bounds what is given back in all for the candidate's own lost lines; what our own
    faults took is given back in full. A second that was given back is cut out of the spans, so that
    nothing is given back twice, whichever fault is told first.
    """

    def __init__(self, duration: timedelta, loss_cap: timedelta) -> None:
        self._left = duration  # below zero once it has run over, until that is given back
        self._loss_cap_left = loss_cap
        self._running_since: datetime | None = None
        self._spoken = False
        self._spans: list[Span] = []

    @property
    def running(self) -> bool:
        return self._running_since is not None

    @property
    def unsettled(self) -> bool:
        """It ran for a bot whose death, if it died, has not been given back."""
        return (self.running and self._spoken) or any(span.spoken for span in self._spans)

    def ends_at(self) -> datetime | None:
        """When the time is up; None while the clock stands."""
        return None if self._running_since is None else self._running_since + self._left

    def remaining(self, now: datetime) -> timedelta:
        ran = ZERO if self._running_since is None else now - self._running_since
        return max(ZERO, self._left - ran)

    def start(self, now: datetime, *, spoken: bool) -> None:
        """Starts the clock, or tells a running one who keeps it running from now on."""
        self.stop(now)
        self._running_since, self._spoken = now, spoken

    def stop(self, now: datetime) -> None:
        if self._running_since is None:
            return
        self._spans.append(Span(self._running_since, now, self._spoken))
        self._left -= now - self._running_since
        self._running_since = None

    def give_back(self, since: datetime | None, now: datetime, *, own_loss: bool) -> timedelta:
        """Gives back what the clock ran while no bot lived after `since`; returns how much. None:
        no bot ever did.

        `own_loss`: the candidate's line was lost, not our bot. What was spoken up to `now` is
        settled by this call.
        """
        was_running, spoken = self.running, self._spoken
        self.stop(now)
        lost = sum((span.after(since) for span in self._spans if span.spoken), ZERO)
        if own_loss:
            lost = min(lost, self._loss_cap_left)
            self._loss_cap_left -= lost
        self._left += lost
        self._spans = [span for span in self._spans if not span.spoken]
        if was_running:
            self.start(now, spoken=spoken)
        return lost

    def give_back_outage(self, began_at: datetime, ended_at: datetime, now: datetime) -> timedelta:
        """Gives back what it ran, spoken or typed, while our service was away; returns how much."""
        was_running, spoken = self.running, self._spoken
        self.stop(now)
        kept = [part for span in self._spans for part in span.without(began_at, ended_at)]
        lost = _length(self._spans) - _length(kept)
        self._spans = kept
        self._left += lost
        if was_running:
            self.start(now, spoken=spoken)
        return lost


def _length(spans: Iterable[Span]) -> timedelta:
    return sum((span.length for span in spans), ZERO)
