"""A candidate without a person or a browser in a LiveKit room, over LiveKit's own client.

It behaves as the room's page does: joins with a token, watches the bot's pulse on the data channel,
and asks for another token when that is missed.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from livekit import rtc

from bench.candidate import CONNECTED_WITHIN_S, Line, SimulatedCandidate
from bench.sound import EAR_RATE_HZ, FRAME, Microphone
from bench.voices import RATE_HZ, Voice
from contracts.rooms import BOT

#: In a room the next bot comes by itself; the page asks after it later than over a line of its own.
PULSE_MISSED_S: Final = 3.0
FIRST_PULSE_S: Final = 8.0

#: Brings the server's address and a token.
Enter = Callable[[], Awaitable[tuple[str, str]]]


class RoomCandidate(SimulatedCandidate):
    """`enter` may raise, and is then called again."""

    pulse_missed_s = PULSE_MISSED_S

    def __init__(
        self, enter: Enter, voice: Voice, *, said: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        super().__init__(_no_offer, voice, said=said)
        self._enter = enter

    def cut_line(self) -> None:
        raise NotImplementedError("LiveKit's client mends its line by itself")

    async def _connect(self) -> bool:
        """One join. The old place is left first: the new one would take it."""
        if self._line:
            self._line.dead = True
            await self._line.connection.close()
        room = rtc.Room()
        line = Line(time.monotonic(), _Joined(room))
        line.channel = _Channel(room)
        self.lines.append(line)
        self._follow(room, line)
        try:
            async with asyncio.timeout(CONNECTED_WITHIN_S):
                url, token = await self._enter()
                line.answered_at = time.monotonic()
                await room.connect(url, token)
                await line.connection.publish(self.microphone)
        except Exception:
            line.dead = True
            await line.connection.close()
            return False
        line.connected.set()
        self._adopt(line)
        self._last_pulse = time.monotonic() + FIRST_PULSE_S - PULSE_MISSED_S
        self._send(_READY)
        return True

    def _follow(self, room: rtc.Room, line: Line) -> None:
        def heard(packet: rtc.DataPacket) -> None:
            self._receive(json.loads(packet.data), line)

        def subscribed(track: object, _: object, who: rtc.RemoteParticipant) -> None:
            if who.identity == BOT and isinstance(track, rtc.RemoteAudioTrack):
                stream = rtc.AudioStream(track, sample_rate=EAR_RATE_HZ, num_channels=1)
                self._start(self.ear.follow_room(stream))

        def disconnected(reason: rtc.DisconnectReason.ValueType) -> None:
            if reason == rtc.DisconnectReason.DUPLICATE_IDENTITY and not line.dead:
                self.ended = "elsewhere"  # another device has this candidate's place now
            line.dead = True

        room.on("data_received", heard)
        room.on("track_subscribed", subscribed)
        room.on("disconnected", disconnected)


class _Joined:
    """One place in the room, with a microphone in it."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._source: rtc.AudioSource | None = None
        self._pump: asyncio.Task[None] | None = None

    async def publish(self, microphone: Microphone) -> None:
        self._source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=100)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        how = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False)
        await self._room.local_participant.publish_track(track, how)
        self._pump = asyncio.create_task(self._speak(microphone, self._source))

    async def _speak(self, microphone: Microphone, source: rtc.AudioSource) -> None:
        place = microphone.place(time.monotonic())
        while True:
            await asyncio.sleep(max(0.0, microphone.moment(place) - time.monotonic()))
            said = microphone.heard(place)
            await source.capture_frame(rtc.AudioFrame(said.tobytes(), RATE_HZ, 1, FRAME))
            place += FRAME

    async def close(self) -> None:
        if self._pump:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        if self._room.isconnected():
            await self._room.disconnect()
        if self._source:
            source, self._source = self._source, None
            await source.aclose()


class _Channel:
    """The room's data as a data channel."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def readyState(self) -> str:
        return "open" if self._room.isconnected() else "closed"

    def send(self, message: str) -> None:
        task = asyncio.ensure_future(self._room.local_participant.publish_data(message))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


_READY: Final = {
    "type": "client-ready",
    "data": {"version": "1.2.0", "about": {"library": "codevoice-candidate"}},
}


async def _no_offer(sdp: str) -> str:
    raise NotImplementedError("a room needs no offer")
