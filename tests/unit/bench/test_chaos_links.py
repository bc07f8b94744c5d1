"""A link that can be cut: what arrives, what is lost, and what becomes of it when it is whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.chaos.links import Cut, Link
from tests.waiting import eventually


@dataclass
class Echo:
    """A server behind a link. `heard` is what reached it."""

    link: Link
    at: Path
    heard: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.heard.append(line)
            writer.write(line)
        writer.close()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(self.at)

    def has_lost(self, sent: bytes) -> Callable[[], Awaitable[bool]]:
        async def lost() -> bool:
            return self.link.lost >= len(sent)

        return lost


@pytest.fixture
async def echo(tmp_path: Path) -> AsyncIterator[Echo]:
    behind, at = tmp_path / "server", tmp_path / "link"
    found = Echo(Link(behind), at)
    server = await asyncio.start_unix_server(found.serve, behind)
    async with server, found.link.listening(at):
        yield found


async def test_a_whole_link_passes_everything_on(echo: Echo) -> None:
    reader, writer = await echo.connect()
    writer.write(b"one\n")
    assert await reader.readline() == b"one\n"
    writer.close()


async def test_cut_one_way_the_request_arrives_and_the_reply_is_lost(echo: Echo) -> None:
    reader, writer = await echo.connect()
    echo.link.cut(Cut.REPLIES)
    writer.write(b"one\n")
    await eventually(echo.has_lost(b"one\n"))
    assert echo.heard == [b"one\n"]

    await echo.link.heal()
    with pytest.raises(ConnectionResetError):
        await end_of(reader)
    writer.close()


async def test_cut_both_ways_nothing_arrives_and_a_new_connection_goes_through(echo: Echo) -> None:
    reader, writer = await echo.connect()
    writer.write(b"one\n")
    assert await reader.readline() == b"one\n"
    echo.link.cut(Cut.BOTH)
    writer.write(b"two\n")
    await eventually(echo.has_lost(b"two\n"))
    await echo.link.heal()
    with pytest.raises(ConnectionResetError):
        await end_of(reader)

    fresh_reader, fresh_writer = await echo.connect()
    fresh_writer.write(b"three\n")
    assert await fresh_reader.readline() == b"three\n"
    assert echo.heard == [b"one\n", b"three\n"]
    for each in (writer, fresh_writer):
        each.close()


async def end_of(reader: asyncio.StreamReader) -> None:
    """A Unix socket tells a reset as an end."""
    if await reader.read(10) == b"":
        raise ConnectionResetError
