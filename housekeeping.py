"""What an interviews worker does beside its queue: tidies, reconciles, and beats the pulse."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from uuid_utils.compat import uuid7

from contracts.errors import NotFound, WrongState

if TYPE_CHECKING:
    from temporalio.client import Client

    from db.store import Store
    from reconciler import Reconciler
    from workflows.interview_client import InterviewClient

_HOUSEKEEPING_EVERY_S: Final = 10
_RECONCILED_EVERY_S: Final = 60
_PULSE_EVERY_S: Final = 2
_PROVIDERS_EVERY_S: Final = 10
#: A pulse that fails beats late by this much before it counts as an outage.
_AWAY_AFTER: Final = timedelta(seconds=5)
_log = logging.getLogger("codevoice.worker")


async def keep_house(store: Store, reconciler: Reconciler) -> None:
    """Starts the workflows of rows that were left without one, and forgets old keys."""
    while True:
        try:
            await reconciler.start_left_behind()
            await store.idempotency.purge()
        except Exception as failure:  # whatever it is, the next round may go well
            _log.warning("housekeeping: %s", type(failure).__name__)
        await asyncio.sleep(_HOUSEKEEPING_EVERY_S)


async def reconcile(reconciler: Reconciler) -> None:
    while True:
        await asyncio.sleep(_RECONCILED_EVERY_S)
        try:
            await reconciler.round()
        except Exception as failure:  # whatever it is, the next round may go well
            _log.warning("reconciler: %s", type(failure).__name__)


async def keep_pulse(client: Client, store: Store, interviews: InterviewClient) -> None:
    """Time in which the service was away is no candidate's loss: a gap in the pulse is told to
    every interview that asks. Only an interviews worker that reaches Temporal and the database
    beats, so the gap holds whichever of the three was missing."""
    while True:
        try:
            await client.service_client.check_health(timeout=_AWAY_AFTER)
            await beat(store, interviews)
        except Exception as failure:  # whatever it is, the next beat finds how long it took
            _log.warning("pulse: %s", type(failure).__name__)
        await asyncio.sleep(_PULSE_EVERY_S)


async def tell_of_providers(store: Store, states: Callable[[], dict[str, str | None]]) -> None:
    """What a worker knows of its providers, for readiness to show."""
    worker_id = uuid7()
    while known := states():
        try:
            await store.providers.tell(worker_id, known)
        except Exception as failure:  # whatever it is, the next round may go well
            _log.warning("states of providers: %s", type(failure).__name__)
        await asyncio.sleep(_PROVIDERS_EVERY_S)


async def beat(store: Store, interviews: InterviewClient) -> None:
    """One beat. An outage is told until all know of it, by every worker that finds it: an interview
    takes the same seconds once."""
    outage = await store.interviews.beat(_AWAY_AFTER)
    if outage is None:
        return
    for interview_id in await store.interviews.asking():
        with suppress(NotFound, WrongState):  # it ended meanwhile
            await interviews.give_back(interview_id, outage)
    await store.interviews.outage_told(outage)
    _log.info("the service was away from %s to %s", outage.began_at, outage.ended_at)
