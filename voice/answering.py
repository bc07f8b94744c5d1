"""The answer being gathered, and the one recorded last, which may still be taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

from contracts.errors import StaleFence
from contracts.interview import Cursor, Snapshot
from contracts.turns import Turn
from voice.clerk import Clerk
from voice.floor import Utterance
from voice.interviewer import Interviewer, Step, open_turns


class Answering:
    """Reports by callbacks on the event loop: `recorded` with the state after the answer, `delayed`
    once when it could not be stored at the first try, `stale` when a newer bot has the interview.
    """

    def __init__(
        self,
        interviewer: Interviewer,
        clerk: Clerk,
        *,
        recorded: Callable[[Snapshot], None],
        delayed: Callable[[], None],
        stale: Callable[[], None],
    ) -> None:
        self._interviewer = interviewer
        self._clerk = clerk
        self._recorded = recorded
        self._delayed = delayed
        self._stale = stale
        self._last: tuple[UUID, int] | None = None
        self._recording: asyncio.Task[None] | None = None
        self._prompt_of: tuple[UUID | None, int] | None = None
        #: The present revision has words.
        self.gathered = False
        #: Said while the answer before it was being stored, and what that turn asked for.
        self.late: list[Utterance] = []
        self.late_step: Step | None = None

    def go_on_with(self, turns: Sequence[Turn]) -> None:
        """What was said to the present prompt before this conversation belongs to the answer."""
        self.gathered = bool(open_turns(self._interviewer.snapshot, turns))

    @property
    def recording(self) -> bool:
        return self._recording is not None

    @property
    def reopenable(self) -> bool:
        """The candidate cannot yet know that the answer is over: words now go on with it."""
        return self._last is not None

    def submit(self) -> bool:
        """Begins to store the answer; False when there are no words to store."""
        cursor = self._interviewer.snapshot.cursor
        if not self.gathered or cursor.question_id is None:
            return False
        self.gathered = False
        self._last = (cursor.question_id, cursor.revision)
        self._recording = asyncio.create_task(self._record(*self._last))
        return True

    def take_late(self) -> tuple[list[Utterance], Step | None]:
        """The answer is stored: what was said meanwhile, and what it asked for."""
        self._recording = None
        late, step = self.late, self.late_step
        self.late, self.late_step = [], None
        return late, step

    @property
    def reopened(self) -> Cursor:
        """Where words that go on with the last answer belong: its next revision."""
        cursor = self._interviewer.snapshot.cursor
        if self._last is None:
            return cursor
        question_id, revision = self._last
        return cursor.model_copy(update={"question_id": question_id, "revision": revision + 1})

    async def reopen(self) -> Snapshot | None:
        """Takes the last answer back; None when that cannot be done any more."""
        last, self._last = self._last, None
        snapshot = await self._clerk.reopen(*last) if last else None
        self.gathered = snapshot is not None
        return snapshot

    def stands(self) -> None:
        """The next prompt was heard: the last answer is not taken back any more."""
        self._last = None
        self._prompt_of = self._present

    @property
    def prompt_known(self) -> bool:
        """The present prompt was heard before, in this conversation."""
        return self._prompt_of == self._present

    @property
    def _present(self) -> tuple[UUID | None, int]:
        cursor = self._interviewer.snapshot.cursor
        return cursor.question_id, cursor.revision

    def leave(self) -> list[Utterance]:
        """The interview went elsewhere: nothing gathered here is submitted from here. Returns what
        was said and is not written yet."""
        late, self.late = self.late, []
        self._last, self.gathered = None, False
        return late

    def close(self) -> None:
        if self._recording:
            self._recording.cancel()

    async def _record(self, question_id: UUID, revision: int) -> None:
        try:
            snapshot = await self._clerk.record(question_id, revision, self._delayed)
            snapshot = snapshot or await self._clerk.snapshot()
            self._recorded(snapshot or self._interviewer.snapshot)
        except StaleFence:
            self._stale()
