"""A page and the bot's end of its line, over real ICE, DTLS and data channels."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from contracts.sdp import Reach
from tests.waiting import eventually
from voice.webrtc import DirectLine

#: What a datagram of somebody who found the port might hold.
COOKIE = struct.pack("!I", 0x2112A442)
KINDS: tuple[Callable[[random.Random], bytes], ...] = (
    lambda _: b"",
    lambda chance: b"\x80" + chance.randbytes(1_200),  # media under no key
    lambda chance: b"\x80\xc8" + chance.randbytes(40),  # its reports
    lambda chance: bytes([chance.randrange(20, 64)]) + chance.randbytes(200),  # DTLS
    lambda _: b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28",  # a fatal alert
    lambda chance: struct.pack("!HH", 1, chance.randrange(64)) + COOKIE + chance.randbytes(30),
    lambda chance: chance.randbytes(9_000),
)


def datagrams(count: int) -> Iterator[bytes]:
    chance = random.Random(count)
    for number in range(count):
        yield KINDS[number % len(KINDS)](chance)


class Page:
    """As a browser does: one audio line, one data channel, the whole offer at once."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.connection.addTrack(AudioStreamTrack())
        self.channel: Any = self.connection.createDataChannel("chat")

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return str(self.connection.localDescription.sdp)

    async def take(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def is_heard(self, line: DirectLine) -> None:
        before = line._connection._last_received_time
        self.channel.send("ping: 1")
        await eventually(lambda: line._connection._last_received_time != before, every_s=0.001)

    async def is_up(self) -> None:
        await eventually(lambda: self.channel.readyState == "open")


def ports(answer: str) -> list[tuple[str, int]]:
    """Where the bot's end listens, on IPv4."""
    candidates = [line.split() for line in answer.splitlines() if line.startswith("a=candidate:")]
    return [(words[4], int(words[5])) for words in candidates if ":" not in words[4]]


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    page = Page()
    yield page
    await page.connection.close()


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        yield udp


@pytest.fixture
async def line() -> AsyncIterator[DirectLine]:
    line = DirectLine()
    yield line
    await line.close()


async def test_a_page_is_connected(page: Page, line: DirectLine) -> None:
    await page.take(await line.answer(await page.offer()))
    await page.is_up()


async def test_a_page_none_of_whose_addresses_may_be_tried_is_connected_by_its_own_checks(
    page: Page,
) -> None:
    line = DirectLine(reach=Reach(loopback=False, private=False))
    await page.take(await line.answer(await page.offer()))
    await page.is_up()
    await line.close()


async def test_a_flood_does_not_keep_a_page_from_being_connected(
    page: Page, line: DirectLine, stranger: socket.socket
) -> None:
    answer = await line.answer(await page.offer())
    for port in ports(answer):
        for datagram in datagrams(1_000):
            stranger.sendto(datagram, port)
    await page.take(answer)
    await page.is_up()


async def test_a_connected_page_stays_so_whatever_strangers_and_its_own_address_send(
    page: Page, line: DirectLine, stranger: socket.socket
) -> None:
    answer = await line.answer(await page.offer())
    await page.take(answer)
    await page.is_up()
    sctp: Any = page.connection.sctp
    ice = sctp.transport.transport._connection
    for number, datagram in enumerate(datagrams(3_000)):  # few at a time: the socket holds 200 kB
        for port in ports(answer):
            stranger.sendto(datagram, port)
        if not datagram.startswith(b"\x15"):  # an alert of the peer itself is believed
            await ice.send(datagram)
        if not number % 15:
            await page.is_heard(line)
    assert page.connection.connectionState == "connected"
    assert line._connection.pc.connectionState == "connected"
