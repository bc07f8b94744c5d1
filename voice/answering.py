"""The answer being gathered, and the one recorded last, which may still be taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from contracts.errors import StaleFence
from contracts.interview import Cursor, Snapshot
from contracts.turns import Turn, TurnPurpose
from voice.clerk import Clerk
from voice.floor import Utterance
from voice.interviewer import Interviewer, open_turns
from voice.steps import Step


class Answering:
    """Reports by callbacks on the event loop: `recorded` with the state after the answer, `delayed`
    once when storing it takes long, `stale` when a newer bot has the interview.
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
        self._moves: list[tuple[datetime, Cursor]] = []
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

    @property
    def begun(self) -> bool:
        """The candidate is in an answer: words now belong to it."""
        return self.gathered or self.reopenable

    def gather(self, said: Sequence[Utterance]) -> None:
        """Words of the present answer."""
        self.gathered = self.gathered or bool(said)
        self.note(said, TurnPurpose.ANSWER)
        self._interviewer.answered(*(utterance.heard.text for utterance in said))

    def note(
        self, said: Sequence[Utterance], purpose: TurnPurpose, at: Cursor | None = None
    ) -> None:
        """Writes down what was said, here or where the interview was then."""
        cursor = at or self._interviewer.snapshot.cursor
        for utterance in said:
            self._clerk.candidate_said(utterance.heard, cursor, purpose, utterance.turn_id)

    def moved(self, before: Cursor, unsure: Sequence[Utterance]) -> None:
        """Somebody else moved the interview away from here. What the candidate has begun to say is
        said to where it was."""
        if not before.assessing:  # nothing was asked there
            self._moves.append((datetime.now(UTC), before))
        self.note(unsure, TurnPurpose.ANSWER, before)

    def said_to(self, utterance: Utterance) -> Cursor | None:
        """Where the interview was when this was begun; None when it was not moved since."""
        began_at = utterance.heard.started_at
        return next((cursor for at, cursor in self._moves if began_at < at), None)

    def recorded_elsewhere(self, cursor: Cursor) -> bool:
        """The answer gathered there was submitted by typing; it may be taken back for more."""
        closed = any(
            state.question_id == cursor.question_id and state.revision >= cursor.revision
            for state in self._interviewer.snapshot.questions
        )
        if closed and cursor.question_id is not None:
            self._last = (cursor.question_id, cursor.revision)
        return closed

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

    def leave(self, purpose: TurnPurpose) -> None:
        """The interview went elsewhere: nothing gathered here is submitted from here. What was said
        and is not written yet is written as this."""
        late, self.late = self.late, []
        self._last, self.gathered = None, False
        self.note(late, purpose)

    def close(self) -> None:
        self._interviewer.close()
        if self._recording:
            self._recording.cancel()

    async def _record(self, question_id: UUID, revision: int) -> None:
        try:
            snapshot = await self._clerk.record(question_id, revision, self._delayed)
            snapshot = snapshot or await self._clerk.snapshot()
            self._recorded(snapshot or self._interviewer.snapshot)
        except StaleFence:
            self._stale()
