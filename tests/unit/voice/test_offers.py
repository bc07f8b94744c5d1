"""Which SDP offers are answered."""

from __future__ import annotations

import asyncio

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from contracts.errors import InvalidInput
from contracts.sdp import Reach
from tests.waiting import eventually
from voice.webrtc import DirectLine


async def _offer(*, audio: bool = True) -> str:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    if audio:
        connection.addTransceiver("audio")
    connection.createDataChannel("chat")
    await connection.setLocalDescription(await connection.createOffer())
    sdp: str = connection.localDescription.sdp
    await connection.close()
    return sdp


async def test_a_browsers_offer_is_answered_with_candidates_and_without_stun() -> None:
    line = DirectLine()
    answer = await line.answer(await _offer())
    assert "m=audio" in answer
    assert "a=candidate" in answer
    assert "srflx" not in answer
    await line.close()


async def test_what_passes_the_caps_and_cannot_be_parsed_is_refused_too() -> None:
    broken = (await _offer()).replace("a=rtpmap:", "a=rtpmap:x")
    line = DirectLine()
    with pytest.raises(InvalidInput):
        await line.answer(broken)
    await line.close()


class Socket(asyncio.DatagramProtocol):
    """Something that listens on UDP and was never asked."""

    def __init__(self) -> None:
        self.received: list[bytes] = []

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.received.append(data)


async def _socket(address: str) -> tuple[Socket, int, asyncio.DatagramTransport]:
    loop = asyncio.get_running_loop()
    transport, socket = await loop.create_datagram_endpoint(Socket, local_addr=(address, 0))
    return socket, transport.get_extra_info("sockname")[1], transport


@pytest.mark.parametrize(
    ("bound", "named", "reach"),
    [
        ("127.0.0.2", "127.0.0.2", Reach(loopback=False)),
        ("0.0.0.0", "0.0.0.0", Reach()),  # Linux sends that to this machine
    ],
)
async def test_no_packet_goes_where_none_may(bound: str, named: str, reach: Reach) -> None:
    """Another bot, which may, has sent several to its candidate by then."""
    offer = _without_candidates(await _offer())
    forbidden, port, closed = await _socket(bound)
    allowed, other_port, opened = await _socket("127.0.0.1")
    lines = [DirectLine(reach=reach), DirectLine()]
    candidates = f"a=candidate:1 1 udp 1 {named} {port} typ host\r\n"
    other = f"a=candidate:1 1 udp 1 127.0.0.1 {other_port} typ host\r\n"
    try:
        for line, candidate in zip(lines, (candidates, other), strict=True):
            await line.answer(offer.replace("a=setup", f"{candidate}a=setup"))
        await eventually(lambda: len(allowed.received) >= 3)
        assert forbidden.received == []
    finally:
        for line in lines:
            await line.close()
        closed.close()
        opened.close()


def _without_candidates(sdp: str) -> str:
    lines = sdp.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("a=candidate:"))
