"""What stands beside a product whose interviews are held in rooms: LiveKit's own server, the way of
its webhooks, and stand-ins of Deepgram and of a language model that interviews.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.chaos.webhooks import Webhooks
from bench.stand_ins import StandIns, stand_ins
from livekit_rooms import LiveKitRooms
from local.livekit import KEY, LiveKitServer, free_ports
from local.processes import Child, Children


@dataclass(frozen=True)
class Outside:
    """`settings` are those of every process of the product, by their names in capitals."""

    livekit: LiveKitServer
    child: Child
    webhooks: Webhooks
    providers: StandIns

    @property
    def settings(self) -> dict[str, str]:
        return {
            "LIVEKIT_URL": self.livekit.url,
            "LIVEKIT_PUBLIC_URL": self.livekit.url,
            "LIVEKIT_API_KEY": KEY,
            "LIVEKIT_API_SECRET": self.livekit.secret,
        }

    @property
    def rooms(self) -> LiveKitRooms:
        """The judge's own way to it, which nobody cuts."""
        return LiveKitRooms(self.livekit.url, self.livekit.url, KEY, self.livekit.secret)


@asynccontextmanager
async def beside(folder: Path, children: Children) -> AsyncIterator[Outside]:
    """LiveKit is one of the `children`, started again at once when it dies. Raises SettingError
    where it is not built."""
    webhooks = Webhooks()
    async with webhooks.listening() as url, stand_ins(hearing=True) as providers:
        server = LiveKitServer(folder / "livekit", *free_ports(), webhooks=(url,))
        plan = replace(server.plan(folder / "livekit.log"), longest_wait_s=0.1)
        yield Outside(server, await children.start(plan), webhooks, providers)
