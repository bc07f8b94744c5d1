"""A LiveKit room: the bot's place in it, and what the candidate does there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from livekit import rtc
from pipecat.audio.filters.base_audio_filter import BaseAudioFilter
from pipecat.frames.frames import InputAudioRawFrame, OutputAudioRawFrame
from pipecat.transports.livekit.transport import (
    LiveKitInputTransport,
    LiveKitOutputTransport,
    LiveKitParams,
    LiveKitTransport,
    LiveKitTransportClient,
)

from contracts.errors import StaleFence, Unavailable
from contracts.rooms import CANDIDATE, AdmitsBots
from voice.admission import Admission
from voice.audio import audio_params

#: A page that is loaded again is back within two seconds; a candidate who left gets a new bot.
AWAY_S: Final = 5.0
#: Pipecat's own 1000 ms would tell the end of what is said 0.95 s early, and lose the last word.
QUEUE_MS: Final = 100
#: The queue takes no piece that is longer than itself.
PIECE_S: Final = 0.04
CLOSE_WITHIN_S: Final = 1.0
#: LiveKit's service knows somebody a moment after those in the room.
OUT_AGAIN_S: Final = 0.1
BYTES_A_SAMPLE: Final = 2
DEFAULTS: Final = rtc.RoomOptions()


class RoomLine:
    """One bot in one room. Whoever else is there, it minds the candidate alone, and sends out who
    is none (`Admission`).

    LiveKit tells when a candidate has vanished without a word after 20 s, and keeps the network's
    short failures to itself.
    """

    def __init__(
        self, rooms: AdmitsBots, interview_id: UUID, voice: BaseAudioFilter | None = None
    ) -> None:
        self._rooms, self._interview_id = rooms, interview_id
        self._admission = Admission()
        self._seen = ""  # which entry under the candidate's name is the newest
        self._admitted = False
        self._judging = asyncio.Lock()
        key = rooms.bots_pass(interview_id)
        params = LiveKitParams(**audio_params(voice), audio_out_queue_size_ms=QUEUE_MS)
        self.transport: LiveKitTransport = _Transport(
            key.url, key.token, str(interview_id), params, heeds=lambda: self._admitted
        )
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
        who = self._candidate() if identity == CANDIDATE else None
        if who is None or who.sid == self._seen:
            return
        self._seen, self._admitted = who.sid, False
        async with self._judging:  # the stamp before may have gone to who is here now
            if not self._is_here(who.sid):
                return
            let_in = await self._let_in(who)
        if not let_in:
            await self._send_out(who.sid)

    async def _let_in(self, who: rtc.RemoteParticipant) -> bool:
        entry = self._admission.admit(who.attributes, self.transport._client.room.metadata)
        if entry is None:
            return False
        self._admitted = True
        self._stay()
        if self.connected.is_set():
            self.returned.set()
        self.connected.set()
        with suppress(Unavailable):  # its client cannot mend the line, and the page joins anew
            if await self._rooms.stamp(self._interview_id, who.sid, entry):
                self._admission.gave(entry)
        return True

    def _candidate(self) -> rtc.RemoteParticipant | None:
        room: rtc.Room = self.transport._client.room
        return room.remote_participants.get(CANDIDATE)

    def _is_here(self, sid: str) -> bool:
        who = self._candidate()
        return who is not None and who.sid == sid

    async def _send_out(self, sid: str) -> None:
        """Until they have gone: meanwhile they are neither heard nor obeyed."""
        while self._is_here(sid) and not self._closed:
            with suppress(Unavailable):
                await self._rooms.send_out(self._interview_id, sid)
            await asyncio.sleep(OUT_AGAIN_S)

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
    """`heeds` says whether what comes from the candidate's place is taken."""

    def __init__(
        self, url: str, token: str, room: str, params: LiveKitParams, heeds: Callable[[], bool]
    ) -> None:
        super().__init__(url, token, room, params)
        told = self._client._callbacks
        self._client = _Client(url, token, room, params, told, self.name)
        self._heeds = heeds

    def input(self) -> LiveKitInputTransport:
        if not self._input:
            made = _Input(self, self._client, self._params, name=self._input_name)
            made.heeds = self._heeds
            self._input = made
        return self._input

    def output(self) -> LiveKitOutputTransport:
        if not self._output:
            self._output = _Output(self, self._client, self._params, name=self._output_name)
        return self._output


class _Client(LiveKitTransportClient):
    """Pipecat's, in a `SoundRoom`: its own takes whatever anybody publishes."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._sound_room = SoundRoom()

    @property
    def room(self) -> rtc.Room:
        return self._sound_room


class SoundRoom(rtc.Room):
    """A room of which sound alone is asked for: LiveKit sends whoever is in it no picture, so that
    there is none to decode."""

    def __init__(self) -> None:
        super().__init__()
        self.on("track_published", self._ask_for)
        # A client that had to join anew tells what is published before it can ask for any of it.
        self.on("reconnected", self._ask_for_all)

    async def connect(self, url: str, token: str, options: rtc.RoomOptions = DEFAULTS) -> None:
        """Cancelled, it leaves the room as soon as it is in. LiveKit's client goes on by itself and
        ends the whole process (SIGTERM) when nobody takes the room that it has entered.
        """
        sound = replace(options, auto_subscribe=False)
        joining = asyncio.ensure_future(super().connect(url, token, sound))
        try:
            await asyncio.shield(joining)
        except asyncio.CancelledError:
            joining.add_done_callback(self._leave)
            raise
        self._ask_for_all()

    def _leave(self, joined: asyncio.Future[None]) -> None:
        if not joined.cancelled() and joined.exception() is None:
            self._leaving = asyncio.ensure_future(self.disconnect())

    def _ask_for_all(self) -> None:
        for who in self.remote_participants.values():
            for published in who.track_publications.values():
                self._ask_for(published, who)

    def _ask_for(self, published: rtc.RemoteTrackPublication, _: rtc.RemoteParticipant) -> None:
        if published.kind == rtc.TrackKind.KIND_AUDIO:
            published.set_subscribed(True)


class _Input(LiveKitInputTransport):
    heeds: Callable[[], bool]

    async def push_audio_frame(self, frame: InputAudioRawFrame) -> None:
        if self.heeds():
            await super().push_audio_frame(frame)

    async def push_app_message(self, message: Any, sender: str | None) -> None:
        if self.heeds():
            await super().push_app_message(message, sender)


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
