"""The engine's rate is measured fairly: both workflows do the same work."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from bench.engine import GOAL, MINIMAL, OURS, Run, Side, figures_of
from bench.minimal_workflow import MinimalInterview
from bench.typed import QUESTIONS, Driver
from contracts.interview import InterviewStatus
from contracts.turns import TurnPurpose
from db.store import Store
from grading.embedded import EmbeddedGrader
from questions.loader import starter_bank
from reporter import Reporter
from tests.workers import activities_over, polling
from workflows.interview_client import workflow_id
from workflows.interview_session import InterviewSession

SEEDS = range(4)


async def held(side: Side, workflow: type, client: Client, store: Store) -> Sequence[UUID]:
    with closing(EmbeddedGrader()) as grader:
        activities = activities_over(store, grader, Reporter(store, {}))
        async with polling(client, activities, workflow=workflow):
            driver = Driver(side.engine(client), client, store)
            await driver.open()
            return await driver.hold(SEEDS, 1)


async def rows(store: Store, interviews: Sequence[UUID]) -> list[Any]:
    """What stands of each in the end, but for ids, times, and prompts: they come with the saved
    state, of which the newest is enough, and this driver answers before it is saved."""
    found = []
    for each in interviews:
        snapshot = await store.interviews.snapshot(each)
        answers = await store.answers.of_interview(each)
        grades = await store.grades.of_interview(each)
        turns = await store.turns.of_interview(each)
        report = await store.reports.latest(each)
        found.append(
            {
                "status": snapshot.status,
                "questions": [(q.question_id, q.revision, q.grade) for q in snapshot.questions],
                "answers": [(a.question_id, a.revision, a.text) for a in answers],
                "grades": sorted((g.question_id, g.revision, g.grade.score) for g in grades),
                "turns": sorted(t.text for t in turns if t.purpose is TurnPurpose.ANSWER),
                "report": report and (report.version, report.payload["total"]),
            }
        )
    return found


async def timeouts(client: Client, interviews: Sequence[UUID]) -> int:
    """How many activities of these had to be given up."""
    handles = [client.get_workflow_handle(workflow_id(each)) for each in interviews]
    events = [event for each in handles async for event in each.fetch_history_events()]
    return sum(event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT for event in events)


async def test_both_workflows_leave_the_same_rows(
    temporal: WorkflowEnvironment, store: Store
) -> None:
    await store.questions.load(starter_bank())
    ours = await held(OURS, InterviewSession, temporal.client, store)
    theirs = await held(MINIMAL, MinimalInterview, temporal.client, store)
    late = await timeouts(temporal.client, [*ours, *theirs])
    assert not late, f"{late} activities not within their time: no follow-up comes of a late one"
    left = await rows(store, ours)
    assert left == await rows(store, theirs)
    assert {each["status"] for each in left} == {InterviewStatus.COMPLETED}
    assert sum(len(each["answers"]) for each in left) > QUESTIONS * len(SEEDS), "no follow-up"


def a_run(side: str, rate: float) -> Run:
    return Run(
        side=side,
        rate=rate,
        cpu_ms={"worker": 100.0, "Temporal": 50.0},
        transactions=10,
        rows_written=8,
        events=90,
        answers=6,
    )


@pytest.mark.parametrize(("rates", "met"), [((8.0, 9.5, 10.0), True), ((8.0, 8.5, 10.0), False)])
def test_the_ratio_is_the_median_over_the_pairs(rates: Sequence[float], met: bool) -> None:
    figures = figures_of([a_run("ours", each) for each in rates], [a_run("minimal", 10.0)] * 3)
    (ratio,) = [each for each in figures if each.at_least is not None]
    assert (ratio.at_least, ratio.value, ratio.met) == (GOAL, sorted(rates)[1] / 10, met)
    values = {each.name: each.value for each in figures}
    assert values["interviews/s to the minimal workflow's, lowest pair"] == min(rates) / 10
    assert values["CPU an interview, ours"] == 150.0
