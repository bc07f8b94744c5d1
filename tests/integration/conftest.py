"""A stage for the tests of the workflow: one server and one set of workers for each file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.replay.rehearsal import Stage, local_temporal, working


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with local_temporal() as temporal:
        stage = Stage(temporal)
        async with working(stage):
            yield stage
