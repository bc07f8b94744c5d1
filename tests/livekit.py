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

    def __init__(self, room: rtc.Room | None = None) -> None:
        self.room = room or rtc.Room()
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

    async def show(self) -> None:
        """A camera's track, dark."""
        await show(self.room)

    async def leave(self) -> None:
        await self.room.disconnect()


async def show(room: rtc.Room) -> None:
    """Raises what the client raises after ten seconds: LiveKit says nothing of what it refuses."""
    track = rtc.LocalVideoTrack.create_video_track("camera", rtc.VideoSource(640, 360))
    await room.local_participant.publish_track(
        track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA)
    )


class Watcher(Guest):
    """Somebody who looks: how many pictures came, and how large the largest was."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures = 0
        self.size = (0, 0)
        self._looking: list[asyncio.Task[None]] = []
        self.room.on("track_subscribed", self._look_at)

    @property
    def shown(self) -> bool:
        """Somebody in the room shows a picture now."""
        others = self.room.remote_participants.values()
        tracks = [each for who in others for each in who.track_publications.values()]
        return any(each.kind == rtc.TrackKind.KIND_VIDEO for each in tracks)

    def _look_at(self, track: rtc.Track, *_: object) -> None:
        if isinstance(track, rtc.RemoteVideoTrack):
            self._looking.append(asyncio.create_task(self._count(rtc.VideoStream(track))))

    async def _count(self, stream: rtc.VideoStream) -> None:
        async for event in stream:
            self.pictures += 1
            self.size = max(self.size, (event.frame.width, event.frame.height))

    async def leave(self) -> None:
        await super().leave()
        for task in self._looking:
            task.cancel()
        await asyncio.gather(*self._looking, return_exceptions=True)
