"""LiveKit's own server for tests, and guests in its rooms over LiveKit's own client."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from uuid import UUID

import pytest
from livekit import api, rtc

from contracts.errors import SettingError
from contracts.rooms import RoomPass
from livekit_rooms import LiveKitRooms
from local.livekit import KEY, LiveKitServer, free_ports, livekit_program
from local.processes import Child
from web.assets import LIVEKIT_CLIENT


def needs_livekit(*, client: bool = False) -> None:
    """Where Go is missing, or npm for the browser's `client`, a test is left out; in CI that is a
    failure."""
    missing = ""
    if client and not LIVEKIT_CLIENT.exists():
        missing = "LiveKit's browser client is not here: make web"
    try:
        livekit_program()
    except SettingError as failure:
        missing = failure.detail
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


class Running:
    """A server that comes back by itself when it is killed, without its rooms."""

    def __init__(self, server: LiveKitServer, child: Child) -> None:
        self.server, self.child = server, child
        self.rooms = LiveKitRooms(server.url, server.url, KEY, server.secret)

    @property
    def url(self) -> str:
        return self.server.url

    async def inside(self, interview_id: UUID) -> set[str]:
        """Who is in the room by the server's own word, hidden ones too."""
        async with api.LiveKitAPI(self.url, KEY, self.server.secret) as livekit:
            found = await livekit.room.list_participants(
                api.ListParticipantsRequest(room=str(interview_id))
            )
        return {who.identity for who in found.participants}


@asynccontextmanager
async def livekit_server(**options: Any) -> AsyncIterator[Running]:
    needs_livekit()
    with TemporaryDirectory(prefix="cv") as folder:
        server = LiveKitServer(Path(folder), *free_ports(), **options)
        child = Child(server.plan(Path(folder) / "livekit.log"))
        await child.start()
        try:
            yield Running(server, child)
        finally:
            await child.stop()


class Guest:
    """Somebody in a room, and what they are told there."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.told: list[str] = []
        self.said: list[bytes] = []
        self.reason: int | None = None
        self.gone = asyncio.Event()
        self.room.on("participant_connected", lambda who: self.told.append(f"{who.identity} is in"))
        self.room.on("reconnected", lambda: self.told.append("reconnected"))
        self.room.on("data_received", lambda packet: self.said.append(packet.data))
        self.room.on("disconnected", self._disconnected)

    def _disconnected(self, reason: int) -> None:
        self.reason = reason
        self.gone.set()

    async def join(self, key: RoomPass) -> Self:
        """Raises what the client raises: ConnectError when LiveKit refuses."""
        await self.room.connect(key.url, key.token)
        return self

    async def publish(self, source: rtc.TrackSource.ValueType) -> None:
        """A silent track that claims to be of this kind."""
        silence = rtc.AudioSource(48_000, 1)
        track = rtc.LocalAudioTrack.create_audio_track("track", silence)
        await self.room.local_participant.publish_track(
            track, rtc.TrackPublishOptions(source=source)
        )

    async def leave(self) -> None:
        await self.room.disconnect()
