"""The interview's clock: asking time that runs only while somebody can answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

ZERO = timedelta(0)


@dataclass(frozen=True)
class Span:
    """A stretch of running time. `spoken`: it ran because a bot was live, so a dead bot's share of
    it can be given back; time spent typing never is."""

    started_at: datetime
    stopped_at: datetime
    spoken: bool

    def after(self, moment: datetime) -> timedelta:
        """How much of this span lies after `moment`."""
        return max(ZERO, self.stopped_at - max(self.started_at, moment))


class Clock:
    """Counts `duration` down. All times are passed in, so the clock itself is pure.

    `loss_cap` bounds what is given back in all for the candidate's own lost lines; what our own
    faults took is given back in full.
    """

    def __init__(self, duration: timedelta, loss_cap: timedelta) -> None:
        self._left = duration
        self._loss_cap_left = loss_cap
        self._running_since: datetime | None = None
        self._spoken = False
        self._spans: list[Span] = []

    @property
    def running(self) -> bool:
        return self._running_since is not None

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
        self._left = self.remaining(now)
        self._running_since = None

    def give_back(self, since: datetime, now: datetime, *, own_loss: bool) -> timedelta:
        """Gives back what the clock ran while no bot lived after `since`; returns how much.

        `own_loss`: the candidate's line was lost, not our bot. Nothing is given back twice: the
        time up to `now` is settled by this call.
        """
        was_running, spoken = self.running, self._spoken
        self.stop(now)
        lost = sum((span.after(since) for span in self._spans if span.spoken), ZERO)
        if own_loss:
            lost = min(lost, self._loss_cap_left)
            self._loss_cap_left -= lost
        self._left += lost
        self._spans.clear()
        if was_running:
            self.start(now, spoken=spoken)
        return lost
