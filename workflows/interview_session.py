"""`InterviewSession`: one interview as a durable workflow.

Messages change `Interview` (pure); this file says what else happens because of them: which activity
starts, which is cancelled, who waits for what. It reads from top to bottom: the course of the
interview, the messages, the follow-up.

Hazards of handlers that interleave. A handler without `await` is atomic: its validator and its body
run in one step, so what the validator saw still holds. Only `join` and `record_answer` wait; each
names below what may have changed meanwhile. Validators only look. No `set` is iterated and no clock
but `workflow.now()` is read, since both would differ on replay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from contracts.activities import AnswerRef
    from contracts.errors import CodeVoiceError, Unavailable
    from contracts.interview import (
        BotReady,
        Consent,
        InterviewStart,
        InterviewStatus,
        Join,
        Joined,
        JoinPurpose,
        Move,
        Outage,
        RecordAnswer,
        ReopenAnswer,
        Snapshot,
    )
    from workflows import calls, rules
    from workflows.background import Background
    from workflows.bots import Bots
    from workflows.interview import Interview
    from workflows.line import Phase
    from workflows.marking import Marking
    from workflows.refusals import refusal
    from workflows.saving import SavePump

#: After the last answer a live bot may still take it back: the candidate was not done.
AFTERTHOUGHT: Final = timedelta(seconds=2.5)
#: A timer is punctual to a fraction of a second while Temporal and a worker are there.
LATE: Final = timedelta(seconds=5)
#: The pulse of the service beats each two seconds.
TOLD_OF_AN_OUTAGE: Final = timedelta(seconds=10)

M = TypeVar("M")


@workflow.defn
class InterviewSession:
    @workflow.init
    def __init__(self, start: InterviewStart) -> None:
        self._interview = Interview(start, workflow.now())
        self._background = Background()
        self._saving = SavePump(self._interview)
        self._marking = Marking(self._interview, self._background)
        self._bots = Bots(self._interview, self._background)
        self._closed = False

    # ---------------------------------------------------------------- the course of the interview

    @workflow.run
    async def run(self, start: InterviewStart) -> Snapshot:
        """Ends once everything is asked, graded, reported and saved, or was called off.

        A cancellation in Temporal does what the update `cancel` does, then ends as cancelled.
        """
        self._background.start(self._saving.run())
        self._background.start(self._course())
        try:
            await self._until_closed()
        except asyncio.CancelledError:
            if self._interview.status.ended:
                await self._until_closed()
            else:
                self._interview.cancel(workflow.now())
                await self._until_closed()
                raise
        return self._interview.snapshot(workflow.now())

    async def _until_closed(self) -> None:
        await workflow.wait_condition(lambda: self._closed or self._background.failed)
        self._background.raise_failure()

    async def _course(self) -> None:
        interview = self._interview
        asking = self._background.start(self._ask_and_report())
        await workflow.wait_condition(lambda: interview.over)
        self._background.start(self._bots.send_off())
        self._background.start(self._bots.close_room())
        await workflow.wait_condition(
            lambda: asking.done() or interview.status is InterviewStatus.CANCELLED
        )
        if interview.called_off:
            asking.cancel()
            self._marking.stop()
        self._tell()
        await workflow.wait_condition(self._quiet)
        self._closed = True

    def _quiet(self) -> bool:
        """No bot, no room, no waiting caller and nothing unsaved is left behind."""
        nobody = self._bots.gone and self._bots.no_room
        return nobody and workflow.all_handlers_finished() and self._saving.idle

    async def _ask_and_report(self) -> None:
        while not self._interview.over:
            await self._until_something_is_due()
        if self._interview.called_off:
            return
        await self._marking.close_unfinished()
        measuring = self._background.start(self._measure_conduct())
        await self._marking.report()
        self._interview.complete()
        await measuring

    async def _measure_conduct(self) -> None:
        """Joins and scores what was recorded. Nothing waits for it but the end of this workflow:
        without it the report says that the conduct was not measured."""
        if self._interview.line.spoken and workflow.patched("conduct"):
            await workflow.wait_condition(lambda: self._bots.gone)
            with suppress(ActivityError):
                await calls.measure_conduct(self._interview.start.interview_id)

    async def _until_something_is_due(self) -> None:
        """Waits with one timer. It is left running when what it waits for moves away (a pause, time
        given back) and set anew only when it fires or something comes nearer."""
        interview = self._interview
        if interview.progress.finished:
            await self._afterthought()
            return
        armed_for = interview.due_at()
        with suppress(asyncio.TimeoutError):
            await workflow.wait_condition(
                lambda: (
                    interview.over or interview.progress.finished or interview.due_at() < armed_for
                ),
                timeout=max(timedelta(0), armed_for - workflow.now()),
                timeout_summary="the next thing due",
            )
        await self._allow_for_an_outage()
        interview.tick(workflow.now())
        self._tell()

    async def _allow_for_an_outage(self) -> None:
        """A deadline noticed late: nobody was there to answer either. The pulse that finds out how
        long comes a moment after the worker that finds the deadline."""
        interview = self._interview
        asking = interview.status is InterviewStatus.IN_PROGRESS
        late = asking and workflow.now() - interview.due_at() > LATE
        if late and workflow.patched("late-deadline"):
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(
                    lambda: (
                        interview.over
                        or interview.progress.finished
                        or interview.due_at() > workflow.now()
                    ),
                    timeout=TOLD_OF_AN_OUTAGE,
                    timeout_summary="lost time may be given back",
                )

    async def _afterthought(self) -> None:
        """Everything is answered. Hazard: a live bot may be about to send `reopen_answer`."""
        interview = self._interview
        with suppress(asyncio.TimeoutError):
            await workflow.wait_condition(
                lambda: (
                    interview.over
                    or not interview.progress.finished
                    or interview.line.live_epoch is None
                ),
                timeout=AFTERTHOUGHT,
                timeout_summary="the last answer may be taken back",
            )
        if interview.progress.finished and not interview.over:
            interview.end("answered", workflow.now())

    # ---------------------------------------------------------------- messages

    @workflow.query
    def snapshot(self) -> Snapshot:
        return self._interview.snapshot(workflow.now())

    @workflow.update
    def consent(self, message: Consent) -> Snapshot:
        if not rules.repeats_consent(self._interview, message):
            self._interview.consent(message, workflow.now())
        return self._after_change()

    @workflow.update
    async def join(self, message: Join) -> Joined:
        """Returns when the bot is ready. Raises NoCapacity, Conflict (a newer join took over)."""
        interview = self._interview
        if message.purpose is JoinPurpose.TYPING:
            interview.open_typing(workflow.now(), message.tab)
            self._bots.supersede()
            return self._joined(message, interview.line.epoch)
        connection = interview.line.of_offer(message.offer_id) or self._bots.connect(message)
        try:
            await self._bots.open_room()
        except Unavailable as away:
            raise refusal(away) from away
        # Hazards while this waits: a newer join, the end of the interview or a pause, the bot's
        # failure, and a repeat of this very join, which waits for the same connection.
        await workflow.wait_condition(
            lambda: (
                connection.phase is not Phase.STARTING
                or connection is not interview.line.newest
                or interview.over
            )
        )
        if connection.phase is not Phase.READY:
            raise refusal(self._bots.why_not_joined(connection))
        return self._joined(message, connection.epoch)

    @workflow.update
    def bot_ready(self, message: BotReady) -> Snapshot:
        interview = self._interview
        if not rules.repeats_ready(interview, message):
            nobody = message.last_alive_at is None and interview.clock.unsettled
            never_alive = nobody and workflow.patched("never-alive")
            interview.bot_is_ready(message, workflow.now(), never_alive=never_alive)
        return self._after_change()

    @workflow.signal
    def give_back(self, outage: Outage) -> None:
        """The service was away: its own fault. A signal, since nobody waits for the new time."""
        self._interview.give_back(outage, workflow.now())
        self._tell()

    @workflow.update
    async def record_answer(self, message: RecordAnswer) -> Snapshot:
        if not rules.repeats_answer(self._interview, message):
            self._interview.record(message, workflow.now())
            if self._interview.progress.assessing:
                self._assess(message)
        snapshot = self._after_change()
        if message.await_next:
            # Hazard: while this waits the answer may be taken back, or the interview may end. Both
            # end the assessment too, and the reply then says so.
            await workflow.wait_condition(lambda: not self._interview.progress.assessing)
            snapshot = self._after_change()
        return snapshot

    @workflow.update
    def reopen_answer(self, message: ReopenAnswer) -> Snapshot:
        if not rules.repeats_reopening(self._interview, message):
            self._interview.reopen(message, workflow.now())
        return self._after_change()

    @workflow.update
    def skip(self, message: Move) -> Snapshot:
        if not rules.repeats_move(self._interview, "skip", message):
            self._interview.skip(message, workflow.now())
        return self._after_change()

    @workflow.update
    def go_back(self, message: Move) -> Snapshot:
        if not rules.repeats_move(self._interview, "go_back", message):
            self._interview.go_back(message, workflow.now())
        return self._after_change()

    @workflow.update
    def pause(self, message: Move) -> Snapshot:
        if self._interview.status is not InterviewStatus.PAUSED:
            self._interview.pause(workflow.now())
            self._background.start(self._bots.send_off())
        return self._after_change()

    @workflow.update
    def resume(self, message: Move) -> Snapshot:
        if self._interview.status is InterviewStatus.PAUSED:
            self._interview.resume(workflow.now())
        return self._after_change()

    @workflow.update
    def finish(self, message: Move) -> Snapshot:
        if not rules.repeats_finish(self._interview):
            self._interview.end("finished", workflow.now())
        return self._after_change()

    @workflow.update
    def cancel(self, message: Move) -> Snapshot:
        if self._interview.status is not InterviewStatus.CANCELLED:
            self._interview.cancel(workflow.now())
        return self._after_change()

    @consent.validator
    def _may_consent(self, message: Consent) -> None:
        self._check(rules.consent, message)

    @join.validator
    def _may_join(self, message: Join) -> None:
        self._check(rules.join, message)

    @bot_ready.validator
    def _may_be_ready(self, message: BotReady) -> None:
        self._check(rules.bot_ready, message)

    @record_answer.validator
    def _may_record(self, message: RecordAnswer) -> None:
        self._check(rules.record_answer, message)

    @reopen_answer.validator
    def _may_reopen(self, message: ReopenAnswer) -> None:
        self._check(rules.reopen_answer, message)

    @skip.validator
    def _may_skip(self, message: Move) -> None:
        self._check(rules.skip, message)

    @go_back.validator
    def _may_go_back(self, message: Move) -> None:
        self._check(rules.go_back, message)

    @pause.validator
    def _may_pause(self, message: Move) -> None:
        self._check(rules.pause, message)

    @resume.validator
    def _may_resume(self, message: Move) -> None:
        self._check(rules.resume, message)

    @finish.validator
    def _may_finish(self, message: Move) -> None:
        self._check(rules.finish, message)

    @cancel.validator
    def _may_cancel(self, message: Move) -> None:
        self._check(rules.cancel, message)

    def _joined(self, message: Join, epoch: int) -> Joined:
        return Joined(epoch=epoch, offer_id=message.offer_id, snapshot=self._after_change())

    def _check(self, rule: Callable[[Interview, M, datetime], None], message: M) -> None:
        try:
            rule(self._interview, message, workflow.now())
        except CodeVoiceError as error:
            raise refusal(error) from None

    def _after_change(self) -> Snapshot:
        """What every message ends with: grading follows the answers, the details the state."""
        if not self._interview.called_off:
            self._marking.reconcile()
        self._tell()
        return self._interview.snapshot(workflow.now())

    def _tell(self) -> None:
        """What an operator reads in Temporal's UI; kept out of the history."""
        interview = self._interview
        given_up = ", the next one given up" if interview.report_given_up else ""
        workflow.set_current_details(
            f"{interview.status}, question {interview.cursor().position} of "
            f"{len(interview.start.questions)}, epoch {interview.line.epoch}, "
            f"report {interview.report_version}{given_up}"
        )

    # ---------------------------------------------------------------- the follow-up

    def _assess(self, answer: RecordAnswer) -> None:
        reference = AnswerRef(
            interview_id=self._interview.start.interview_id,
            question_id=answer.question_id,
            revision=answer.revision,
            answer_id=answer.answer_id,
        )
        self._background.start(self._follow_up(reference))

    async def _follow_up(self, answer: AnswerRef) -> None:
        """Asks the follow-up that is due, or goes on; without an assessment it goes on."""
        missed: tuple[str, ...] = ()
        with suppress(ActivityError):
            missed = (await calls.assess_answer(answer)).missed
        # Hazard: meanwhile the answer may have been taken back, added to, skipped or left, or the
        # interview may be over. Then this assessment is nobody's any more.
        last = self._interview.progress.last_answer
        newest = last and (last.question_id, last.revision) == (answer.question_id, answer.revision)
        if newest and self._interview.progress.assessing:
            self._interview.assessed(missed)
            self._after_change()
