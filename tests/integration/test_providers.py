"""A language model that will not serve us is found when a process starts, and the setting named."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

import connections
from connections import LanguageModel
from contracts.errors import SettingError, Unavailable
from contracts.queues import GRADING
from local.doctor import examine_language_model
from providers import reach_language_model
from settings import Settings, load
from tests.browser.workers import started, worker_plan
from tests.fakes.openai_server import KEY, MODEL, Act, Fails, Hangs, OpenAIServer, Says, Sends

NO_FILE = Path("/nonexistent/.env")


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as server:
        yield server


def names(server: OpenAIServer, **changes: str) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": server.base_url,
        "OPENAI_MODEL": MODEL,
        "OPENAI_API_KEY": KEY,
    } | changes


def settings(open_folder: Path, named: dict[str, str]) -> Settings:
    return load({"DATA_DIR": str(open_folder), **named}, NO_FILE)


async def test_without_one_nobody_is_asked(open_folder: Path) -> None:
    assert await reach_language_model(settings(open_folder, {})) is None


async def test_a_model_that_says_a_token_is_reached(
    server: OpenAIServer, open_folder: Path
) -> None:
    named = settings(open_folder, names(server))
    found = await reach_language_model(named)
    assert isinstance(found, LanguageModel)
    assert server.asked[0].body["max_tokens"] == 1
    assert connections.parts(named)["grader"] == f"{MODEL} at {found.host}"
    assert connections.parts(named)["interviewer"] == f"{MODEL} at {found.host}"
    assert connections.parts(settings(open_folder, {}))["grader"] == "embedded"
    assert connections.parts(settings(open_folder, {}))["interviewer"] == "scripted"


@pytest.mark.parametrize(
    ("change", "act", "named"),
    [
        ({"OPENAI_API_KEY": "sk-wrong-0123456789"}, Says(), ("OPENAI_API_KEY", "refuses it (401)")),
        ({"OPENAI_API_KEY": ""}, Says(), ("OPENAI_API_KEY", "asks for a key")),
        ({"OPENAI_MODEL": "gpt-0"}, Says(), ("OPENAI_MODEL", "has no gpt-0")),
        ({}, Fails(400, "model_not_found"), ("OPENAI_MODEL", "has no")),
        ({}, Fails(402), ("OPENAI_API_KEY", "no credit left")),
        ({}, Fails(429, "insufficient_quota"), ("OPENAI_API_KEY", "no credit left")),
        ({}, Fails(403), ("OPENAI_API_KEY", "refuses it (403)")),
        ({}, Sends(), ("OPENAI_BASE_URL", "is no language model")),
        ({}, Sends("{", "application/json"), ("OPENAI_BASE_URL", "is no language model")),
        ({}, Sends(status=404), ("OPENAI_BASE_URL", "no chat completions")),
    ],
)
async def test_what_is_wrong_for_good_names_its_setting(
    server: OpenAIServer,
    open_folder: Path,
    change: dict[str, str],
    act: Act,
    named: tuple[str, str],
) -> None:
    server.otherwise = act
    with pytest.raises(SettingError) as told:
        await reach_language_model(settings(open_folder, names(server, **change)))
    assert told.value.setting == named[0]
    assert named[1] in told.value.problem
    assert told.value.remedy
    assert "sk-" not in told.value.detail


async def test_an_address_where_nobody_answers_is_found_within_ten_seconds(
    server: OpenAIServer, open_folder: Path
) -> None:
    nowhere = names(server, OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    began = time.monotonic()
    with pytest.raises(SettingError) as told:
        await reach_language_model(settings(open_folder, nowhere))
    assert told.value.setting == "OPENAI_BASE_URL"
    assert time.monotonic() - began < 11


@pytest.mark.parametrize("act", [Fails(429), Fails(503), Hangs()])
async def test_what_may_pass_is_no_wrong_setting(
    server: OpenAIServer, open_folder: Path, act: Act
) -> None:
    server.otherwise = act
    with pytest.raises(Unavailable):
        await reach_language_model(settings(open_folder, names(server)))


async def test_a_host_that_takes_fewer_options_is_reached(
    server: OpenAIServer, open_folder: Path
) -> None:
    server.otherwise = Fails(400, param="max_tokens")
    assert await reach_language_model(settings(open_folder, names(server)))


async def test_the_grading_worker_says_so_in_one_line(
    server: OpenAIServer, database_url: str, temporal: WorkflowEnvironment, open_folder: Path
) -> None:
    plan = worker_plan("grading", GRADING, open_folder, {})
    environment = os.environ | names(server, OPENAI_API_KEY="sk-wrong-0123456789")
    environment |= {
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": temporal.client.service_client.config.target_host,
        "DATA_DIR": str(open_folder),
    }
    process = await asyncio.create_subprocess_exec(
        *plan.argv, stderr=asyncio.subprocess.PIPE, cwd=plan.folder, env=environment
    )
    _, told = await process.communicate()
    assert process.returncode == 2
    assert told.decode().strip().splitlines()[-1].startswith("codevoice: OPENAI_API_KEY: ")
    assert "Traceback" not in told.decode()


async def test_a_grading_worker_begins_while_the_host_is_away(
    server: OpenAIServer, database_url: str, temporal: WorkflowEnvironment, open_folder: Path
) -> None:
    environment = names(server, OPENAI_BASE_URL="http://127.0.0.1:9/v1") | {
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": temporal.client.service_client.config.target_host,
        "DATA_DIR": str(open_folder),
    }
    worker = await started("grading", GRADING, open_folder, environment)
    try:
        told = worker.plan.log.read_text()
        assert "ERROR" in told
        assert "OPENAI_BASE_URL: 127.0.0.1:9 cannot be reached" in told
    finally:
        await worker.stop()


async def test_doctor_tells_it_too(server: OpenAIServer, open_folder: Path) -> None:
    found = await examine_language_model(settings(open_folder, names(server)))
    assert (found.ok, found.state.endswith("answers")) == (True, True)
    wrong = names(server, OPENAI_MODEL="gpt-0")
    found = await examine_language_model(settings(open_folder, wrong))
    assert (found.ok, bool(found.remedy)) == (False, True)
