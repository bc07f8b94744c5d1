"""The workflow's messages: what `InterviewSession` is started with, told and answers.

Ids, counters, enums and times alone. Every update returns a `Snapshot`; a caller that made the
update answers from it, everybody else reads the row that `save_state` wrote.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.questions import Difficulty

#: A name given by code or by the bank, such as a key point's id: the only text allowed here.
Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Contract(BaseModel):
    model_config = ConfigDict(frozen=True)


class InterviewStatus(StrEnum):
    SCHEDULED = "scheduled"  # before `starts_at`
    WAITING = "waiting"  # open, nobody has joined
    IN_PROGRESS = "in_progress"  # a conversation is live, or typing is open; the clock runs
    INTERRUPTED = "interrupted"  # the line or the bot is lost; the clock stands
    PAUSED = "paused"  # by the candidate; the clock stands
    GRADING = "grading"  # nothing more is asked; grades or report are being made
    COMPLETED = "completed"
    DECLINED = "declined"
    EXPIRED = "expired"  # not joined, or not resumed, by `expires_at`
    CANCELLED = "cancelled"
    FAILED = "failed"  # by an operator only, who terminated the workflow

    @property
    def ended(self) -> bool:
        return self in _ENDED

    @property
    def asking(self) -> bool:
        """Questions may still be answered."""
        return self in _ASKING


_ENDED = frozenset(
    {
        InterviewStatus.COMPLETED,
        InterviewStatus.DECLINED,
        InterviewStatus.EXPIRED,
        InterviewStatus.CANCELLED,
        InterviewStatus.FAILED,
    }
)
_ASKING = frozenset(
    {InterviewStatus.IN_PROGRESS, InterviewStatus.INTERRUPTED, InterviewStatus.PAUSED}
)


class Outcome(StrEnum):
    ANSWERED = "answered"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"  # cut off by the deadline or by `finish`; graded, outside the total
    UNASKED = "unasked"


class GradeState(StrEnum):
    NONE = "none"  # nothing to grade yet
    PENDING = "pending"
    GRADED = "graded"
    UNGRADED = "ungraded"  # given up; a person may still grade it


class FollowUp(Contract):
    """A follow-up the interviewer may ask: the key point it is about, in the bank's order."""

    key_point_id: Word


class PlannedQuestion(Contract):
    """A question pinned for this interview. `question_id` is the id of its version's row."""

    question_id: UUID
    difficulty: Difficulty
    time_limit: timedelta
    follow_ups: tuple[FollowUp, ...] = ()


class InterviewStart(Contract):
    """The workflow's argument. `duration` is the asking time; the clock counts it down."""

    interview_id: UUID
    organisation_id: UUID
    questions: tuple[PlannedQuestion, ...] = Field(min_length=1, max_length=40)
    duration: timedelta = timedelta(minutes=30)
    starts_at: datetime | None = None
    expires_at: datetime
    transport: Word = "direct"  # or "livekit"
    heartbeat_timeout: timedelta = timedelta(seconds=5)
    grading_give_up: timedelta = timedelta(hours=6)
    candidate_loss_cap: timedelta = timedelta(minutes=5)  # own network loss given back, in all


class Fence(Contract):
    """Which bot may write: the epoch rises with each join, the attempt with each Temporal retry."""

    epoch: int = Field(ge=0)
    attempt: int = Field(default=1, ge=1)

    def older_than(self, other: Fence) -> bool:
        return (self.epoch, self.attempt) < (other.epoch, other.attempt)


class Cursor(Contract):
    """Where the interview is; what a bot or a page needs to go on.

    `revision` is the answer revision now being gathered (1 when nothing was recorded yet).
    `follow_up` is the key point whose follow-up is the present prompt; None: the question itself.
    `assessing` is true while an answer is looked at for a follow-up: no prompt is due yet.
    `next_question_id` lets the bot prepare what may come next.
    """

    question_id: UUID | None  # None: nothing is left to ask
    position: int  # 1-based place of the question in the plan
    revision: int = Field(default=1, ge=1)
    follow_up: Word | None = None
    follow_ups_used: int = Field(default=0, ge=0)
    follow_ups_left: int = Field(default=0, ge=0)
    assessing: bool = False
    next_question_id: UUID | None = None


class QuestionState(Contract):
    """One planned question: how it stands. `answer_id` and `revision` are the highest recorded."""

    question_id: UUID
    outcome: Outcome = Outcome.UNASKED
    answer_id: UUID | None = None
    revision: int = Field(default=0, ge=0)
    grade: GradeState = GradeState.NONE


class Snapshot(Contract):
    """The whole visible state. A higher `state_version` is newer; only a newer one is saved.

    `remaining` is the asking time left at `as_of`; it runs on only while `clock_running`.
    `epoch` is that of the newest bot or typing tab, `joined_epoch` that of the newest one somebody
    joined for: a bot that hands over in a room raises the first alone. `live_epoch` is the bot that
    has reported ready, None without one.
    `report_version` is the newest report built (0: none). `report_given_up`: the one after it could
    not be made for a day, and nobody tries any more.
    """

    interview_id: UUID
    state_version: int
    status: InterviewStatus
    cursor: Cursor
    questions: tuple[QuestionState, ...]
    epoch: int = 0
    joined_epoch: int = 0
    live_epoch: int | None = None
    consented: bool = False
    clock_running: bool = False
    remaining: timedelta
    as_of: datetime
    ends_reason: Word | None = None  # "answered", "finished", "deadline", "cancelled", ...
    report_version: int = 0
    report_given_up: bool = False
    no_capacity: bool = False


class JoinPurpose(StrEnum):
    INTERVIEW = "interview"
    CHECK = "check"  # the device check's "what we heard": nothing stored, no clock
    TYPING = "typing"  # no voice: opens the interview for typed answers


class Join(Contract):
    """`offer_id` is the row that holds the browser's SDP offer (None for `typing`).

    `tab` names the tab or device that goes on by typing: one that did not hold the line takes it
    over. Without a name a join by typing leaves a live bot alone.
    """

    purpose: JoinPurpose = JoinPurpose.INTERVIEW
    offer_id: UUID | None = None
    tab: UUID | None = None


class Joined(Contract):
    epoch: int
    offer_id: UUID | None
    snapshot: Snapshot


class BotReady(Contract):
    """Sent by the bot once it can speak; takes the fence. `last_alive_at` is its predecessor's."""

    fence: Fence
    offer_id: UUID | None = None
    last_alive_at: datetime | None = None
    purpose: JoinPurpose = JoinPurpose.INTERVIEW


class Outage(Contract):
    """A stretch in which the service could not hold interviews: no worker, database or Temporal."""

    began_at: datetime
    ended_at: datetime


class RecordAnswer(Contract):
    """An answer whose row is already in the database. `fence` is None when it was typed over HTTP.

    `await_next` makes the reply wait until the next prompt is known (at most about 1 s); without it
    the reply says only that the answer is recorded.
    """

    question_id: UUID
    revision: int = Field(ge=1)
    answer_id: UUID
    fence: Fence | None = None
    await_next: bool = False


class ReopenAnswer(Contract):
    """Takes back the newest answer: the candidate went on talking."""

    question_id: UUID
    revision: int = Field(ge=1)
    fence: Fence | None = None


class Move(Contract):
    """skip, go_back, pause, resume, finish, cancel.

    `question_id` is the question the caller believes current; another one is refused.
    """

    question_id: UUID | None = None
    fence: Fence | None = None


class Consent(Contract):
    """`consent_id` is the row that names the text's version; None declines."""

    consent_id: UUID | None
