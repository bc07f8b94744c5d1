"""The workflow over the real store and the embedded grader: what PostgreSQL holds afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.interviews import InterviewActivities
from contracts.errors import GradingFailed
from contracts.grades import Grade
from contracts.interview import (
    Consent,
    GradeState,
    InterviewStatus,
    Join,
    JoinPurpose,
    Move,
    Outcome,
    RecordAnswer,
    Snapshot,
)
from contracts.questions import Question
from contracts.report import Outside, Report
from contracts.turns import Speaker, Turn, TurnPurpose
from db.rows import Interview
from db.store import Store
from grading.embedded import EmbeddedGrader
from reporter import Reporter
from reports.words import pending
from tests.builders import a_turn, an_interview
from tests.replay.rehearsal import local_temporal
from tests.waiting import eventually
from tests.workers import activities_over, polling
from workflows.interview_client import InterviewClient


@pytest.fixture
async def temporal(store: Store) -> AsyncIterator[Client]:
    with closing(await asyncio.to_thread(EmbeddedGrader)) as grader:
        work = activities_over(store, grader, Reporter(store, {}))
        async with local_temporal() as client, polling(client, work):
            yield client


async def say(store: Store, interview: Interview, question: int, text: str, revision: int) -> None:
    await store.turns.add(a_turn(interview, text, question=question, revision=revision))


async def answer(
    store: Store, client: InterviewClient, interview: Interview, text: str
) -> Snapshot:
    """As the API does it: the turn, the row, the update."""
    cursor = (await client.snapshot(interview.id)).cursor
    assert cursor.question_id is not None
    await say(store, interview, cursor.position - 1, text, cursor.revision)
    kept = await store.answers.put(interview.id, cursor.question_id, cursor.revision, uuid4())
    return await client.record_answer(
        interview.id,
        RecordAnswer(
            question_id=cursor.question_id,
            revision=cursor.revision,
            answer_id=kept,
            await_next=True,
        ),
    )


async def test_an_interviews_rows_agree_with_its_workflow(store: Store, temporal: Client) -> None:
    interview, client = await an_interview(store), InterviewClient(temporal)
    await client.start(interview.start)
    await client.consent(interview.id, Consent(consent_id=uuid4()))
    await client.join(interview.id, Join(purpose=JoinPurpose.TYPING))
    first = await answer(store, client, interview, "Honestly I have only ever used them in Python.")
    assert first.cursor.follow_up == "bucket"
    second = await answer(
        store, client, interview, "The hash of the key picks the bucket that is searched."
    )
    assert (second.cursor.position, second.questions[0].revision) == (2, 2)
    third = await answer(store, client, interview, "Two keys that share a bucket are a collision.")
    while third.cursor.question_id is not None:
        third = await client.skip(interview.id, Move())
    done = await eventually(lambda: _completed(store, interview.id), within_s=20)
    assert [q.outcome for q in done.questions][-1] is Outcome.SKIPPED
    assert done.questions[0].grade is GradeState.GRADED
    rows = {row.id: row for row in await store.answers.of_interview(interview.id)}
    counted = rows[done.questions[0].answer_id or uuid4()]
    assert counted.text.startswith("Honestly")
    assert counted.text.endswith("searched.")
    graded = [grade.answer_id for grade in await store.grades.of_interview(interview.id)]
    assert len(graded) == len(set(graded)) == len(rows)


async def test_what_was_asked_in_writing_is_kept_once_each(store: Store, temporal: Client) -> None:
    interview, client = await an_interview(store), InterviewClient(temporal)
    await client.start(interview.start)
    await client.consent(interview.id, Consent(consent_id=uuid4()))
    await client.join(interview.id, Join(purpose=JoinPurpose.TYPING))
    await eventually(lambda: _asked(store, interview.id, 1))
    await answer(store, client, interview, "Honestly I have only ever used them in Python.")
    await eventually(lambda: _asked(store, interview.id, 2))
    await client.pause(interview.id, Move())
    await client.resume(interview.id, Move())
    await client.join(interview.id, Join(purpose=JoinPurpose.TYPING))
    await client.skip(interview.id, Move())
    turns = await eventually(lambda: _asked(store, interview.id, 3))
    assert [turn.purpose for turn in turns] == [
        TurnPurpose.QUESTION,
        TurnPurpose.FOLLOW_UP,
        TurnPurpose.QUESTION,
    ]


async def test_a_question_that_was_left_before_its_state_was_saved_is_kept_as_asked(
    store: Store, temporal: Client
) -> None:
    """The save before waits for a worker to come back; the newest state alone is saved then."""
    interview, client = await an_interview(store), InterviewClient(temporal)
    await client.start(interview.start)
    await client.consent(interview.id, Consent(consent_id=uuid4()))
    await client.join(interview.id, Join(purpose=JoinPurpose.TYPING))
    state = await client.skip(interview.id, Move())
    later = state.model_copy(update={"state_version": state.state_version + 100})
    other = await an_interview(store)
    saved = later.model_copy(update={"interview_id": other.id})
    await ActivityEnvironment().run(InterviewActivities(store).save_state, saved)
    turns = await _asked(store, other.id, 2)
    planned = [each.question_id for each in state.questions]
    assert [turn.question_id for turn in turns] == planned[:2]


async def _asked(store: Store, interview_id: UUID, count: int) -> list[Turn]:
    turns = await store.turns.of_interview(interview_id)
    asked = [turn for turn in turns if turn.speaker is Speaker.INTERVIEWER]
    assert len(asked) == count
    return asked


async def test_what_was_being_said_at_the_end_is_kept_and_graded(
    store: Store, temporal: Client
) -> None:
    interview, client = await an_interview(store), InterviewClient(temporal)
    await client.start(interview.start)
    await client.consent(interview.id, Consent(consent_id=uuid4()))
    await client.join(interview.id, Join(purpose=JoinPurpose.TYPING))
    await say(store, interview, 0, "The hash of the key picks", 1)
    await client.finish(interview.id, Move())
    done = await eventually(lambda: _completed(store, interview.id), within_s=20)
    assert done.questions[0].outcome is Outcome.INTERRUPTED
    (row,) = await store.answers.of_interview(interview.id)
    assert (row.outcome, row.text) == (Outcome.INTERRUPTED, "The hash of the key picks")
    assert [grade.answer_id for grade in await store.grades.of_interview(interview.id)] == [row.id]
    report = await store.reports.latest(interview.id)
    assert report is not None
    assert report.version == done.report_version


class NoGrader:
    async def grade(self, question: Question, answer: str) -> Grade:
        raise GradingFailed("there is no model")


async def test_an_answer_whose_grade_was_given_up_is_left_to_a_person(store: Store) -> None:
    interview = await an_interview(store)
    start = interview.start.model_copy(update={"grading_give_up": timedelta(seconds=1)})
    work = activities_over(store, NoGrader(), Reporter(store, {}))
    async with local_temporal() as temporal, polling(temporal, work):
        client = InterviewClient(temporal)
        await client.start(start)
        await client.consent(interview.id, Consent(consent_id=uuid4()))
        await client.join(interview.id, Join(purpose=JoinPurpose.TYPING))
        await answer(store, client, interview, "The hash of the key picks the bucket.")
        await client.finish(interview.id, Move())
        done = await eventually(lambda: _completed(store, interview.id), within_s=20)
    assert done.questions[0].grade is GradeState.UNGRADED
    stored = await store.reports.latest(interview.id)
    assert stored is not None
    report = Report.model_validate(stored.payload)
    assert report.complete
    assert report.questions[0].outside is Outside.UNGRADED
    assert report.total.score is None
    assert "A person should grade by hand." in (pending(report) or "")


async def _completed(store: Store, interview_id: UUID) -> Snapshot:
    snapshot = await store.interviews.snapshot(interview_id)
    assert snapshot.status is InterviewStatus.COMPLETED
    return snapshot
