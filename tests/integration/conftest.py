"""A stage for the tests of the workflow: one server and one set of workers for each file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from db.store import Store
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
