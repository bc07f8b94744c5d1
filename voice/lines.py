"""How candidate and bot reach each other: a line of their own, or a LiveKit room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from pipecat.audio.filters.base_audio_filter import BaseAudioFilter
from pipecat.transports.base_transport import BaseTransport

from contracts.conversation import HoldConversation
from contracts.errors import InvalidInput, Unavailable
from voice.protocols import Journal
from voice.running import within
from voice.webrtc import DirectLine

if TYPE_CHECKING:
    from voice.held import House

#: A line that hangs is not waited for any longer as it is closed.
CLOSE_WITHIN_S: Final = 2.0


class Line(Protocol):
    """What a conversation needs of its line.

    `connected` is set when the candidate is there for the first time, `left` when they have gone
    for good, and `returned` when they are back after a moment.
    """

    connected: asyncio.Event
    left: asyncio.Event
    returned: asyncio.Event

    @property
    def transport(self) -> BaseTransport: ...

    async def lost(self, silent_line_s: Callable[[], float]) -> None:
        """Returns when the candidate has vanished without a word."""

    async def taken(self) -> None:
        """Raises StaleFence when another bot stands in this one's place, Unavailable when the bot
        itself was cut off. Never returns."""

    async def close(self) -> None:
        """May be called twice."""


def in_room(spec: HoldConversation) -> bool:
    return spec.transport == "livekit"


async def open_line(
    house: House, spec: HoldConversation, journal: Journal, voice: BaseAudioFilter | None = None
) -> Line:
    """A line on which the candidate can come. `voice` is what the bot's audio passes on its way
    out (`TurnTaking.voice`). Raises InvalidInput for an unusable offer, Unavailable."""
    if in_room(spec):
        return await _open_room(house, spec, voice)
    if spec.offer_id is None:
        raise InvalidInput("an offer is needed", field="offer_id")
    line = DirectLine(house.settings.ice_servers, voice, house.settings.reach)
    try:
        answer = await line.answer(await journal.offer_sdp(spec.offer_id))
        await journal.answer_offer(spec.offer_id, answer)
    except BaseException:
        await within(CLOSE_WITHIN_S, line.close())
        raise
    return line


async def _open_room(house: House, spec: HoldConversation, voice: BaseAudioFilter | None) -> Line:
    """A LiveKit that was restarted has forgotten its rooms: the bot makes its own anew."""
    from voice.livekit import RoomLine

    if house.rooms is None:
        raise Unavailable("LIVEKIT_URL is not set, and this interview is held in a room")
    await house.rooms.open(spec.interview_id)
    return RoomLine(house.rooms, spec.interview_id, voice)
