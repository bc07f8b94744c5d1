"""Grades and reports: what is set going while the interview runs on, and what it ends with."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from contracts.activities import AnswerRef, CloseAnswer, GradeRef
from contracts.interview import GradeState, Outcome
from workflows import calls
from workflows.background import Background
from workflows.interview import Interview
from workflows.progress import AskedQuestion

#: The first report is due within 10 s of the last word; late grades come as further versions.
WAIT_FOR_GRADES: Final = timedelta(seconds=5)
#: A live bot lets the candidate finish a sentence, says goodbye and leaves within this time.
LAST_WORDS: Final = timedelta(seconds=20)


class Marking:
    """Keeps one grading going for every answer that counts and is no longer being added to."""

    def __init__(self, interview: Interview, background: Background) -> None:
        self._interview = interview
        self._background = background
        self._running: dict[tuple[UUID, int], workflow.ActivityHandle[GradeRef]] = {}

    def reconcile(self) -> None:
        """Starts what is missing, cancels what was superseded. Called after every change."""
        for question in self._interview.progress.questions.values():
            for (question_id, revision), handle in list(self._running.items()):
                if question_id == question.question_id and revision != question.standing:
                    self._drop(question, revision, handle)
            if self._due(question):
                self._start(question)

    def stop(self) -> None:
        """The interview was called off: what is still being graded is of no use."""
        for (question_id, revision), handle in list(self._running.items()):
            self._drop(self._interview.progress.questions[question_id], revision, handle)

    async def close_unfinished(self) -> None:
        """What was being said when the time was up becomes an `interrupted` answer.

        An answer that had been taken back and was not added to counts after all.
        """
        await self._last_words()
        for question in self._interview.unfinished():
            order = CloseAnswer(
                interview_id=self._interview.start.interview_id,
                question_id=question.question_id,
                revision=question.gathering,
            )
            try:
                closed = await calls.close_answer(order)
            except ActivityError as failure:
                if is_cancelled_exception(failure):
                    return  # the interview was called off meanwhile
                continue  # the row cannot be made; its turns stand in the transcript
            if closed.answer_id is None:
                question.stand_by_last_answer()
            else:
                question.recorded[question.gathering] = closed.answer_id
                question.outcome = Outcome.INTERRUPTED
            self._interview.changed()

    async def _last_words(self) -> None:
        """Somebody may be cut off in the middle of a sentence: the bot writes it down."""
        line, by_time = self._interview.line, self._interview.ends_reason == "deadline"
        speaking = line.live_epoch is not None and self._interview.unfinished()
        # `finish` waits since later than the deadline does, hence a patch of its own.
        if speaking and workflow.patched("last-words" if by_time else "last-words-at-finish"):
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(
                    lambda: line.live_epoch is None,
                    timeout=LAST_WORDS,
                    timeout_summary="the last words are written down",
                )

    async def report(self) -> None:
        """A first report soon, then a new version whenever more grades are settled."""
        interview = self._interview
        self.reconcile()
        with suppress(asyncio.TimeoutError):
            await workflow.wait_condition(
                lambda: not interview.pending(),
                timeout=WAIT_FOR_GRADES,
                timeout_summary="the first report is due",
            )
        while True:
            pending = interview.pending()
            try:
                built = await calls.build_report(interview.report_order())
            except ActivityError as failure:
                # After a day, or called off. The answers and grades stand without a report.
                if not is_cancelled_exception(failure):
                    interview.give_up_report()
                return
            interview.report_built(built.version)
            if not pending:
                return
            await workflow.wait_condition(partial(self._fewer_pending_than, pending))

    def _fewer_pending_than(self, pending: int) -> bool:
        return self._interview.pending() < pending

    def _due(self, question: AskedQuestion) -> bool:
        left = self._interview.over or self._interview.progress.current is not question
        return left and question.standing > 0 and question.standing not in question.grades

    def _start(self, question: AskedQuestion) -> None:
        revision = question.standing
        handle = calls.grade_answer(
            AnswerRef(
                interview_id=self._interview.start.interview_id,
                question_id=question.question_id,
                revision=revision,
                answer_id=question.recorded[revision],
            ),
            self._interview.start.grading_give_up,
        )
        question.grades[revision] = GradeState.PENDING
        self._running[question.question_id, revision] = handle
        self._interview.changed()
        self._background.start(self._settle(question, revision, handle))

    async def _settle(
        self, question: AskedQuestion, revision: int, handle: workflow.ActivityHandle[GradeRef]
    ) -> None:
        try:
            settled = await handle
            state = GradeState.GRADED if settled.grade_id else GradeState.UNGRADED
        except ActivityError:
            state = GradeState.UNGRADED
        # Hazard: a superseded grading may end after its successor began; it settles nothing.
        if self._running.get((question.question_id, revision)) is handle:
            del self._running[question.question_id, revision]
            question.grades[revision] = state
            self._interview.changed()

    def _drop(
        self,
        question: AskedQuestion,
        revision: int,
        handle: workflow.ActivityHandle[GradeRef],
    ) -> None:
        del self._running[question.question_id, revision]
        del question.grades[revision]  # it is graded anew should it ever count again
        handle.cancel()
