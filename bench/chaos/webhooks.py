"""The way of LiveKit's webhooks to the API: they may be withheld, doubled, or come late and in the
wrong order. LiveKit is told each time that all is well, so that it does not send them again itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Final, NamedTuple

import httpx
from aiohttp import web

_PASSED_ON: Final = ("Authorization", "Content-Type")
_WITHIN_S: Final = 5.0


class Delivery(StrEnum):
    PROMPT = "prompt"
    WITHHELD = "withheld"
    DOUBLED = "doubled"
    SWAPPED = "swapped"  # kept until the next change of manner, then the last first


class _Told(NamedTuple):
    body: bytes
    headers: dict[str, str]


class Webhooks:
    """`taken` counts what LiveKit has told, `passed_on` what the receiver at `target` was sent.
    What nobody takes at once is lost, as it is in the end for LiveKit too."""

    def __init__(self) -> None:
        self.target = ""
        self.taken = self.passed_on = 0
        self._delivery = Delivery.PROMPT
        self._kept: list[_Told] = []

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """The address that LiveKit is given."""
        app = web.Application()
        app.router.add_post("/webhook", self._take)
        runner = web.AppRunner(app, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"
        finally:
            await runner.cleanup()

    async def deliver(self, how: Delivery) -> None:
        """From now on; what was kept comes first."""
        self._delivery, kept = how, self._kept
        self._kept = []
        for each in reversed(kept):
            await self._send(each)

    async def _take(self, request: web.Request) -> web.Response:
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        told = _Told(await request.read(), headers)
        self.taken += 1
        match self._delivery:
            case Delivery.SWAPPED:
                self._kept.append(told)
            case Delivery.DOUBLED:
                await self._send(told)
                await self._send(told)
            case Delivery.PROMPT:
                await self._send(told)
        return web.Response()

    async def _send(self, told: _Told) -> None:
        if not self.target:
            return
        self.passed_on += 1
        with contextlib.suppress(httpx.TransportError):
            async with httpx.AsyncClient(timeout=_WITHIN_S, trust_env=False) as http:
                await http.post(self.target, content=told.body, headers=told.headers)
