"""Whether the line ever came up is part of the result: time on one that did not is given back."""

from __future__ import annotations

from aiortc import RTCPeerConnection

from contracts.conversation import ConversationEnd
from tests.voice.rooms import HASH, RoomFor


async def offer_of_a_page_whose_network_lets_nothing_through() -> str:
    page = RTCPeerConnection()
    page.addTransceiver("audio")
    page.createDataChannel("events")
    await page.setLocalDescription(await page.createOffer())
    sdp = page.localDescription.sdp
    await page.close()
    return sdp


async def test_a_line_that_never_came_up_is_told(room_for: RoomFor) -> None:
    room = room_for(HASH, connect_within_s=1.0)
    await room.reception.join(await offer_of_a_page_whose_network_lets_nothing_through())
    result = await room.reception.result()
    assert (result.end, result.connected) == (ConversationEnd.LEFT, False)


async def test_a_line_that_was_up_is_told_as_such(room_for: RoomFor) -> None:
    room = room_for(HASH)
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.leave()
    result = await room.reception.result()
    assert (result.end, result.connected) == (ConversationEnd.LEFT, True)
