"""A conversation that heeds no cancellation: its activity ends all the same."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.testing import ActivityEnvironment

from contracts.conversation import ConversationResult
from contracts.errors import Unavailable
from tests.unit.workflows.test_activities import Bot, held
from tests.waiting import eventually


class Wedged(Bot):
    """Swallows every cancellation until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = asyncio.Event()

    async def __call__(self, *told: Any) -> ConversationResult:
        self.began.set()
        while not self.released.is_set():
            with suppress(asyncio.CancelledError):
                await self.released.wait()
        self.let_go = True
        raise Unavailable


async def test_it_gives_its_slot_back() -> None:
    bot, environment = Wedged(), ActivityEnvironment()
    conversation = held(bot, environment)
    await bot.began.wait()
    environment.cancel(ActivityCancellationDetails(cancel_requested=True))
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(conversation, 5)
    assert not bot.let_go
    bot.released.set()
    await eventually(lambda: bot.let_go)
