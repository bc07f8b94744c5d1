"""A stage for the tests of the workflow: one server and one set of workers for each file; and a
grader that asks a served model."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from db.store import Store
from grading.language_model import LanguageModelGrader
from tests.fakes.openai_server import OpenAIServer, Says
from tests.integration.graded import FULL, grader_at
from tests.integration.trial import Trial, trial_of
from tests.replay.rehearsal import Stage, local_temporal, working


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with local_temporal() as temporal:
        stage = Stage(temporal)
        async with working(stage):
            yield stage


@pytest.fixture
async def trial(database_url: str, temporal: Client, store: Store) -> AsyncIterator[Trial]:
    """An interview for the judge of the kill experiment, on the file's own Temporal."""
    async with trial_of(database_url, temporal, store) as trial:
        yield trial


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    """A language model that finds every key point."""
    async with OpenAIServer(Says(FULL)) as server:
        yield server


@pytest.fixture
async def grader(server: OpenAIServer) -> AsyncIterator[LanguageModelGrader]:
    """The one that asks it."""
    async with grader_at(server) as grader:
        yield grader
