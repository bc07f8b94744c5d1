"""Who is on the line: one connection per join, and the fence of the bot that may write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from contracts.errors import CodeVoiceError
from contracts.interview import Fence, JoinPurpose

#: More joins than this within a minute are refused: a page that offers in a loop costs models.
JOINS_A_MINUTE = 10
#: More joins than this in all are refused, so that a tab which offers all night leaves room for the
#: typed answers. Temporal ends a history at 51,200 events and warns at 10,240, and refuses every
#: update after 2,000. A join takes two updates and 28 events (a test counts them), so all together
#: 600 updates and 8,400 events. That is one every ten seconds for 50 minutes.
JOINS_IN_ALL = 300


class Phase(Enum):
    STARTING = "starting"
    READY = "ready"
    OVER = "over"


@dataclass
class Connection:
    """One join and its bot; without one when it is by typing. `refusal` is what the waiting join
    is told when no bot came."""

    epoch: int
    purpose: JoinPurpose
    offer_id: UUID | None
    tab: UUID | None = None
    phase: Phase = Phase.STARTING
    ready_at: datetime | None = None
    refusal: CodeVoiceError | None = None


class Line:
    """The connections by epoch. Only the newest one matters; older ones are superseded."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.held: Fence | None = None  # taken by `bot_ready`
        self._joined_at: list[datetime] = []
        self.joined_epoch = 0  # the newest that somebody asked for; a hand-over's is later
        self._joins = 0

    @property
    def newest(self) -> Connection | None:
        return self.connections[-1] if self.connections else None

    @property
    def epoch(self) -> int:
        return len(self.connections)

    @property
    def live_epoch(self) -> int | None:
        """The epoch of the interviewing bot that reported ready and is not gone."""
        newest = self.newest
        if newest is None or newest.phase is not Phase.READY:
            return None
        return newest.epoch if newest.purpose is JoinPurpose.INTERVIEW else None

    @property
    def spoken(self) -> bool:
        """An interviewing bot was ready once, and so something may be recorded."""
        talks = (each for each in self.connections if each.purpose is JoinPurpose.INTERVIEW)
        return any(each.ready_at is not None for each in talks)

    def busy_with(self, purpose: JoinPurpose) -> bool:
        """Such a bot is live or on its way."""
        newest = self.newest
        return newest is not None and newest.phase is not Phase.OVER and newest.purpose is purpose

    def of_offer(self, offer_id: UUID | None) -> Connection | None:
        if offer_id is None:
            return None
        return next((c for c in self.connections if c.offer_id == offer_id), None)

    def crowded(self, now: datetime) -> bool:
        return len(self._recent(now)) >= JOINS_A_MINUTE

    @property
    def worn_out(self) -> bool:
        return self._joins >= JOINS_IN_ALL

    def open(self, purpose: JoinPurpose, offer_id: UUID | None, now: datetime) -> Connection:
        self.count(now)
        connection = self.open_again(purpose, offer_id)
        self.joined_epoch = connection.epoch
        return connection

    def count(self, now: datetime) -> None:
        """A join, whether it needs a bot or finds one in its room."""
        self._joins += 1
        self._joined_at = [*self._recent(now), now]

    def open_again(self, purpose: JoinPurpose, offer_id: UUID | None) -> Connection:
        """A hand-over: a new epoch that nobody asked for, so it does not count as a join."""
        connection = Connection(self.epoch + 1, purpose, offer_id)
        self.connections.append(connection)
        return connection

    def type_from(self, tab: UUID) -> bool:
        """Gives the line to this tab, whose typing needs no bot. False: it has it already."""
        if self.newest is not None and self.newest.tab == tab:
            return False
        self.connections.append(
            Connection(self.epoch + 1, JoinPurpose.TYPING, None, tab, phase=Phase.READY)
        )
        self.joined_epoch = self.epoch
        self.held = None
        return True

    def take(self, fence: Fence, now: datetime) -> None:
        self.held = fence
        newest = self.connections[-1]
        newest.phase, newest.ready_at = Phase.READY, now

    def close(self, epoch: int, refusal: CodeVoiceError | None = None) -> None:
        connection = self.connections[epoch - 1]
        connection.phase, connection.refusal = Phase.OVER, refusal

    def _recent(self, now: datetime) -> list[datetime]:
        return [moment for moment in self._joined_at if now - moment < timedelta(minutes=1)]
