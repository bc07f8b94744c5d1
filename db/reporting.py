"""Loads what a report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from contracts.activities import BuildReport, ReportQuestion
from contracts.grades import GradeKind
from contracts.questions import Question
from contracts.report import GradeRow, PlannedRow, ReportInputs
from db.rows import Answer, Recording
from db.store import Store

#: A live bot says so each second.
_ALIVE: Final = timedelta(seconds=10)


async def report_inputs(
    store: Store,
    order: BuildReport,
    *,
    app_version: str,
    parts: Mapping[str, str],
    counts: GradeKind = GradeKind.EMBEDDED,
) -> ReportInputs:
    """What stands now. Outcomes are the workflow's, from the order. Raises NotFound."""
    interview = await store.interviews.get(order.interview_id)
    plan = await store.interviews.plan(order.interview_id)
    answers = {row.id: row for row in await store.answers.of_interview(order.interview_id)}
    recordings = await store.recordings.of_interview(order.interview_id)
    return ReportInputs(
        interview_id=order.interview_id,
        version=order.version,
        built_at=datetime.now(UTC),
        complete=order.complete,
        candidate_name=interview.candidate.name,
        questions=tuple(_planned(each, plan, answers) for each in order.questions),
        turns=await store.turns.of_interview(order.interview_id),
        grades=tuple(
            GradeRow(answer_id=row.answer_id, made_at=row.created_at, grade=row.grade)
            for row in await store.grades.of_interview(order.interview_id)
        ),
        incomplete_recordings=await _incomplete(store, order.interview_id, recordings),
        app_version=app_version,
        parts=dict(parts),
        counts=counts,
    )


async def _incomplete(
    store: Store, interview_id: UUID, recordings: Sequence[Recording]
) -> frozenset[UUID]:
    """Those that miss something. The newest, while a bot is alive, only lacks its farewell yet."""
    alive_at = await store.interviews.last_alive_at(interview_id)
    alive = alive_at is not None and datetime.now(UTC) - alive_at < _ALIVE
    newest = max(recordings, key=lambda row: row.started_at, default=None)
    return frozenset(
        row.id
        for row in recordings
        if row.complete is False or (row.complete is None and not (alive and row is newest))
    )


def _planned(
    asked: ReportQuestion, plan: Mapping[UUID, Question], answers: Mapping[UUID, Answer]
) -> PlannedRow:
    answer = answers.get(asked.answer_id) if asked.answer_id else None
    return PlannedRow(
        question_id=asked.question_id,
        question=plan[asked.question_id],
        outcome=asked.outcome,
        answer_id=asked.answer_id,
        answer_text=answer.text if answer else None,
        graded=asked.graded,
    )
