"""What a conversation needs of other rooms: the interview's record and its workflow.

`db/journal.py` implements `Journal`, `workflows/interview_client.py` implements `InterviewUpdates`;
both are bound to one interview and one fence before a conversation sees them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from contracts.interview import BotReady, Fence, Move, RecordAnswer, ReopenAnswer, Snapshot
from contracts.manner import Manner
from contracts.questions import Question
from contracts.turns import Turn
from contracts.usage import Usage


class LeftRecording(Protocol):
    """A recording that its bot has not closed: it died, is frozen, or is about to."""

    @property
    def id(self) -> UUID: ...

    @property
    def url(self) -> str: ...

    @property
    def started_at(self) -> datetime: ...


class Journal(Protocol):
    """The interview's record. Every write raises `StaleFence` once a newer bot holds the interview.

    All writes are idempotent by the id they carry, so a caller may repeat one whose reply was lost.
    """

    async def take_fence(self) -> None:
        """Makes this bot the one that may write. Raises `StaleFence` if a newer one took it."""

    async def plan(self) -> Mapping[UUID, Question]:
        """The pinned questions by id, in the order of the plan."""

    async def manner(self) -> Manner:
        """How this interview is spoken."""

    async def snapshot(self) -> Snapshot:
        """The newest saved state."""

    async def turns(self) -> Sequence[Turn]:
        """Every turn so far, by number."""

    async def add_turn(self, turn: Turn) -> Turn:
        """Stores a turn and returns it with its number."""

    async def put_answer(self, question_id: UUID, revision: int, answer_id: UUID) -> UUID:
        """Composes the answer row of the question's candidate turns; the id of the row that stands.

        Raises `Conflict` when a row with other content was already graded (reopen it instead).
        """

    async def touch_alive(self) -> None:
        """Notes that this bot is alive now; the clock's gap after a death is counted from it."""

    async def last_alive_at(self) -> datetime | None:
        """When the predecessor was last alive; None if there was none."""

    async def begin_recording(self, recording_id: UUID, url: str, started_at: datetime) -> None: ...

    async def finish_recording(
        self, recording_id: UUID, *, complete: bool, duration_ms: int
    ) -> None: ...

    async def left_recordings(self) -> Sequence[LeftRecording]:
        """Those that are not closed, oldest first."""

    async def close_left_recording(self, recording_id: UUID, *, duration_ms: int) -> None:
        """Closes another bot's recording as incomplete, unless that bot has closed it itself."""

    async def offer_sdp(self, offer_id: UUID) -> str:
        """The browser's SDP offer. Raises `NotFound`."""

    async def answer_offer(self, offer_id: UUID, sdp: str) -> None:
        """Stores the bot's SDP answer for the API to return."""

    async def book(self, call: Usage) -> None:
        """Books a call to a provider on the interview, once however often it is repeated."""

    def changes(self) -> AsyncIterator[int]:
        """Yields a `state_version` whenever a newer state was saved; never ends by itself."""


class InterviewUpdates(Protocol):
    """The workflow's updates, as a bot sends them. Lost replies are retried by the implementation.

    Each raises the error whose kind the workflow refused with (`WrongState`, `StaleFence`, ...).
    """

    async def bot_ready(self, ready: BotReady) -> Snapshot: ...

    async def record_answer(self, answer: RecordAnswer) -> Snapshot: ...

    async def reopen_answer(self, reopen: ReopenAnswer) -> Snapshot: ...

    async def skip(self, move: Move) -> Snapshot: ...

    async def go_back(self, move: Move) -> Snapshot: ...

    async def pause(self, move: Move) -> Snapshot: ...

    async def finish(self, move: Move) -> Snapshot: ...


#: Binds a record or the updates to one interview and one fence.
JournalFor = Callable[[UUID, Fence], Journal]
UpdatesFor = Callable[[UUID, Fence], InterviewUpdates]
