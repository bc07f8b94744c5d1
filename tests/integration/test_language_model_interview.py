"""Whole typed interviews that a language model grades, in the product's own grading worker.

API, workflow, database, embedded grader and reports are the product's; the model is a server that
speaks OpenAI's protocol.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
from temporalio.testing import WorkflowEnvironment

from contracts.grades import GradeKind
from contracts.questions import KeyPoint
from contracts.queues import CONVERSATIONS, GRADING, INTERVIEWS
from db.events import Listener
from db.store import Store
from tests.browser.workers import started
from tests.builders import a_question
from tests.fakes.graders import careful
from tests.fakes.openai_server import KEY, MODEL, Fails, OpenAIServer, Says
from tests.integration.test_api.service import Desk, Service, answer_to, running_service

SAID = "Well, the hash of the key picks a bucket, quokkatrice, and that is where it looks."
POINTS = (
    KeyPoint(id="bucket", text="The hash of the key picks a bucket", weight=2),
    KeyPoint(id="collision", text="Two keys may share a bucket, a collision"),
)


@pytest.fixture
async def model() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(Says(careful)) as server:
        yield server


@pytest.fixture
async def service(
    store: Store, listener: Listener, temporal: WorkflowEnvironment
) -> AsyncIterator[Service]:
    elsewhere = (INTERVIEWS, CONVERSATIONS)
    async with running_service(store, listener, temporal.client, queues=elsewhere) as service:
        await store.questions.load([a_question("maps", key_points=POINTS)])
        yield service


@asynccontextmanager
async def grading(
    model: OpenAIServer, database_url: str, temporal: WorkflowEnvironment, folder: Path
) -> AsyncIterator[None]:
    environment = {
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": temporal.client.service_client.config.target_host,
        "DATA_DIR": str(folder),
        "OPENAI_BASE_URL": model.base_url,
        "OPENAI_MODEL": MODEL,
        "OPENAI_API_KEY": KEY,
    }
    worker = await started("grading worker", GRADING, folder, environment)
    try:
        yield
    finally:
        await worker.stop()


@pytest.fixture
async def graded_by(
    model: OpenAIServer, database_url: str, temporal: WorkflowEnvironment, open_folder: Path
) -> AsyncIterator[OpenAIServer]:
    """The model, once a grading worker has found that it answers."""
    async with grading(model, database_url, temporal, open_folder):
        assert len(model.asked) == 1
        model.asked.clear()
        yield model


async def interviewed(service: Service, temporal: WorkflowEnvironment) -> tuple[Desk, UUID]:
    """The recruiter of an interview of one question that is answered and over."""
    made = await service.start(questions=["maps"])
    candidate = await service.candidate_of(made)
    await candidate.type_in()
    reply = await candidate.post("answers", **answer_to(await candidate.question(1), SAID))
    assert reply.status_code == 200, reply.text
    await candidate.reaches("completed")
    handle = temporal.client.get_workflow_handle(f"interview-{made['id']}")
    history = (await handle.fetch_history()).to_json()
    assert "quokkatrice" not in history
    assert KEY not in history
    return await service.server_of(made), UUID(made["id"])


def written_in(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.rglob("*.log"))


async def test_the_models_grade_counts_and_shows_the_candidates_own_words(
    service: Service, graded_by: OpenAIServer, temporal: WorkflowEnvironment, open_folder: Path
) -> None:
    recruiter, interview_id = await interviewed(service, temporal)
    report = (await recruiter.get("/report.json")).json()
    (question,) = report["questions"]
    assert (question["score"], question["outside"]) == (6.67, None)
    assert question["grader"]["kind"] == "llm"
    assert MODEL in question["grader"]["version"]
    assert not report["indicative"]
    bucket, collision = question["points"]
    assert (bucket["verdict"], collision["verdict"]) == ("covered", "missed")
    assert bucket["quote"]["text"] == SAID.removesuffix(".")
    assert question["beside"]["grader"]["kind"] == "embedded"
    assert MODEL in report["produced_by"]["parts"]["grader"]

    page = (await recruiter.get("/report.html")).text
    assert "graded by language model" in page
    assert "Beside it and not counted: embedded grader, indicative" in page
    grades = await service.store.grades.of_interview(interview_id)
    assert {each.grade.kind for each in grades} == {GradeKind.EMBEDDED, GradeKind.LLM}
    booked = await service.store.costs.of_interview(interview_id)
    assert len(booked) == len(graded_by.asked)
    assert all(call.tokens_in and call.tokens_out for call in booked)
    logs = written_in(open_folder)
    assert KEY not in logs
    assert "quokkatrice" not in logs


async def test_a_model_that_fails_for_a_while_is_asked_again(
    service: Service, graded_by: OpenAIServer, temporal: WorkflowEnvironment
) -> None:
    graded_by.script += [Fails(429, headers={"Retry-After": "1"}), Fails(500)]
    recruiter, _ = await interviewed(service, temporal)
    report = (await recruiter.get("/report.json")).json()
    assert [each["score"] for each in report["questions"]] == [6.67]
    assert len(graded_by.asked) == 3


async def test_a_model_that_is_away_leaves_the_answer_ungraded_and_the_embedded_grade_beside_it(
    service: Service, graded_by: OpenAIServer, temporal: WorkflowEnvironment
) -> None:
    graded_by.otherwise = Fails(401, "invalid_api_key")
    recruiter, interview_id = await interviewed(service, temporal)
    status = await recruiter.status()
    assert status["grades_so_far"] == {"graded": 0, "pending": 0, "ungraded": 1}
    report = (await recruiter.get("/report.json")).json()
    (question,) = report["questions"]
    assert (report["complete"], report["total"]["score"]) == (True, None)
    assert (question["score"], question["outside"], question["grader"]) == (None, "ungraded", None)
    assert [point["verdict"] for point in question["points"]] == [None, None]
    (kept,) = await service.store.grades.of_interview(interview_id)
    assert kept.grade.kind is GradeKind.EMBEDDED
    assert question["beside"]["score"] == kept.grade.score

    page = (await recruiter.get("/report.html")).text
    assert "grading could not be done" in page
    assert f"embedded grader, indicative, {kept.grade.score:.1f} of 10" in page
    assert (await recruiter.get("/report.pdf")).content.startswith(b"%PDF")
    assert len(graded_by.asked) == 1, "a refusal is not repeated"
