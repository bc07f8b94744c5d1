"""An interview in memory: the cursor's rules, the record and the fence, without servers.

It keeps the rules of DESIGN 4 that a bot can see: what it refuses, what moves the cursor, what is
told as a change. Which key points an answer misses is decided by a function the test gives.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.errors import Conflict, NotFound, StaleFence, Unavailable, WrongState
from contracts.interview import (
    BotReady,
    Cursor,
    Fence,
    InterviewStatus,
    JoinPurpose,
    Move,
    Outcome,
    QuestionState,
    RecordAnswer,
    ReopenAnswer,
    Snapshot,
)
from contracts.manner import Manner
from contracts.questions import FOLLOW_UP_BUDGET, Question
from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose
from contracts.usage import Usage
from voice.protocols import LeftRecording

Missing = Callable[[Question, str], Sequence[str]]
_HASTY = Manner(patience_s=0.6)


def nothing_missing(question: Question, answer: str) -> Sequence[str]:
    return ()


class MemoryInterview:
    """One interview. `journal` and `updates` bind it to a bot's fence."""

    def __init__(
        self,
        questions: Sequence[Question],
        *,
        missing: Missing = nothing_missing,
        manner: Manner = _HASTY,
        assess_s: float = 0.05,
    ) -> None:
        self.id = uuid7()
        self.questions: dict[UUID, Question] = {uuid7(): question for question in questions}
        self.manner = manner
        self._missing = missing
        self._assess_s = assess_s
        self.turns: list[Turn] = []
        self.answers: dict[tuple[UUID, int], tuple[UUID, str]] = {}
        self.recorded: dict[UUID, list[int]] = {key: [] for key in self.questions}
        self.outcomes = dict.fromkeys(self.questions, Outcome.UNASKED)
        self.recordings: dict[UUID, tuple[str, bool | None]] = {}
        self.recorded_from: dict[UUID, datetime] = {}
        self.used: list[Usage] = []
        self.calls: list[str] = []
        #: The database cannot be reached: nothing is read or written, and how often that was tried.
        self.away = False
        self.missed = 0
        self.offers: dict[UUID, str] = {}
        self.sdp_answers: dict[UUID, asyncio.Future[str]] = {}
        self.alive_at: datetime | None = None
        self.epoch = 0
        self.held = Fence(epoch=0)
        self.live_epoch: int | None = None
        self.status = InterviewStatus.WAITING
        self.ends_reason: str | None = None
        self.remaining = timedelta(minutes=20)
        self.version = 1
        self.current: UUID | None = next(iter(self.questions))
        self.revision = 1
        self.follow_up: str | None = None
        self.asked_follow_ups: dict[UUID, list[str]] = {key: [] for key in self.questions}
        self.last_answer: tuple[UUID, int, str | None] | None = None
        self.assessing = False
        self._watchers: list[asyncio.Queue[int]] = []

    # -- the state

    def snapshot(self) -> Snapshot:
        keys = list(self.questions)
        coming = [key for key in keys if self.outcomes[key] is Outcome.UNASKED]
        following = [key for key in coming if key != self.current]
        return Snapshot(
            interview_id=self.id,
            state_version=self.version,
            status=self.status,
            cursor=Cursor(
                question_id=self.current,
                position=keys.index(self.current) + 1 if self.current else len(keys),
                revision=self.revision,
                follow_up=self.follow_up,
                follow_ups_left=self._budget_left(self.current),
                assessing=self.assessing,
                next_question_id=following[0] if following else None,
            ),
            questions=tuple(
                QuestionState(
                    question_id=key,
                    outcome=self.outcomes[key],
                    revision=max(self.recorded[key], default=0),
                )
                for key in keys
            ),
            epoch=self.epoch,
            live_epoch=self.live_epoch,
            consented=True,
            clock_running=self.live_epoch is not None,
            remaining=self.remaining,
            as_of=datetime.now(UTC),
            ends_reason=self.ends_reason,
        )

    def _budget_left(self, key: UUID | None) -> int:
        if key is None:
            return 0
        return FOLLOW_UP_BUDGET[self.questions[key].difficulty] - len(self.asked_follow_ups[key])

    def changed(self) -> Snapshot:
        self.version += 1
        for watcher in self._watchers:
            watcher.put_nowait(self.version)
        return self.snapshot()

    async def watch(self) -> AsyncIterator[int]:
        queue: asyncio.Queue[int] = asyncio.Queue()
        self._watchers.append(queue)
        while True:
            yield await queue.get()

    def reach(self) -> None:
        """What every statement of the real record begins with."""
        if self.away:
            self.missed += 1
            raise Unavailable("The database cannot be reached")

    def check(self, fence: Fence | None) -> None:
        if fence is not None and fence.older_than(self.held):
            raise StaleFence

    # -- what moves it

    async def record(self, answer: RecordAnswer) -> Snapshot:
        self.check(answer.fence)
        self.calls.append(f"record {answer.revision}")
        if answer.revision in self.recorded[answer.question_id]:
            return self.snapshot()
        if answer.question_id != self.current or answer.revision != self.revision:
            raise Conflict("not the present question or revision")
        self.recorded[answer.question_id].append(answer.revision)
        self.outcomes[answer.question_id] = Outcome.ANSWERED
        self.last_answer = (answer.question_id, answer.revision, self.follow_up)
        self.assessing = True
        self.changed()
        await asyncio.sleep(self._assess_s)
        if self.assessing:
            self.assessing = False
            self._go_on(answer)
        return self.changed()

    def _go_on(self, answer: RecordAnswer) -> None:
        key = answer.question_id
        text = self.answers[key, answer.revision][1]
        asked = self.asked_follow_ups[key]
        missed = [point for point in self._missing(self.questions[key], text) if point not in asked]
        if missed and self._budget_left(key):
            asked.append(missed[0])
            self.follow_up, self.revision = missed[0], answer.revision + 1
        else:
            self.advance()

    def advance(self) -> None:
        unasked = [key for key in self.questions if self.outcomes[key] is Outcome.UNASKED]
        self.current = unasked[0] if unasked else None
        self.revision, self.follow_up = 1, None

    def reopen(self, reopen: ReopenAnswer) -> Snapshot:
        self.check(reopen.fence)
        self.calls.append(f"reopen {reopen.revision}")
        if self.last_answer is None or self.last_answer[:2] != (
            reopen.question_id,
            reopen.revision,
        ):
            raise Conflict("not the newest answer")
        if self.status is not InterviewStatus.IN_PROGRESS:
            raise WrongState("the interview is over")
        self.current, _, self.follow_up = self.last_answer
        self.revision = reopen.revision + 1
        self.assessing, self.last_answer = False, None
        return self.changed()

    def move(self, verb: str, move: Move) -> Snapshot:
        self.check(move.fence)
        self.calls.append(verb)
        if not self.status.asking:
            raise WrongState("nothing is asked")
        match verb:
            case "skip":
                if self.current and self.outcomes[self.current] is Outcome.UNASKED:
                    self.outcomes[self.current] = Outcome.SKIPPED
                self.advance()
            case "go_back":
                self._go_back()
            case "pause":
                self.status = InterviewStatus.PAUSED
            case "finish":
                self.end("finished")
        self.last_answer = None
        return self.changed()

    def _go_back(self) -> None:
        keys = list(self.questions)
        place = keys.index(self.current) if self.current else len(keys)
        if place == 0:
            raise Conflict("this is the first question")
        self.current = keys[place - 1]
        self.revision = max(self.recorded[self.current], default=0) + 1
        self.follow_up = None

    def end(self, reason: str) -> None:
        self.status, self.ends_reason, self.current = InterviewStatus.GRADING, reason, None

    def type_answer(self, text: str) -> Snapshot:
        """What the API does with a typed answer."""
        if self.current is None:
            raise WrongState("nothing is asked")
        now = datetime.now(UTC)
        self.turns.append(
            Turn(
                id=uuid7(),
                interview_id=self.id,
                question_id=self.current,
                revision=self.revision,
                speaker=Speaker.CANDIDATE,
                kind=TurnKind.TYPED,
                purpose=TurnPurpose.ANSWER,
                text=text,
                started_at=now,
                ended_at=now,
                number=len(self.turns) + 1,
            )
        )
        self.recorded[self.current].append(self.revision)
        self.outcomes[self.current] = Outcome.ANSWERED
        self.last_answer = (self.current, self.revision, self.follow_up)
        self.advance()
        return self.changed()

    # -- what a test looks at

    def texts(self, *purposes: TurnPurpose) -> list[str]:
        return [turn.text for turn in self.turns if not purposes or turn.purpose in purposes]

    def answer_text(self, question_id: UUID, revision: int) -> str:
        return " ".join(
            turn.text
            for turn in self.turns
            if turn.purpose is TurnPurpose.ANSWER
            and turn.question_id == question_id
            and (turn.revision or 0) <= revision
        )


@dataclass(frozen=True)
class MemoryRecording:
    id: UUID
    url: str
    started_at: datetime


class MemoryJournal:
    def __init__(self, interview: MemoryInterview, fence: Fence) -> None:
        self._interview = interview
        self._fence = fence

    async def take_fence(self) -> None:
        self._interview.check(self._fence)
        self._interview.held = self._fence

    async def plan(self) -> Mapping[UUID, Question]:
        return self._interview.questions

    async def manner(self) -> Manner:
        return self._interview.manner

    async def snapshot(self) -> Snapshot:
        self._interview.reach()
        return self._interview.snapshot()

    async def turns(self) -> Sequence[Turn]:
        return tuple(self._interview.turns)

    async def add_turn(self, turn: Turn) -> Turn:
        self._interview.reach()
        self._interview.check(self._fence)
        for known in self._interview.turns:
            if known.id == turn.id:
                return known
        numbered = turn.model_copy(update={"number": len(self._interview.turns) + 1})
        self._interview.turns.append(numbered)
        return numbered

    async def put_answer(self, question_id: UUID, revision: int, answer_id: UUID) -> UUID:
        interview = self._interview
        interview.reach()
        interview.check(self._fence)
        text = interview.answer_text(question_id, revision)
        if not text:
            raise NotFound("no turns")
        known = interview.answers.setdefault((question_id, revision), (answer_id, text))
        return known[0]

    async def book(self, call: Usage) -> None:
        self._interview.used.append(call)

    async def touch_alive(self) -> None:
        self._interview.reach()
        self._interview.check(self._fence)
        self._interview.alive_at = datetime.now(UTC)

    async def last_alive_at(self) -> datetime | None:
        return self._interview.alive_at

    async def begin_recording(self, recording_id: UUID, url: str, started_at: datetime) -> None:
        self._interview.check(self._fence)
        self._interview.recordings[recording_id] = (url, None)
        self._interview.recorded_from[recording_id] = started_at

    async def finish_recording(
        self, recording_id: UUID, *, complete: bool, duration_ms: int
    ) -> None:
        url, _ = self._interview.recordings[recording_id]
        self._interview.recordings[recording_id] = (url, complete)

    async def left_recordings(self) -> Sequence[LeftRecording]:
        interview = self._interview
        return [
            MemoryRecording(key, url, interview.recorded_from[key])
            for key, (url, complete) in interview.recordings.items()
            if complete is None
        ]

    async def close_left_recording(self, recording_id: UUID, *, duration_ms: int) -> None:
        url, complete = self._interview.recordings[recording_id]
        if complete is None:
            self._interview.recordings[recording_id] = (url, False)

    async def offer_sdp(self, offer_id: UUID) -> str:
        return self._interview.offers[offer_id]

    async def answer_offer(self, offer_id: UUID, sdp: str) -> None:
        self._interview.sdp_answers[offer_id].set_result(sdp)

    def changes(self) -> AsyncIterator[int]:
        return self._interview.watch()


class MemoryUpdates:
    def __init__(self, interview: MemoryInterview, fence: Fence) -> None:
        self._interview = interview
        self._fence = fence

    async def bot_ready(self, ready: BotReady) -> Snapshot:
        self._interview.check(ready.fence)
        if ready.purpose is JoinPurpose.INTERVIEW:
            self._interview.live_epoch = ready.fence.epoch
            self._interview.status = InterviewStatus.IN_PROGRESS
        return self._interview.changed()

    async def record_answer(self, answer: RecordAnswer) -> Snapshot:
        return await self._interview.record(answer)

    async def reopen_answer(self, reopen: ReopenAnswer) -> Snapshot:
        return self._interview.reopen(reopen)

    async def skip(self, move: Move) -> Snapshot:
        return self._interview.move("skip", move)

    async def go_back(self, move: Move) -> Snapshot:
        return self._interview.move("go_back", move)

    async def pause(self, move: Move) -> Snapshot:
        return self._interview.move("pause", move)

    async def finish(self, move: Move) -> Snapshot:
        return self._interview.move("finish", move)
