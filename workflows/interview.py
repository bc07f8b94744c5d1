"""The interview's whole state and what each message does to it. Pure: every time is passed in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from contracts.activities import BuildReport, ReportQuestion
from contracts.conversation import ConversationEnd
from contracts.errors import CodeVoiceError, NoCapacity, Unavailable
from contracts.interview import (
    BotReady,
    Consent,
    Cursor,
    Fence,
    GradeState,
    InterviewStart,
    InterviewStatus,
    Join,
    JoinPurpose,
    Move,
    Outage,
    Outcome,
    RecordAnswer,
    ReopenAnswer,
    Snapshot,
)
from workflows.clock import Clock
from workflows.line import Connection, Line, Phase
from workflows.progress import AskedQuestion, Progress

#: Somebody whose line is lost, or who pauses, as the invitation runs out may still come back.
RETURN_GRACE: Final = timedelta(minutes=10)


class Interview:
    """One interview. `rules` says which message is allowed; the methods here carry it out.

    `version` rises with every visible change, so that a snapshot with a higher one is newer.
    """

    def __init__(self, start: InterviewStart, now: datetime) -> None:
        scheduled = start.starts_at is not None and now < start.starts_at
        self.start = start
        self.status = InterviewStatus.SCHEDULED if scheduled else InterviewStatus.WAITING
        self.version = 1
        self.progress = Progress(start.questions)
        self.line = Line()
        self.clock = Clock(start.duration, start.candidate_loss_cap)
        self.consented = False
        self.typing = False  # it is typing, not a bot, that keeps the clock running
        self.began = False
        self.ends_reason: str | None = None
        self.report_version = 0
        self.report_given_up = False
        self.no_capacity = False
        self._own_loss = False  # the last bot left because the candidate's line was lost
        self._stopped_at = now

    # ------------------------------------------------------------------ how it stands

    @property
    def over(self) -> bool:
        """Nothing more is asked or recorded."""
        return self.ends_reason is not None

    @property
    def called_off(self) -> bool:
        """It ended without anything to grade or report."""
        return self.over and (
            self.status in (InterviewStatus.DECLINED, InterviewStatus.CANCELLED) or not self.began
        )

    def snapshot(self, now: datetime) -> Snapshot:
        return Snapshot(
            interview_id=self.start.interview_id,
            state_version=self.version,
            status=self.status,
            cursor=self.cursor(),
            questions=self.progress.states(),
            epoch=self.line.epoch,
            joined_epoch=self.line.joined_epoch,
            live_epoch=self.line.live_epoch,
            consented=self.consented,
            clock_running=self.clock.running,
            remaining=self.clock.remaining(now),
            as_of=now,
            ends_reason=self.ends_reason,
            report_version=self.report_version,
            report_given_up=self.report_given_up,
            no_capacity=self.no_capacity,
        )

    def cursor(self) -> Cursor:
        if self.over:
            return Cursor(question_id=None, position=len(self.start.questions))
        return self.progress.cursor()

    def changed(self) -> None:
        self.version += 1

    # ------------------------------------------------------------------ times

    def due_at(self) -> datetime:
        """When the present state ends by itself, for an interview that is not over."""
        expires_at = self.start.expires_at
        if self.status is InterviewStatus.SCHEDULED:
            return min(self.start.starts_at or expires_at, expires_at)
        if self.status is InterviewStatus.IN_PROGRESS:
            return self.clock.ends_at() or expires_at
        if self.began:
            return max(expires_at, self._stopped_at + RETURN_GRACE)
        return expires_at

    def tick(self, now: datetime) -> None:
        """Does what is due at `now`; nothing when nothing is."""
        if self.over or now < self.due_at():
            return
        if self.status is InterviewStatus.IN_PROGRESS:
            self.end("deadline", now)
        elif self.status is InterviewStatus.SCHEDULED and now < self.start.expires_at:
            self.status = InterviewStatus.WAITING
            self.changed()
        else:
            self.end("expired", now, InterviewStatus.EXPIRED)

    def end(
        self, reason: str, now: datetime, status: InterviewStatus = InterviewStatus.GRADING
    ) -> None:
        """Nothing more is asked; what was said goes on to be graded unless it was called off."""
        self._stop_clock(now)
        self.status, self.ends_reason = status, reason
        self.progress.assessing = False
        self.changed()

    # ------------------------------------------------------------------ the line

    def consent(self, consent: Consent, now: datetime) -> None:
        if consent.consent_id is None:
            self.end("declined", now, InterviewStatus.DECLINED)
        else:
            self.consented = True
            self.changed()

    def connect(self, join: Join, now: datetime) -> Connection:
        """A new epoch. The old bot is superseded; whoever holds its activity cancels it."""
        connection = self.line.open(join.purpose, join.offer_id, now)
        self.no_capacity = False
        self.changed()
        return connection

    def open_typing(self, now: datetime, tab: UUID | None = None) -> None:
        """The candidate goes on without voice, from this tab if it is named. While a bot is live,
        typing needs no such thing."""
        taken = tab is not None and self.line.type_from(tab)
        if taken or self.status in (InterviewStatus.WAITING, InterviewStatus.INTERRUPTED):
            self.typing = True
            self._start_clock(now, spoken=False)
            self.changed()

    def bot_is_ready(self, ready: BotReady, now: datetime, *, never_alive: bool = False) -> None:
        """The bot takes the fence. The time since its predecessor was last alive is given back;
        all that ran for bots when none was (`never_alive`)."""
        self.line.take(ready.fence, now)
        self.no_capacity = False
        if ready.purpose is JoinPurpose.INTERVIEW:
            if never_alive or ready.last_alive_at is not None:
                self.clock.give_back(ready.last_alive_at, now, own_loss=self._own_loss)
            self.typing = self._own_loss = False
            self._start_clock(now, spoken=True)
        self.changed()

    def conversation_over(
        self,
        epoch: int,
        now: datetime,
        *,
        end: ConversationEnd | None,
        refusal: CodeVoiceError | None,
        connected: bool = True,
    ) -> None:
        """The activity of `epoch` ended: with `end`, or without a result when it failed.

        While a line never came up nobody could answer: its whole time is given back.
        """
        connection = self.line.connections[epoch - 1]
        spoke = connection.phase is Phase.READY
        self.line.close(epoch, refusal or Unavailable("the conversation ended before it began"))
        if epoch == self.line.epoch and connection.purpose is JoinPurpose.INTERVIEW:
            self.no_capacity = isinstance(refusal, NoCapacity)
            if spoke:
                self._own_loss = connected and end is ConversationEnd.LEFT
            if connection.ready_at is not None and not connected and not self.over:
                self.clock.give_back(connection.ready_at, now, own_loss=False)
            asking = self.status is InterviewStatus.IN_PROGRESS and not self.progress.finished
            if asking and not self.typing:
                self._stop_clock(now)
                self.status = InterviewStatus.INTERRUPTED
        self.changed()

    def hand_over(self) -> Connection:
        """The next epoch of a conversation whose worker is shutting down."""
        self.changed()
        return self.line.open_again(JoinPurpose.INTERVIEW, None)

    def give_back(self, outage: Outage, now: datetime) -> None:
        """Nobody could answer while the service was away. Told twice, it is given back once."""
        if self.over:
            return
        if self.clock.give_back_outage(outage.began_at, outage.ended_at, now):
            self.changed()

    # ------------------------------------------------------------------ answers and moves

    def record(self, answer: RecordAnswer, now: datetime) -> None:
        self._typed_while_interrupted(answer.fence, now)
        self.progress.record(answer.question_id, answer.revision, answer.answer_id)
        question = self.progress.questions[answer.question_id]
        self.progress.assessing = question.follow_ups_left > 0
        if not self.progress.assessing:
            self.progress.advance()
        self.changed()

    def assessed(self, missed: tuple[str, ...]) -> None:
        """What the newest answer misses: asks the follow-up that is due, or goes on."""
        self.progress.assessing = False
        if not self.progress.follow_up_on(missed):
            self.progress.advance()
        self.changed()

    def reopen(self, message: ReopenAnswer, now: datetime) -> None:
        self._typed_while_interrupted(message.fence, now)
        if self.progress.last_answer is not None:
            self.progress.reopen(self.progress.last_answer)
            self.changed()

    def skip(self, move: Move, now: datetime) -> None:
        self._typed_while_interrupted(move.fence, now)
        self.progress.skip()
        self.changed()

    def go_back(self, move: Move, now: datetime) -> None:
        self._typed_while_interrupted(move.fence, now)
        self.progress.go_back()
        self.changed()

    def pause(self, now: datetime) -> None:
        self._stop_clock(now)
        self.status = InterviewStatus.PAUSED
        self.changed()

    def resume(self, now: datetime) -> None:
        """Typing goes on at once; voice waits for a join."""
        self.status = InterviewStatus.INTERRUPTED
        if self.typing:
            self._start_clock(now, spoken=False)
        self.changed()

    def cancel(self, now: datetime) -> None:
        self.end("cancelled", now, InterviewStatus.CANCELLED)

    # ------------------------------------------------------------------ grades and report

    def unfinished(self) -> list[AskedQuestion]:
        """Questions that were asked and have no answer that stands: some may hold an open turn."""
        asked = self.progress.questions.values()
        return [q for q in asked if q.visited and not q.standing and q.outcome is Outcome.UNASKED]

    def report_order(self) -> BuildReport:
        states = self.progress.states()
        return BuildReport(
            interview_id=self.start.interview_id,
            version=self.report_version + 1,
            questions=tuple(
                ReportQuestion(
                    question_id=s.question_id,
                    outcome=s.outcome,
                    answer_id=s.answer_id,
                    graded=s.grade is GradeState.GRADED,
                )
                for s in states
            ),
            complete=not self.pending(),
        )

    def pending(self) -> int:
        """How many answers that count have no settled grade yet."""
        return sum(state.grade is GradeState.PENDING for state in self.progress.states())

    def report_built(self, version: int) -> None:
        self.report_version = version
        self.changed()

    def give_up_report(self) -> None:
        self.report_given_up = True
        self.changed()

    def complete(self) -> None:
        if self.status is InterviewStatus.GRADING:
            self.status = InterviewStatus.COMPLETED
            self.changed()

    # ------------------------------------------------------------------ within

    def _typed_while_interrupted(self, fence: Fence | None, now: datetime) -> None:
        # Who types while the voice line is lost is evidently there: typing is open again.
        if fence is None:
            self.open_typing(now)

    def _start_clock(self, now: datetime, *, spoken: bool) -> None:
        self.began = True
        self.status = InterviewStatus.IN_PROGRESS
        self.clock.start(now, spoken=spoken)

    def _stop_clock(self, now: datetime) -> None:
        self.clock.stop(now)
        self._stopped_at = now
