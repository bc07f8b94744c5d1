"""Grading while the interview goes on, reports, and what happens when a grade does not come."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

from contracts.interview import (
    GradeState,
    InterviewStatus,
    Move,
    RecordAnswer,
    ReopenAnswer,
)
from contracts.questions import Difficulty
from tests.replay.plans import a_start
from tests.replay.rehearsal import Room, Stage

S = InterviewStatus
EASY = Difficulty.EASY


async def typing(stage: Stage, **changes: object) -> Room:
    """Two questions without follow-ups, so that nothing is assessed."""
    room = await stage.open(a_start(EASY, EASY, follow_ups=0, **changes))
    await room.type_on()
    return room


async def test_an_answer_is_graded_while_the_next_is_given(stage: Stage) -> None:
    room = await typing(stage)
    first = (await room.answer()).questions[0]
    assert first.grade is GradeState.PENDING
    await room.until_true(lambda: room.saved[-1].questions[0].grade is GradeState.GRADED)
    assert room.graded == [first.answer_id]
    assert room.saved[-1].status is S.IN_PROGRESS


async def test_a_late_grade_makes_a_new_version_of_the_report(stage: Stage) -> None:
    room = await typing(stage)
    await room.answer()
    await room.until_true(lambda: len(room.graded) == 1)
    room.grading_open.clear()
    began = asyncio.get_running_loop().time()
    await room.answer()
    await room.until_true(lambda: room.saved[-1].report_version == 1)
    assert asyncio.get_running_loop().time() - began < 10
    first = room.saved[-1]
    assert (first.status, room.reports[-1].complete) == (S.GRADING, False)
    assert [q.grade for q in first.questions] == [GradeState.GRADED, GradeState.PENDING]
    room.grading_open.set()
    done = await room.result()
    assert (done.status, done.report_version) == (S.COMPLETED, 2)
    assert room.reports[-1].complete


async def test_grading_that_never_settles_is_given_up_and_told(stage: Stage) -> None:
    room = await typing(stage, grading_give_up=timedelta(seconds=1))
    room.grading_open.clear()
    await room.answer_all()
    done = await room.result()
    assert done.status is S.COMPLETED
    assert [q.grade for q in done.questions] == [GradeState.UNGRADED] * 2
    assert (room.reports[-1].complete, room.graded) == (True, [])


async def test_an_answer_that_cannot_be_graded_is_not_tried_for_hours(stage: Stage) -> None:
    room = await typing(stage)
    cursor = (await room.state()).cursor
    answer = RecordAnswer(question_id=cursor.question_id or uuid4(), revision=1, answer_id=uuid4())
    room.ungradable.add(answer.answer_id)
    await room.client.record_answer(room.id, answer)
    await room.answer()
    done = await room.result()
    assert [q.grade for q in done.questions] == [GradeState.UNGRADED, GradeState.GRADED]


async def test_a_superseded_answers_grading_is_cancelled(stage: Stage) -> None:
    room = await typing(stage)
    room.grading_open.clear()
    old = (await room.answer()).questions[0]
    second = room.start.questions[1].question_id
    await room.client.go_back(room.id, Move(question_id=second))
    new = (await room.answer()).questions[0]
    assert (new.revision, new.grade) == (2, GradeState.PENDING)
    room.grading_open.set()
    await room.answer()
    await room.result()
    assert new.answer_id in room.graded
    assert "ACTIVITY_TASK_CANCEL_REQUESTED" in await _event_types(room)
    assert old.answer_id != new.answer_id


async def test_a_grading_that_was_taken_back_starts_anew_with_the_next_revision(
    stage: Stage,
) -> None:
    room = await typing(stage)
    room.grading_open.clear()
    first = room.start.questions[0].question_id
    await room.answer()
    reopened = await room.client.reopen_answer(room.id, ReopenAnswer(question_id=first, revision=1))
    assert reopened.questions[0].grade is GradeState.NONE
    again = await room.answer()
    assert (again.questions[0].revision, again.questions[0].grade) == (2, GradeState.PENDING)
    room.grading_open.set()
    await room.answer()
    assert [q.grade for q in (await room.result()).questions] == [GradeState.GRADED] * 2


async def test_cancelling_while_grading_ends_at_once_without_a_report(stage: Stage) -> None:
    room = await typing(stage)
    room.grading_open.clear()
    await room.answer_all()
    await room.client.cancel(room.id, Move())
    done = await room.result()
    assert (done.status, done.report_version) == (S.CANCELLED, 0)
    assert [q.grade for q in done.questions] == [GradeState.NONE] * 2


async def test_cancelling_while_an_answer_is_closed_ends_at_once(stage: Stage) -> None:
    room = await typing(stage)
    room.closing_open.clear()
    await room.client.finish(room.id, Move())
    await room.client.cancel(room.id, Move())
    assert (await room.result()).status is S.CANCELLED


async def test_every_state_is_saved_in_order_and_the_last_one_stands(stage: Stage) -> None:
    room = await typing(stage)
    await room.answer_all()
    done = await room.result()
    versions = [snapshot.state_version for snapshot in room.saved]
    assert versions == sorted(set(versions))
    assert versions[-1] == done.state_version


async def _event_types(room: Room) -> str:
    handle = room.stage.temporal.get_workflow_handle(f"interview-{room.id}")
    return (await handle.fetch_history()).to_json()
