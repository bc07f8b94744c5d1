"""Floods of datagrams at a live call's media port, and joins that are given up in great number."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from bench.voices import ShiftedHeart
from tests.voice.rooms import CACHE, HASH, Room, RoomFor
from tests.waiting import eventually
from voice.conversation import Speech

TABLE = "It is a table that maps keys to values with a hash function."
#: Joins cancelled at every moment of their first seconds; 500 by `CANCELLED_JOINS=500`.
JOINS = int(os.environ.get("CANCELLED_JOINS", "30"))
AT_ONCE = 5
#: However many: what grows with their number shows at 500.
MOST_LEFT_MB = 25.0
DATAGRAMS = 20_000


def media_port(room: Room) -> tuple[str, int]:
    """Where the candidate sends its audio."""
    line = room.candidate.lines[-1]
    assert line.connection.sctp is not None
    ice: Any = line.connection.sctp.transport.transport._connection
    address: tuple[str, int] = ice._nominated[1].remote_addr
    return address


def _datagrams(chance: random.Random) -> Iterator[bytes]:
    """What somebody might send who found the port."""
    cookie = struct.pack("!I", 0x2112A442)
    while True:
        yield b""
        yield b"\x80" + chance.randbytes(1_200)  # media under no key
        yield b"\x80\xc8" + chance.randbytes(40)  # its reports
        yield bytes([chance.randrange(20, 64)]) + chance.randbytes(200)  # DTLS
        yield b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28"  # a fatal alert
        yield struct.pack("!HH", 1, chance.randrange(64)) + cookie + chance.randbytes(30)
        yield chance.randbytes(9_000)


async def _flood(port: tuple[str, int], count: int) -> None:
    datagrams = _datagrams(random.Random(4))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setblocking(False)
        for _ in range(count // 100):
            for _ in range(100):
                stranger.sendto(next(datagrams), port)
            await asyncio.sleep(0)


async def test_a_call_goes_on_under_a_flood_of_foreign_datagrams(room_for: RoomFor) -> None:
    room = room_for(HASH, CACHE, rehearse=(TABLE,))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    before_mb = _held().memory_mb
    flood = asyncio.create_task(_flood(media_port(room), DATAGRAMS))
    await room.candidate.ask(TABLE)
    await flood
    await room.asked("What is a cache used for?")
    assert "maps keys" in room.answer(1)
    assert room.interview.epoch == 1
    assert _held().memory_mb - before_mb < 60


async def test_malformed_media_of_the_candidates_own_ends_nothing(room_for: RoomFor) -> None:
    """From the very address that the call comes from."""
    room = room_for(HASH, CACHE, rehearse=(TABLE,))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    connection = room.candidate.lines[-1].connection
    assert connection.sctp is not None
    ice: Any = connection.sctp.transport.transport._connection
    datagrams = _datagrams(random.Random(5))
    for _ in range(2_000):
        datagram = next(datagrams)
        if not datagram.startswith(b"\x15"):  # an alert of the peer itself is believed
            await ice.send(datagram)
    await room.candidate.ask(TABLE)
    await room.asked("What is a cache used for?")
    assert room.interview.epoch == 1


async def test_cancelled_joins_leave_nothing_behind(
    speech: Speech, heart: ShiftedHeart, tmp_path: Path
) -> None:
    chance = random.Random(6)

    async def join_and_give_up() -> None:
        rooms = RoomFor(speech, heart, tmp_path)
        room = rooms(HASH)
        joining = asyncio.create_task(room.candidate.join())
        await asyncio.wait([joining], timeout=chance.uniform(0.0, 2.0))
        joining.cancel()
        await asyncio.gather(joining, return_exceptions=True)
        await rooms.close()

    async def joins(count: int) -> None:
        for _ in range(count // AT_ONCE):
            await asyncio.gather(*(join_and_give_up() for _ in range(AT_ONCE)))

    tasks = len(asyncio.all_tasks())
    await joins(2 * AT_ONCE)
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks, within_s=15)
    before = _held()
    await joins(JOINS)
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks, within_s=15)
    await eventually(lambda: _held().files <= before.files, within_s=15)
    assert _held().threads <= before.threads + 2  # the pool of `asyncio.to_thread` may still grow
    assert _held().memory_mb - before.memory_mb < MOST_LEFT_MB


class Held(NamedTuple):
    files: int
    threads: int
    memory_mb: float


def _held() -> Held:
    """What this process holds; sockets are files."""
    gc.collect()
    process = psutil.Process()
    return Held(process.num_fds(), process.num_threads(), process.memory_info().rss / 1e6)
