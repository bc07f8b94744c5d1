"""Writes turns down in order, off the conversation's path, and again until they are stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from contracts.errors import StaleFence
from contracts.turns import Turn
from voice.protocols import Journal

_log = logging.getLogger("codevoice.voice")

FIRST_WAIT_S: Final = 0.2
LONGEST_WAIT_S: Final = 3.0


class Notebook:
    """First in, first out. A turn is repeated under its own id, so a lost reply does no harm.

    `stale` is called once when a newer bot holds the interview; nothing is written after that.
    """

    def __init__(self, journal: Journal, stale: Callable[[], None]) -> None:
        self._journal = journal
        self._stale = stale
        self._turns: asyncio.Queue[Turn] = asyncio.Queue()
        self.written = 0

    def write(self, turn: Turn) -> None:
        self._turns.put_nowait(turn)

    async def flush(self) -> None:
        """Returns when every turn noted so far is stored, however long the database is away."""
        await self._turns.join()

    async def run(self) -> None:
        """Writes until cancelled. After a StaleFence what comes is dropped: it is not ours."""
        while True:
            turn = await self._turns.get()
            try:
                await self._store(turn)
                self.written += 1
            except StaleFence:
                self._stale()
                await self._drop()
            finally:
                self._turns.task_done()

    async def _store(self, turn: Turn) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                await self._journal.add_turn(turn)
                return
            except StaleFence:
                raise
            except Exception as failure:
                _log.warning("turn %s is not stored yet: %s", turn.id, type(failure).__name__)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _drop(self) -> None:
        while not self._turns.empty():
            self._turns.get_nowait()
            self._turns.task_done()
