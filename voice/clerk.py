"""Keeps the record for the dialogue: turns as they are spoken, and the workflow's updates."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.errors import Conflict, NotFound, StaleFence
from contracts.interview import Cursor, Fence, Move, RecordAnswer, ReopenAnswer, Snapshot
from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose
from voice.notebook import Notebook
from voice.protocols import InterviewUpdates, Journal
from voice.recorder import Recording
from voice.speaking import Spoken
from voice.speech import Heard
from voice.steps import Step

_log = logging.getLogger("codevoice.voice")

FIRST_WAIT_S: Final = 0.3
LONGEST_WAIT_S: Final = 5.0
#: A candidate who waits longer than this for what comes next is told why. A try may take much
#: longer to fail: 15 s where Temporal answers and no worker does.
TOLD_AFTER_S: Final = 3.0


class Clerk:
    """Bound to one interview and fence."""

    def __init__(
        self,
        interview_id: UUID,
        fence: Fence,
        *,
        journal: Journal,
        updates: InterviewUpdates,
        notebook: Notebook,
        recording: Recording | None,
    ) -> None:
        """`recording` is None when nothing is recorded."""
        self._interview_id = interview_id
        self._fence = fence
        self._journal = journal
        self._updates = updates
        self._notebook = notebook
        self._recording = recording
        self._looking: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        for task in self._looking:
            task.cancel()

    def candidate_said(
        self, heard: Heard, cursor: Cursor, purpose: TurnPurpose, turn_id: UUID
    ) -> None:
        place = self._recording and self._recording.place_of_words(heard)
        self._notebook.write(
            Turn(
                id=turn_id,
                interview_id=self._interview_id,
                question_id=cursor.question_id,
                revision=cursor.revision if cursor.question_id else None,
                speaker=Speaker.CANDIDATE,
                kind=TurnKind.SPOKEN,
                purpose=purpose,
                text=heard.text,
                raw_text=heard.raw_text,
                started_at=heard.started_at,
                ended_at=heard.ended_at,
                recording_id=place.recording_id if place else None,
                recording_offset_ms=place.offset_ms if place else None,
            )
        )

    def interviewer_said(self, spoken: Spoken) -> None:
        """Notes a line that was heard, in full or up to where it was cut; an unheard one is not."""
        if spoken.started_at is None or spoken.ended_at is None:
            return
        place = self._recording and self._recording.place_at(spoken.started_at)
        self._notebook.write(
            Turn(
                id=spoken.turn_id,
                interview_id=self._interview_id,
                question_id=spoken.line.question_id,
                revision=None,
                speaker=Speaker.INTERVIEWER,
                kind=TurnKind.SPOKEN,
                purpose=spoken.line.purpose,
                text=spoken.audible_text,
                started_at=spoken.started_at,
                ended_at=spoken.ended_at,
                recording_id=place.recording_id if place else None,
                recording_offset_ms=place.offset_ms if place else None,
                interrupted=not spoken.finished,
            )
        )

    async def record(
        self, question_id: UUID, revision: int, delayed: Callable[[], None]
    ) -> Snapshot | None:
        """Stores the answer and tells the workflow; the state once the next prompt is known.

        Repeats until it has worked, and calls `delayed` once when that takes longer than a moment.
        None when the answer can no longer be recorded (the interview has moved on, or the row was
        sealed): read the state anew. Raises StaleFence.
        """
        answer_id = uuid7()
        telling = asyncio.get_running_loop().call_later(TOLD_AFTER_S, delayed)
        try:
            return await _reached(lambda: self._record(question_id, revision, answer_id))
        finally:
            telling.cancel()

    async def _record(self, question_id: UUID, revision: int, answer_id: UUID) -> Snapshot:
        await self._notebook.flush()
        answer_id = await self._journal.put_answer(question_id, revision, answer_id)
        return await self._updates.record_answer(
            RecordAnswer(
                question_id=question_id,
                revision=revision,
                answer_id=answer_id,
                fence=self._fence,
                await_next=True,
            )
        )

    async def reopen(self, question_id: UUID, revision: int) -> Snapshot | None:
        """Takes the answer back; None when it is no longer the newest. Raises StaleFence."""
        reopen = ReopenAnswer(question_id=question_id, revision=revision, fence=self._fence)
        return await _reached(lambda: self._updates.reopen_answer(reopen))

    async def move(self, step: Step, question_id: UUID | None) -> Snapshot | None:
        """Sends skip, go_back, pause or finish; None when the interview does not allow it now."""
        send = {
            Step.SKIP: self._updates.skip,
            Step.GO_BACK: self._updates.go_back,
            Step.PAUSE: self._updates.pause,
            Step.FINISH: self._updates.finish,
        }[step]
        await self._notebook.flush()
        return await _reached(lambda: send(Move(question_id=question_id, fence=self._fence)))

    async def snapshot(self) -> Snapshot | None:
        """The newest saved state; None when there is no such interview any more."""
        return await _reached(self._journal.snapshot)

    def look(self, then: Callable[[Snapshot | None], None]) -> None:
        """Reads the newest saved state meanwhile, however long the database is away."""

        async def look() -> None:
            then(await self.snapshot())

        task = asyncio.create_task(look())
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)


async def _reached(call: Callable[[], Awaitable[Snapshot]]) -> Snapshot | None:
    """Repeats `call` until database and workflow answer: a conversation has nowhere to go without.

    None when they refuse. Raises StaleFence.
    """
    wait_s = FIRST_WAIT_S
    while True:
        try:
            return await call()
        except StaleFence:
            raise
        except (Conflict, NotFound):
            return None
        except Exception as failure:
            _log.warning("not done yet, trying again: %s", type(failure).__name__)
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
