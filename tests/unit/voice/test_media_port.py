"""What a media port takes in, from whom, and how much: two ends of ICE over UDP, and strangers."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aioice import stun
from aioice.ice import Connection

from voice.ice import LARGEST_DATAGRAM, LONGEST_QUEUE, STRANGERS_A_SECOND, guard_sockets


class Ends:
    """The bot's end and the candidate's, connected."""

    def __init__(self, bot: Connection, candidate: Connection) -> None:
        self.bot: Any = bot
        self.candidate = candidate
        pair = self.bot._nominated[1]
        self.port: tuple[str, int] = pair.local_addr

    async def is_heard(self, said: bytes = b"\x80 audio") -> bool:
        """What the candidate sends comes out at the bot, and nothing before it."""
        await self.candidate.send(said)
        return bytes(await asyncio.wait_for(self.bot.recv(), 5)) == said

    async def heard_at_last(self, said: bytes = b"\x80 audio") -> None:
        """Whatever else the candidate has sent before."""
        await self.candidate.send(said)
        async with asyncio.timeout(5):
            while await self.bot.recv() != said:
                pass

    @property
    def waiting(self) -> int:
        return int(self.bot._queue.qsize())


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    guard_sockets()
    bot, candidate = Connection(ice_controlling=False), Connection(ice_controlling=True)
    for end, other in ((bot, candidate), (candidate, bot)):
        await end.gather_candidates()
        for each in end.local_candidates:
            await other.add_remote_candidate(each)
        await other.add_remote_candidate(None)
        other.remote_username, other.remote_password = end.local_username, end.local_password
    await asyncio.gather(bot.connect(), candidate.connect())
    yield Ends(bot, candidate)
    await asyncio.gather(bot.close(), candidate.close())


@pytest.fixture
async def stranger(ends: Ends) -> AsyncIterator[socket.socket]:
    """A socket of the same address, and another port."""
    with socket.socket(socket.AF_INET6 if ":" in ends.port[0] else socket.AF_INET, 2) as udp:
        udp.bind((ends.port[0], 0))
        udp.setblocking(False)
        yield udp


def check(transaction: bytes = 12 * b"x", attributes: bytes = b"") -> bytes:
    """A STUN binding request without a password."""
    return struct.pack("!HHI12s", 1, len(attributes), stun.COOKIE, transaction) + attributes


async def test_a_strangers_datagrams_are_not_queued(ends: Ends, stranger: socket.socket) -> None:
    for number in range(5_000):
        stranger.sendto(b"\x80" + number.to_bytes(4) + bytes(1_000), ends.port)
        if not number % 50:
            assert await ends.is_heard()
    assert await ends.is_heard()
    assert ends.waiting == 0


async def test_an_empty_datagram_does_not_end_the_call(ends: Ends, stranger: socket.socket) -> None:
    """aiortc's reader fails on its first byte."""
    stranger.sendto(b"", ends.port)
    await ends.candidate.send(b"")
    assert await ends.is_heard()


async def test_a_candidate_that_floods_fills_a_bounded_queue(ends: Ends) -> None:
    for _ in range(2 * LONGEST_QUEUE):
        await ends.candidate.send(b"\x80" + bytes(1_000))
        await ends.bot.send(b"\x80 read on")
        await ends.candidate.recv()
    assert ends.waiting == LONGEST_QUEUE
    while ends.waiting:
        await ends.bot.recv()
    assert await ends.is_heard()


async def test_what_is_larger_than_any_packet_is_dropped(ends: Ends) -> None:
    await ends.candidate.send(b"\x80" + bytes(LARGEST_DATAGRAM))
    assert await ends.is_heard()


async def test_checks_without_the_password_are_answered_in_measure(
    ends: Ends, stranger: socket.socket
) -> None:
    """So that nobody has the bot send more than a little to an address that was forged."""
    for number in range(5 * STRANGERS_A_SECOND):
        stranger.sendto(check(number.to_bytes(12)), ends.port)
        if not number % 50:
            assert await ends.is_heard()
    assert await ends.is_heard()
    replies = 0
    with pytest.raises(BlockingIOError):
        while stranger.recv(2_048):
            replies += 1
    assert 0 < replies <= 2 * STRANGERS_A_SECOND  # the second may have turned meanwhile


async def test_malformed_checks_are_dropped_without_a_word(
    ends: Ends, stranger: socket.socket
) -> None:
    raised: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context))
    whole = check(attributes=struct.pack("!HH4s", 0x24, 4, b"prio"))
    broken = [whole[:size] for size in range(len(whole))]
    for kind in range(0x30):
        broken += [check(attributes=struct.pack("!HH", kind, 0))]
        broken += [check(attributes=struct.pack("!HHI", kind, 4, 0xFFFF_FFFF))]
    broken += [whole[:8] + os.urandom(60) for _ in range(50)]
    for number, datagram in enumerate(broken):
        stranger.sendto(datagram, ends.port)
        await ends.candidate.send(datagram)
        if not number % 50:
            await ends.heard_at_last()
    await ends.heard_at_last()
    assert raised == []
    assert ends.waiting == 0
