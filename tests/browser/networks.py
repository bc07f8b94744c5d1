"""A network that goes away for a while, as for somebody whose Wi-Fi drops."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import CDPSession, Page

from tests.waiting import eventually

#: Chromium governs only those WebRTC sockets that were opened under some condition.
_AS_IT_IS = {"offline": False, "latency": 1, "downloadThroughput": -1, "uploadThroughput": -1}
_GONE = _AS_IT_IS | {"offline": True, "packetLoss": 100}


class Network:
    """Chromium's own network, for one page. It is made before the page opens a line."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session

    @classmethod
    async def of(cls, page: Page) -> Network:
        network = cls(await page.context.new_cdp_session(page))
        await network._session.send("Network.enable")
        await network._set(_AS_IT_IS)
        return network

    @asynccontextmanager
    async def gone(self, *, at_least_s: float = 0) -> AsyncIterator[None]:
        """Nothing leaves and nothing arrives: requests are refused, WebRTC's packets dropped.

        It lasts for `at_least_s`, however soon the block ends.
        """
        until = time.monotonic() + at_least_s
        await self._set(_GONE)
        try:
            yield
            await eventually(lambda: time.monotonic() > until, within_s=at_least_s + 1, every_s=0.5)
        finally:
            await self._set(_AS_IT_IS)

    async def _set(self, conditions: dict[str, Any]) -> None:
        await self._session.send("Network.emulateNetworkConditions", conditions)
