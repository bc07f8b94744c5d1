"""The service as a fixture; see `service`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.testing import WorkflowEnvironment

from db.events import Listener
from db.store import Store
from tests.integration.test_api.service import Service, running_service


@pytest.fixture
async def service(
    store: Store, listener: Listener, temporal: WorkflowEnvironment
) -> AsyncIterator[Service]:
    async with running_service(store, listener, temporal.client) as service:
        yield service
