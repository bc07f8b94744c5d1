"""The links between the product's processes and their servers: each can be cut, one way or both.

A cut link keeps its connections and loses what is sent: nobody is told. When it is whole again, the
connections that were cut are reset, as a real network's would be by then, and new ones go through.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

_BLOCK_BYTES: Final = 65_536


class Cut(StrEnum):
    """What is lost: replies alone (requests arrive and have their effect), or everything."""

    REPLIES = "cut one way"
    BOTH = "cut both ways"


class Link:
    """Forwards connections to `target`: a port of this machine, or a Unix socket's path.

    `lost` counts the bytes thrown away so far.
    """

    def __init__(self, target: int | Path) -> None:
        self._target = target
        self._cut: Cut | None = None
        self.lost = 0
        self._open: dict[asyncio.Task[None], bool] = {}  # whether something of it was lost

    @asynccontextmanager
    async def listening(self, at: int | Path) -> AsyncIterator[None]:
        if isinstance(at, Path):
            server = await asyncio.start_unix_server(self._accept, at)
        else:
            server = await asyncio.start_server(self._accept, "127.0.0.1", at)
        try:
            yield
        finally:
            server.close()
            await self._drop(list(self._open))

    def cut(self, how: Cut) -> None:
        self._cut = how

    async def heal(self) -> None:
        """New connections go through; those that lost something are reset."""
        self._cut = None
        await self._drop([task for task, lossy in self._open.items() if lossy])

    async def _drop(self, connections: list[asyncio.Task[None]]) -> None:
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = False
        try:
            await self._forward(task, reader, writer)
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            del self._open[task]
            writer.close()

    async def _forward(
        self, task: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Until either side ends. A server that is down resets the connection, as its own would."""
        if self._cut is Cut.BOTH:
            self._open[task] = True
            await asyncio.Event().wait()
        there_reader, there_writer = await self._connect()
        try:
            ways = [
                asyncio.create_task(self._pump(task, reader, there_writer, reply=False)),
                asyncio.create_task(self._pump(task, there_reader, writer, reply=True)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            there_writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, Path):
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection("127.0.0.1", self._target)

    async def _pump(
        self,
        task: asyncio.Task[None],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        reply: bool,
    ) -> None:
        with contextlib.suppress(OSError):
            while block := await reader.read(_BLOCK_BYTES):
                if self._cut is Cut.BOTH or (self._cut is Cut.REPLIES and reply):
                    self._open[task] = True
                    self.lost += len(block)
                    continue
                writer.write(block)
                await writer.drain()
