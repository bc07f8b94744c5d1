"""A grader that fails, hangs, is frozen, is not there, or has much to do, under real interviews.

API, database, workflow and reports are the product's. The grader is a stand-in where it has to
fail by itself, else the product's own grading worker in its own process.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
from temporalio.testing import WorkflowEnvironment

from contracts.grades import Grade, GradeKind
from contracts.questions import KeyPoint, Question
from contracts.queues import CONVERSATIONS, GRADING, INTERVIEWS
from db.events import Listener
from db.store import Store
from local.processes import Child
from tests.browser.workers import started
from tests.builders import a_question
from tests.integration.test_api.service import (
    Desk,
    Service,
    WordGrader,
    answer_to,
    running_service,
)

SAID = "bucket and collision"
VAGUE = "Honestly I have only ever used them in Python."
#: As long as an answer may be: half an hour of talk, two seconds of one core to grade.
LONG = "And so we went on to look at the next thing in our project at work. " * 290


class Away(WordGrader):
    def __init__(self) -> None:
        self.back = asyncio.Event()


class Fails(Away):
    async def grade(self, question: Question, answer: str) -> Grade:
        if not self.back.is_set():
            raise RuntimeError(answer)
        return await super().grade(question, answer)


class Hangs(Away):
    async def grade(self, question: Question, answer: str) -> Grade:
        await self.back.wait()
        return await super().grade(question, answer)


async def typing(service: Service, question: str) -> tuple[Desk, Desk]:
    """A candidate who may type, and its recruiter."""
    made = await service.start(questions=[question])
    candidate = await service.candidate_of(made)
    await candidate.type_in()
    return candidate, await service.server_of(made)


async def answer(candidate: Desk, text: str) -> None:
    reply = await candidate.post("answers", **answer_to(await candidate.question(1), text))
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize("absence", [Fails, Hangs])
async def test_an_ungraded_answer_is_named_on_the_report_and_graded_when_the_grader_is_back(
    store: Store, listener: Listener, temporal: WorkflowEnvironment, absence: Callable[[], Away]
) -> None:
    grader = absence()
    async with running_service(store, listener, temporal.client, grader=grader) as service:
        candidate, recruiter = await typing(service, "hash-maps")
        await answer(candidate, SAID)
        first = await candidate.shows(lambda told: told["report_version"] == 1)
        assert first["status"] == "grading"
        assert first["grades_so_far"] == {"graded": 0, "pending": 1, "ungraded": 0}
        report = (await recruiter.get("/report.json")).json()
        assert (report["complete"], report["total"]["score"]) == (False, None)
        assert [each["outside"] for each in report["questions"]] == ["ungraded"]
        assert "no grade yet" in (await recruiter.get("/report.html")).text

        grader.back.set()
        done = await candidate.reaches("completed")
        assert done["grades_so_far"] == {"graded": 1, "pending": 0, "ungraded": 0}
        report = (await recruiter.get("/report.json")).json()
        assert (report["version"], report["complete"]) == (2, True)
        assert [(each["outside"], each["score"]) for each in report["questions"]] == [(None, 10)]
        history = temporal.client.get_workflow_handle(f"interview-{done['id']}")
        assert SAID not in (await history.fetch_history()).to_json()


# ---------------------------------------------------------------- the product's grading worker


@pytest.fixture
async def service(
    store: Store, listener: Listener, temporal: WorkflowEnvironment
) -> AsyncIterator[Service]:
    """Nobody grades, and no report is made."""
    elsewhere = (INTERVIEWS, CONVERSATIONS)
    async with running_service(store, listener, temporal.client, queues=elsewhere) as service:
        yield service


@pytest.fixture
def environment(
    database_url: str, temporal: WorkflowEnvironment, open_folder: Path
) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": temporal.client.service_client.config.target_host,
        "DATA_DIR": str(open_folder),
    }


@asynccontextmanager
async def grading(environment: dict[str, str]) -> AsyncIterator[Child]:
    folder = Path(environment["DATA_DIR"])
    worker = await started("grading worker", GRADING, folder, environment)
    try:
        yield worker
    finally:
        await worker.stop()


async def graded_at_last(service: Service, candidate: Desk) -> None:
    done = await candidate.reaches("completed")
    assert done["grades_so_far"] == {"graded": 1, "pending": 0, "ungraded": 0}
    grades = await service.store.grades.of_interview(UUID(done["id"]))
    assert [each.grade.kind for each in grades] == [GradeKind.EMBEDDED]


async def test_without_a_grading_worker_the_interview_goes_to_its_end_and_waits_for_one(
    service: Service, environment: dict[str, str]
) -> None:
    candidate, recruiter = await typing(service, "hash-maps")
    await answer(candidate, VAGUE)
    waiting = await candidate.reaches("grading")
    assert waiting["progress"]["answered"] == 1
    assert (await recruiter.get("/report.json")).status_code == 409
    async with grading(environment):
        await graded_at_last(service, candidate)


async def test_a_frozen_grading_worker_keeps_nobody_waiting_and_goes_on_when_it_thaws(
    service: Service, environment: dict[str, str]
) -> None:
    candidate, _ = await typing(service, "hash-maps")
    async with grading(environment) as worker:
        assert worker.pid
        os.kill(worker.pid, signal.SIGSTOP)
        await answer(candidate, VAGUE)
        await candidate.reaches("grading")
        os.kill(worker.pid, signal.SIGCONT)
        await graded_at_last(service, candidate)


async def test_a_follow_up_is_asked_while_long_answers_of_others_are_being_graded(
    service: Service, environment: dict[str, str]
) -> None:
    """More of them than the grader can do within the second that an assessment has."""
    without_follow_up = (KeyPoint(id="bucket", text="The hash of the key picks a bucket"),)
    await service.store.questions.load([a_question("talk", key_points=without_follow_up)])
    others = [await typing(service, "talk") for _ in range(10)]
    candidate, _ = await typing(service, "hash-maps")
    async with grading(environment):
        await asyncio.gather(*(answer(other, LONG) for other, _ in others))
        await asyncio.gather(*(other.reaches("grading") for other, _ in others))
        await answer(candidate, VAGUE)
        told = await candidate.shows(
            lambda told: (
                told["status"] == "grading" or (told["revision"] == 2 and not told["assessing"])
            )
        )
        assert told["current_question"] is not None, "it went on without a follow-up"
        assert told["current_question"]["is_follow_up"]
        assert await still_graded(others), "the others were graded meanwhile"


async def still_graded(others: list[tuple[Desk, Desk]]) -> bool:
    told = await asyncio.gather(*(other.status() for other, _ in others))
    return any(each["grades_so_far"]["pending"] for each in told)
