"""The way of LiveKit's webhooks: each manner of delivery, as its receiver sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from aiohttp import web

from bench.chaos.webhooks import Delivery, Webhooks


@dataclass
class Receiver:
    """`told` is what arrived, with its signature."""

    webhooks: Webhooks
    at: str
    told: list[tuple[str, str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.told.append((await request.text(), request.headers["Authorization"]))
        return web.Response(status=204)

    async def tell(self, *bodies: str) -> None:
        """As LiveKit does."""
        async with httpx.AsyncClient(trust_env=False) as http:
            for body in bodies:
                headers = {"Authorization": f"signed {body}"}
                (await http.post(self.at, content=body, headers=headers)).raise_for_status()

    @property
    def bodies(self) -> str:
        return " ".join(body for body, _ in self.told)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    webhooks = Webhooks()
    async with webhooks.listening() as at:
        found = Receiver(webhooks, at)
        app = web.Application()
        app.router.add_post("/hook", found.take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        webhooks.target = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        yield found
        await runner.cleanup()


async def test_what_is_told_arrives_at_once_with_its_signature(receiver: Receiver) -> None:
    await receiver.tell("a", "b")
    assert receiver.told == [("a", "signed a"), ("b", "signed b")]


@pytest.mark.parametrize(
    ("how", "meanwhile", "afterwards"),
    [
        (Delivery.WITHHELD, "", "c"),
        (Delivery.DOUBLED, "a a b b", "a a b b c"),
        (Delivery.SWAPPED, "", "b a c"),
    ],
)
async def test_a_manner_lasts_until_the_next(
    receiver: Receiver, how: Delivery, meanwhile: str, afterwards: str
) -> None:
    await receiver.webhooks.deliver(how)
    await receiver.tell("a", "b")
    assert receiver.bodies == meanwhile
    await receiver.webhooks.deliver(Delivery.PROMPT)
    await receiver.tell("c")
    assert receiver.bodies == afterwards
    assert receiver.webhooks.taken == 3
    assert receiver.webhooks.passed_on == len(receiver.told)


async def test_a_receiver_that_is_away_is_nobodys_failure(receiver: Receiver) -> None:
    receiver.webhooks.target = "http://127.0.0.1:9/hook"
    await receiver.tell("a")
    assert receiver.told == []
