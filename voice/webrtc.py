"""Direct WebRTC: from the stored SDP offer to the SDP answer, and the line between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiortc import RTCIceServer, RTCPeerConnection
from pipecat.audio.filters.base_audio_filter import BaseAudioFilter
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport

from contracts.errors import InvalidInput
from contracts.ice import ice_server
from contracts.sdp import ANYWHERE, Reach, admitted
from voice.audio import audio_params
from voice.ice import guard_sockets

#: Pipecat calls a line dead 3 s after its last ping. This much longer, and with no audio, it is.
LOST_AFTER_S: Final = 1.5
WATCH_EVERY_S: Final = 0.25
#: An answer is made in about 0.1 s; names (mDNS) that cannot be resolved add 1.1 s.
ANSWER_WITHIN_S: Final = 5.0
#: Closing takes a few milliseconds, unless an answer is still being made.
CLOSE_WITHIN_S: Final = 1.0


class DirectLine:
    """One candidate's peer connection and Pipecat's transport over it."""

    def __init__(
        self,
        ice_servers: Sequence[str] = (),
        voice: BaseAudioFilter | None = None,
        reach: Reach = ANYWHERE,
    ) -> None:
        """`voice` is the filter the bot's audio passes on its way out (`TurnTaking.voice`)."""
        guard_sockets()
        self._reach = reach
        self._answering: asyncio.Future[None] | None = None
        self._closing: asyncio.Future[None] | None = None
        # Pipecat leaves parts of its interface without types.
        self._connection: Any = SmallWebRTCConnection(
            [RTCIceServer(**ice_server(each)) for each in ice_servers]
        )
        self.transport = SmallWebRTCTransport(
            self._connection, TransportParams(**audio_params(voice))
        )
        self.connected = asyncio.Event()
        self.left = asyncio.Event()
        self.returned = asyncio.Event()  # never: who is back makes a new offer
        self.transport.add_event_handler("on_client_connected", self._on_connected)
        self.transport.add_event_handler("on_client_disconnected", self._on_disconnected)

    async def answer(self, sdp: str) -> str:
        """The SDP answer with all candidates. Raises InvalidInput for an unusable offer."""
        offer = admitted(sdp, self._reach)
        # Never cancelled: aioice forgets the sockets that it was about to open.
        self._answering = asyncio.ensure_future(self._connection.initialize(offer, "offer"))
        try:
            await asyncio.wait_for(asyncio.shield(self._answering), ANSWER_WITHIN_S)
        except Exception as failure:
            raise _bad("cannot be answered") from failure
        answer = self._connection.get_answer()
        if answer is None:
            raise _bad("cannot be answered")
        return str(answer["sdp"])

    async def _on_connected(self, transport: SmallWebRTCTransport, client: object) -> None:
        self.connected.set()

    async def _on_disconnected(self, transport: SmallWebRTCTransport, client: object) -> None:
        self.left.set()

    async def lost(self, silent_line_s: Callable[[], float]) -> None:
        """Returns when the candidate has vanished without a word: neither pings nor audio.

        A line that never was up does not count as lost. WebRTC itself tells only after 33 s.
        """
        was_up, quiet_s = False, 0.0
        while quiet_s < LOST_AFTER_S:
            await asyncio.sleep(WATCH_EVERY_S)
            up = self._connection.is_connected() or silent_line_s() < LOST_AFTER_S
            was_up = was_up or up
            quiet_s = 0.0 if up or not was_up else quiet_s + WATCH_EVERY_S

    async def taken(self) -> None:
        """Never ends: nobody else can stand on this line."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Tells the page that the bot has left, and closes. May be called twice.

        An answer that is still being made is closed when it is made, though nobody waits for it.
        """
        self._closing = asyncio.ensure_future(self._close())
        done, _ = await asyncio.wait([self._closing], timeout=CLOSE_WITHIN_S)
        for closed in done:
            closed.result()

    async def _close(self) -> None:
        if self._answering:
            await asyncio.wait([self._answering])
        await self._connection.disconnect()
        await stop_media(self._connection.pc)


async def stop_media(connection: RTCPeerConnection) -> None:
    """Once more: a line that is closed in the moment it comes up starts its media after it was
    stopped, and aiortc would let that run for ever."""
    for transceiver in connection.getTransceivers():
        await transceiver.sender.stop()
        await transceiver.receiver.stop()


def _bad(what: str) -> InvalidInput:
    return InvalidInput(f"the offer {what}", field="sdp")
