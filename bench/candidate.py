"""A candidate without a person or a browser: speaks and listens over real WebRTC.

Used by `codevoice demo`, the bench and the tests. It behaves as the room's page does: sends pings,
watches the bot's pulse, offers again when that is missed, follows captions and states.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription

from bench.sound import Ear, Microphone, MicrophoneTrack
from bench.voices import RATE_HZ, Samples, Voice
from contracts.ice import ice_server

#: The page's rules (DESIGN 4): a missing pulse, and how long to wait between offers.
PULSE_MISSED_S: Final = 1.5
OFFER_AGAIN_S: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
#: A connection that is not up after this is given up and offered again.
CONNECTED_WITHIN_S: Final = 8.0
PING_S: Final = 1.0
#: Longer than the bot's gaps between sentences.
SILENT_S: Final = 0.4

Signal = Callable[[str], Awaitable[str]]


@dataclass(frozen=True)
class Caption:
    who: str
    turn_id: str
    text: str
    final: bool
    at: float


@dataclass(frozen=True)
class Exchange:
    """One utterance and what came back. Times are of the monotonic clock."""

    text: str
    began_at: float
    ended_at: float  # the last voiced sample was sent
    answered_at: float | None  # the first audible sample of the bot after that

    @property
    def wait_s(self) -> float | None:
        """From the candidate's last voiced sample to the bot's first, in the candidate's ear."""
        return None if self.answered_at is None else self.answered_at - self.ended_at


@dataclass
class Line:
    """One connection attempt: what was offered when, and what came of it."""

    offered_at: float
    connection: Any  # an RTCPeerConnection, or a room's stand-in for one
    channel: Any = None
    answered_at: float | None = None
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    dead: bool = False


class SimulatedCandidate:
    """`signal` takes an SDP offer to the bot and returns its SDP answer; it may raise, and is then
    called again, as after a lost line. `said` is called with each server message that arrives.
    """

    #: The page's rules (DESIGN 4): a line whose pulse is missed for so long is lost.
    pulse_missed_s = PULSE_MISSED_S

    def __init__(
        self,
        signal: Signal,
        voice: Voice,
        *,
        ice_servers: tuple[str, ...] = (),
        said: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self._signal = signal
        self._voice = voice
        self._ice = [RTCIceServer(**ice_server(each)) for each in ice_servers]
        self._said = said
        self._line: Line | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._offer_now = asyncio.Event()
        self._joined = asyncio.Event()
        self._last_pulse: float | None = None
        self.pulsed = False  # the present line has brought the bot's pulse
        self._spoken: dict[str, Samples] = {}
        self._background: set[asyncio.Task[None]] = set()
        self.microphone = Microphone()
        self.ear = Ear()
        self.messages: list[dict[str, Any]] = []
        self.captions: dict[str, Caption] = {}
        self.exchanges: list[Exchange] = []
        self.lines: list[Line] = []
        self.state = ""
        self.ended: str | None = None

    # -- coming and going

    async def join(self, within_s: float = 30.0) -> None:
        """Connects, and keeps the line up until `leave`. Raises TimeoutError."""
        self._keeper = asyncio.create_task(self._keep_line())
        async with asyncio.timeout(within_s):
            await self._joined.wait()

    async def leave(self) -> None:
        """Hangs up as a closed page does."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        for line in self.lines:
            line.dead = True
            await line.connection.close()
        for task in self._background:
            task.cancel()

    def cut_line(self) -> None:
        """The network goes without a word. The page notices by the missing pulse."""
        if self._line is None or self._line.connection.sctp is None:
            raise RuntimeError("not connected")
        ice: Any = self._line.connection.sctp.transport.transport
        for protocol in ice._connection._protocols:
            protocol.transport.close()

    @property
    def connected(self) -> bool:
        return self._line is not None and not self._line.dead

    @property
    def joined_in_s(self) -> float | None:
        """From the newest offer to the bot's first audible sample after it."""
        offered_at = self.lines[-1].offered_at
        heard_at = self.ear.next_onset(offered_at)
        return None if heard_at is None else heard_at - offered_at

    # -- talking

    def rehearse(self, text: str) -> Samples:
        """Synthesises ahead of time, so that `say` speaks at once."""
        if text not in self._spoken:
            self._spoken[text] = self._voice.say(text)
        return self._spoken[text]

    async def say(self, text: str | Samples) -> Exchange:
        """Speaks to the end and notes it in `exchanges` once the bot has answered."""
        samples = self.rehearse(text) if isinstance(text, str) else text
        began_at = self.microphone.speak(samples)
        ended_at = began_at + len(samples) / RATE_HZ
        await asyncio.sleep(ended_at - time.monotonic())
        return Exchange(text if isinstance(text, str) else "", began_at, ended_at, None)

    async def ask(
        self, text: str | Samples, *, quiet_s: float = 1.0, within_s: float = 60.0
    ) -> Exchange:
        """Speaks, then listens until the bot has answered and fallen silent."""
        said = await self.say(text)
        await self.listen(after=said.ended_at, quiet_s=quiet_s, within_s=within_s)
        answered_at = self.ear.next_onset(said.began_at)
        exchange = Exchange(said.text, said.began_at, said.ended_at, answered_at)
        self.exchanges.append(exchange)
        return exchange

    async def listen(
        self, *, after: float | None = None, quiet_s: float = 1.0, within_s: float = 60.0
    ) -> None:
        """Returns when the bot has spoken (since `after`) and been silent for `quiet_s`.

        Returns at once when the conversation ended. Raises TimeoutError.
        """
        after = time.monotonic() if after is None else after
        async with asyncio.timeout(within_s):
            while self.ended is None:
                last = self.ear.last_loud_at
                if last > after and time.monotonic() - last > quiet_s:
                    return
                await asyncio.sleep(0.02)

    async def interrupt(self, text: str | Samples, *, within_s: float = 5.0) -> float:
        """Speaks over the speaking bot; the seconds until it is silent in the ear."""
        samples = self.rehearse(text) if isinstance(text, str) else text
        began_at = self.microphone.speak(samples)
        async with asyncio.timeout(within_s):
            while True:
                await asyncio.sleep(0.01)
                if time.monotonic() - max(self.ear.last_loud_at, began_at) > SILENT_S:
                    return max(0.0, self.ear.last_loud_at - began_at)

    def press(self, button: str) -> None:
        """A button of the room: done, minute, repeat, listening."""
        self._send({"type": "client-message", "data": {"t": button}})

    def save(self, path: Path) -> None:
        """Writes what was heard as WAV."""
        self.ear.save(path)

    # -- the line

    async def _keep_line(self) -> None:
        tries = 0
        while self.ended is None:
            await asyncio.sleep(OFFER_AGAIN_S[min(tries, len(OFFER_AGAIN_S) - 1)])
            tries += 1
            self._offer_now.clear()
            if await self._connect():
                tries = 0
                await self._until_lost()

    async def _connect(self) -> bool:
        """One offer. The old line stays until the new one is up, as when a worker hands over."""
        connection = RTCPeerConnection(RTCConfiguration(iceServers=self._ice))
        line = Line(time.monotonic(), connection)
        self.lines.append(line)
        self._prepare(line)
        try:
            async with asyncio.timeout(CONNECTED_WITHIN_S):
                await connection.setLocalDescription(await connection.createOffer())
                answer = await self._signal(connection.localDescription.sdp)
                line.answered_at = time.monotonic()
                await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
                await line.connected.wait()
        except Exception:
            line.dead = True
            # A close that is cancelled half-way never ends for who closes again: `leave` does.
            await asyncio.shield(self._start(connection.close()))
            return False
        self._adopt(line)
        return True

    def _adopt(self, line: Line) -> None:
        old, self._line, self._last_pulse, self.pulsed = self._line, line, None, False
        self._joined.set()
        if old:
            old.dead = True
            self._start(old.connection.close())

    async def _until_lost(self) -> None:
        """The line's end is a missed pulse, a failed connection, or the bot's "moving"."""
        line = self._line
        while line and not line.dead and not self._offer_now.is_set() and self.ended is None:
            missed = self._last_pulse and time.monotonic() - self._last_pulse > self.pulse_missed_s
            if missed:
                return
            await asyncio.sleep(0.05)

    def _prepare(self, line: Line) -> None:
        connection = line.connection
        connection.addTrack(MicrophoneTrack(self.microphone))
        line.channel = connection.createDataChannel("chat")

        line.channel.on("open", lambda: self._opened(line))
        line.channel.on("message", lambda message: self._receive(json.loads(message), line))
        connection.on("track", lambda track: self._start(self.ear.follow(track)))
        connection.on("connectionstatechange", lambda: self._changed(line))

    def _opened(self, line: Line) -> None:
        self._start(self._ping(line))
        self._send({"type": "client-ready", "data": _CLIENT}, line)

    def _changed(self, line: Line) -> None:
        state = line.connection.connectionState
        if state == "connected":
            line.connected.set()
        line.dead = line.dead or state in ("failed", "closed")

    async def _ping(self, line: Line) -> None:
        while line.channel.readyState == "open" and not line.dead:
            line.channel.send(f"ping: {int(time.time() * 1000)}")
            await asyncio.sleep(PING_S)

    def _send(self, message: dict[str, Any], line: Line | None = None) -> None:
        line = line or self._line
        if line is None or line.channel.readyState != "open":
            raise RuntimeError("the data channel is not open")
        line.channel.send(json.dumps({"label": "rtvi-ai", "id": uuid.uuid4().hex[:8], **message}))

    def _receive(self, message: dict[str, Any], line: Line) -> None:
        if line.dead:
            return
        self.messages.append(message)
        if message.get("type") != "server-message":
            return
        data = message.get("data", {})
        match data.get("type"):
            case "pulse":
                self._last_pulse, self.pulsed = time.monotonic(), True
                return
            case "caption":
                self._caption(data)
            case "state":
                self.state = data["state"]
            case "moving":
                self._offer_now.set()
            case "ended":
                self.ended = data.get("reason", "")
        if self._said:
            self._said(data)

    def _caption(self, data: dict[str, Any]) -> None:
        now = time.monotonic()
        caption = Caption(data["who"], data["turn_id"], data["text"], data["final"], now)
        self.captions[caption.turn_id] = caption

    def _start(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.ensure_future(_quietly(work))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


_CLIENT: Final = {"version": "1.2.0", "about": {"library": "codevoice-candidate"}}


async def _quietly(work: Awaitable[None]) -> None:
    """Work of a line that may be closed under it."""
    with contextlib.suppress(ConnectionError, RuntimeError):
        await work
