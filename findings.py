"""What the reconcilers look for, how far they look, and what they say of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from contracts.interview import InterviewStatus
from db.rows import OpenInterview

#: Rows and names read at a time, of each kind.
MOST: Final = 10_000
_AT_ONCE: Final = 8
_UNDER_WAY: Final = frozenset(
    each for each in InterviewStatus if each.asking or each is InterviewStatus.GRADING
)


@dataclass(frozen=True)
class Reach:
    """How far a round looks: at interviews that changed within so long (None: all of them), with at
    most so many calls of each kind and so many files."""

    within: timedelta | None
    calls: int
    files: int

    def asks(self, row: OpenInterview) -> bool:
        """Whether the workflow itself is asked: one that waits has nothing new, but for a database
        that was restored."""
        return self.within is None or row.status in _UNDER_WAY


LATELY: Final = Reach(timedelta(hours=1), calls=200, files=500)
ALL: Final = Reach(None, calls=MOST, files=MOST)


class Kind(StrEnum):
    NOT_STARTED = "not_started"  # a row whose workflow nobody has started: started
    WORKFLOW_ENDED = "workflow_ended"  # its row is open: saved as it ended, or as failed
    WORKFLOW_MISSING = "workflow_missing"  # Temporal knows none for an open row
    WORKFLOW_LEFT = "workflow_left"  # it runs though its row has ended
    ROW_MISSING = "row_missing"  # a workflow runs for no row
    STATE_BEHIND = "state_behind"  # the row is older than the workflow's state: saved
    BOT_GONE = "bot_gone"  # called live, silent, and no activity holds it
    ANSWER_MISSING = "answer_missing"  # the state names an answer that has no row
    REPORT_MISSING = "report_missing"  # completed, without the report that the state names
    RECORDING_OPEN = "recording_open"  # its interview is over: closed as incomplete
    FILE_MISSING = "file_missing"  # a recording's row without its file
    FILE_STRAY = "file_stray"  # a file in an interview's folder without its row
    ROOM_LEFT = "room_left"  # a room of LiveKit's is open and its interview is over: closed
    ROOM_UNKNOWN = "room_unknown"  # a room of no interview: closed when nobody is in it
    ROOM_MISSING = "room_missing"  # a bot lives and LiveKit has no room for its interview
    ROOM_STRANGER = "room_stranger"  # somebody is in an interview's room whom we did not let in
    LIVEKIT_AWAY = "livekit_away"  # it does not answer, or refuses us: its rooms were not compared


@dataclass(frozen=True)
class Finding:
    """`healed`: it is as it should be now. `recording_id` where it is about one. `interview_id` is
    None for what is about none of them."""

    kind: Kind
    interview_id: UUID | None
    healed: bool = False
    recording_id: UUID | None = None

    def __str__(self) -> str:
        which = f", interview {self.interview_id}" if self.interview_id else ""
        which += f", recording {self.recording_id}" if self.recording_id else ""
        return f"{self.kind}{which}: {self.act}"

    @property
    def act(self) -> str:
        return "healed" if self.healed else "raised"


async def each_of(
    subjects: Iterable[Any], look: Callable[[Any], Awaitable[Finding | None]], most: int
) -> AsyncIterator[Finding]:
    """What looking at each finds, a few at a time. Of more than `most`, others each time."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(subject: Any) -> Finding | None:
        async with slots:
            return await look(subject)

    chosen = list(subjects)
    random.shuffle(chosen)
    for found in await asyncio.gather(*map(one, chosen[:most])):
        if found is not None:
            yield found
