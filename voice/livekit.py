"""A LiveKit room: the bot's place in it, and what the candidate does there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from livekit import rtc
from pipecat.audio.filters.base_audio_filter import BaseAudioFilter
from pipecat.frames.frames import OutputAudioRawFrame
from pipecat.transports.livekit.transport import (
    LiveKitOutputTransport,
    LiveKitParams,
    LiveKitTransport,
)

from contracts.errors import StaleFence, Unavailable
from contracts.rooms import CANDIDATE, RoomPass
from voice.audio import audio_params

#: A page that is loaded again is back within two seconds; a candidate who left gets a new bot.
AWAY_S: Final = 5.0
#: Pipecat's own 1000 ms would tell the end of what is said 0.95 s early, and lose the last word.
QUEUE_MS: Final = 100
#: The queue takes no piece that is longer than itself.
PIECE_S: Final = 0.04
CLOSE_WITHIN_S: Final = 1.0
BYTES_A_SAMPLE: Final = 2


class RoomLine:
    """One bot in one room. Whoever else is there, it minds the candidate alone.

    LiveKit tells when a candidate has vanished without a word after 20 s, and keeps the network's
    short failures to itself.
    """

    def __init__(self, key: RoomPass, name: str, voice: BaseAudioFilter | None = None) -> None:
        params = LiveKitParams(**audio_params(voice), audio_out_queue_size_ms=QUEUE_MS)
        self.transport: LiveKitTransport = _Transport(key.url, key.token, name, params)
        self.connected = asyncio.Event()
        self.left = asyncio.Event()
        self.returned = asyncio.Event()
        self._room: rtc.Room | None = None
        self._away: asyncio.TimerHandle | None = None
        self._cut = asyncio.Event()
        self._evicted = False
        self._closed = False
        for event, handler in (
            ("on_connected", self._on_connected),
            ("on_disconnected", self._on_disconnected),
            ("on_participant_connected", self._on_joined),
            ("on_participant_disconnected", self._on_left),
        ):
            self.transport.add_event_handler(event, handler)

    async def lost(self, silent_line_s: Callable[[], float]) -> None:
        """Never returns: `left` says it all. Audio flows on where no packets do."""
        await asyncio.Event().wait()

    async def taken(self) -> None:
        """StaleFence after an eviction by the next bot, Unavailable when the room is gone."""
        await self._cut.wait()
        if self._evicted:
            raise StaleFence
        raise Unavailable("the bot is in its room no more")

    async def close(self) -> None:
        """Leaves, if the pipeline has not done so. May be called twice."""
        self._closed = True
        self._stay()
        if self._room and self._room.isconnected():
            leaving = asyncio.ensure_future(self._room.disconnect())
            await asyncio.wait([leaving], timeout=CLOSE_WITHIN_S)

    # -- what the room tells

    async def _on_connected(self, transport: LiveKitTransport) -> None:
        """Told twice, by Pipecat and by the room."""
        if self._room is None:
            self._room = transport._client.room  # the reason of an end is told nowhere else
            self._room.on("disconnected", self._note_reason)

    def _note_reason(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self._evicted = reason == rtc.DisconnectReason.DUPLICATE_IDENTITY
        self._lose()

    async def _on_disconnected(self, transport: LiveKitTransport) -> None:
        self._lose()

    def _lose(self) -> None:
        if not self._closed:
            self._cut.set()
            self.left.set()

    async def _on_joined(self, transport: LiveKitTransport, identity: str) -> None:
        if identity != CANDIDATE:
            return
        self._stay()
        if self.connected.is_set():
            self.returned.set()
        self.connected.set()

    async def _on_left(self, transport: LiveKitTransport, identity: str) -> None:
        """Who takes their own place, on another device perhaps, leaves and is there at once."""
        if identity != CANDIDATE or CANDIDATE in transport.get_participants():
            return
        self._stay()
        self._away = asyncio.get_running_loop().call_later(AWAY_S, self.left.set)

    def _stay(self) -> None:
        if self._away:
            self._away.cancel()


class _Transport(LiveKitTransport):
    def output(self) -> LiveKitOutputTransport:
        if not self._output:
            self._output = _Output(self, self._client, self._params, name=self._output_name)
        return self._output


class _Output(LiveKitOutputTransport):
    """A sentence that goes on after it was held begins with a piece of 0.3 s (`HeldVoice`)."""

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        for piece in _pieces(frame.audio, frame.sample_rate):
            part = OutputAudioRawFrame(piece, frame.sample_rate, frame.num_channels)
            if not await super().write_audio_frame(part):
                return False
        return True


def _pieces(audio: bytes, rate_hz: int) -> Iterator[bytes]:
    length = int(PIECE_S * rate_hz) * BYTES_A_SAMPLE
    return (audio[place : place + length] for place in range(0, len(audio), length))
