"""The denominator of the engine rate: an interview as a workflow that does no more than it must.

It takes the same updates with the same payloads, calls the same activities on the same queues and
saves its state as often as the product's does. It has no validators, no repeats, no clock or
deadline, no voice, no taking back, no moves, no summaries and no details.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.grading import GradingActivities
    from activities.interviews import InterviewActivities
    from activities.reports import ReportActivities
    from contracts.activities import AnswerRef, BuildReport, ReportQuestion
    from contracts.interview import (
        Consent,
        Cursor,
        GradeState,
        InterviewStart,
        InterviewStatus,
        Join,
        Joined,
        Outcome,
        QuestionState,
        RecordAnswer,
        Snapshot,
    )
    from contracts.questions import FOLLOW_UP_BUDGET
    from contracts.queues import GRADING, INTERVIEWS

_LIMIT = timedelta(minutes=1)
_ASSESSMENT = timedelta(seconds=1)  # as in workflows/calls.py


@workflow.defn
class MinimalInterview:
    @workflow.init
    def __init__(self, start: InterviewStart) -> None:
        self._start = start
        self._status = InterviewStatus.WAITING
        self._version, self._saved = 1, 0
        self._at = 0  # the question's place in the plan
        self._revision = 1
        self._assessing = False
        self._follow_up: str | None = None
        self._asked: list[str] = []  # follow-ups of this question
        self._states = [QuestionState(question_id=each.question_id) for each in start.questions]
        self._consented = False
        self._epoch = self._report_version = 0
        self._work: list[asyncio.Task[None]] = []

    @workflow.run
    async def run(self, start: InterviewStart) -> Snapshot:
        self._work.append(asyncio.create_task(self._save()))
        await workflow.wait_condition(lambda: self._at == len(self._states))
        await workflow.wait_condition(
            lambda: all(each.grade is not GradeState.PENDING for each in self._states)
        )
        built = await workflow.execute_activity_method(
            ReportActivities.build_report,
            self._order(),
            task_queue=GRADING,
            start_to_close_timeout=_LIMIT,
        )
        self._report_version, self._status = built.version, InterviewStatus.COMPLETED
        self._version += 1
        await workflow.wait_condition(lambda: self._saved == self._version)
        return self._snapshot()

    @workflow.update
    def consent(self, message: Consent) -> Snapshot:
        self._consented = True
        return self._changed()

    @workflow.update
    def join(self, message: Join) -> Joined:
        self._status = InterviewStatus.IN_PROGRESS
        self._epoch += 1
        return Joined(epoch=self._epoch, offer_id=None, snapshot=self._changed())

    @workflow.update
    async def record_answer(self, message: RecordAnswer) -> Snapshot:
        """The reply names the next prompt, so it waits for the assessment."""
        self._states[self._at] = QuestionState(
            question_id=message.question_id,
            outcome=Outcome.ANSWERED,
            answer_id=message.answer_id,
            revision=message.revision,
        )
        answer = AnswerRef(
            interview_id=self._start.interview_id,
            question_id=message.question_id,
            revision=message.revision,
            answer_id=message.answer_id,
        )
        self._revision = message.revision + 1
        self._follow_up, self._assessing = None, self._follow_ups_left() > 0
        self._changed()
        if self._assessing:
            self._follow_up = self._askable(await self._missed(answer))
            self._assessing = False
        if self._follow_up is not None:
            self._asked.append(self._follow_up)
        else:
            self._work.append(asyncio.create_task(self._grade(self._at, answer)))
            self._at, self._revision, self._asked = self._at + 1, 1, []
            if self._at == len(self._states):
                self._status = InterviewStatus.GRADING
        return self._changed()

    async def _missed(self, answer: AnswerRef) -> tuple[str, ...]:
        try:
            found = await workflow.execute_activity_method(
                GradingActivities.assess_answer,
                answer,
                task_queue=GRADING,
                start_to_close_timeout=_ASSESSMENT,
                retry_policy=RetryPolicy(maximum_attempts=1),
            )
        except ActivityError:
            return ()
        return found.missed

    def _askable(self, missed: tuple[str, ...]) -> str | None:
        planned = [each.key_point_id for each in self._start.questions[self._at].follow_ups]
        return next((p for p in missed if p in planned and p not in self._asked), None)

    def _follow_ups_left(self) -> int:
        planned = self._start.questions[self._at]
        most = min(len(planned.follow_ups), FOLLOW_UP_BUDGET[planned.difficulty])
        return most - len(self._asked)

    async def _grade(self, at: int, answer: AnswerRef) -> None:
        self._states[at] = self._states[at].model_copy(update={"grade": GradeState.PENDING})
        await workflow.execute_activity_method(
            GradingActivities.grade_answer,
            answer,
            task_queue=GRADING,
            start_to_close_timeout=_LIMIT,
        )
        self._states[at] = self._states[at].model_copy(update={"grade": GradeState.GRADED})
        self._version += 1

    async def _save(self) -> None:
        """The newest state, one save in flight."""
        while True:
            await workflow.wait_condition(lambda: self._saved < self._version)
            snapshot = self._snapshot()
            await workflow.execute_activity_method(
                InterviewActivities.save_state,
                snapshot,
                task_queue=INTERVIEWS,
                start_to_close_timeout=_LIMIT,
            )
            self._saved = snapshot.state_version

    def _changed(self) -> Snapshot:
        self._version += 1
        return self._snapshot()

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            interview_id=self._start.interview_id,
            state_version=self._version,
            status=self._status,
            cursor=self._cursor(),
            questions=tuple(self._states),
            epoch=self._epoch,
            consented=self._consented,
            remaining=self._start.duration,
            as_of=workflow.now(),
            report_version=self._report_version,
        )

    def _cursor(self) -> Cursor:
        total = len(self._states)
        if self._at == total:
            return Cursor(question_id=None, position=total)
        return Cursor(
            question_id=self._planned(self._at),
            position=self._at + 1,
            revision=self._revision,
            follow_up=self._follow_up,
            follow_ups_used=len(self._asked),
            follow_ups_left=self._follow_ups_left(),
            assessing=self._assessing,
            next_question_id=self._planned(self._at + 1) if self._at + 1 < total else None,
        )

    def _planned(self, at: int) -> UUID:
        return self._start.questions[at].question_id

    def _order(self) -> BuildReport:
        return BuildReport(
            interview_id=self._start.interview_id,
            version=1,
            questions=tuple(
                ReportQuestion(question_id=s.question_id, outcome=s.outcome, answer_id=s.answer_id)
                for s in self._states
            ),
            complete=True,
        )
