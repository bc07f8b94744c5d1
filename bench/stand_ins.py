"""Providers to measure against: Deepgram and a language model, by their wires, with stated delays.

Both run in a process of their own (`bench.standing_in`), for their work is not the worker's.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel

from contracts.errors import Unavailable

#: From the end of speech, as the voice detector tells it, to the final words.
FINAL_AFTER_S: Final = 0.15
#: From a request to the first token; the others come with it.
FIRST_TOKEN_S: Final = 0.3
#: From a request to the first sound; the rest comes as fast as it is taken.
FIRST_AUDIO_S: Final = 0.12
DELAYS_S: Final = FINAL_AFTER_S + FIRST_TOKEN_S + FIRST_AUDIO_S

#: What the process is asked, and started with.
SOCKETS: Final = "sockets"
HEARING: Final = "--hearing"
_STARTED_WITHIN_S: Final = 60.0
_TOLD_WITHIN_S: Final = 20.0

ModelFault = Literal["cuts", "hangs", "silent"]


class Faults(BaseModel):
    """What happens once, at the next occasion: while an answer is heard; in the middle of the next
    acknowledgement, for a sentence that is made ahead is missed by nobody; in the next reply of the
    language model. None: nothing.

    Until other faults are told last: `deaf` (its sockets are read and tell nothing), `unread` (they
    are not read), `mute` (a sentence is taken and has no sound), `silent` (no reply ever comes).
    """

    listening: Literal["closes once", "drops once", "deaf", "unread"] | None = None
    speaking: Literal["cut once", "mute"] | None = None
    model: ModelFault | None = None


class StandIns:
    """The process, told what to do. `settings` are a worker's, by their names in capitals."""

    def __init__(self, process: asyncio.subprocess.Process, settings: Mapping[str, str]) -> None:
        self._process = process
        self._asking = asyncio.Lock()
        self.pid = process.pid
        self.settings = settings

    async def fail(self, faults: Faults) -> None:
        """From now on; what was left of others is forgotten."""
        await self._tell(faults)

    async def left(self) -> Faults:
        """What has not happened yet."""
        return await self._tell(None)

    async def sockets(self) -> int:
        """How many connections to Deepgram's ears are open."""
        return int(await self._ask(json.dumps(SOCKETS)))

    async def _tell(self, faults: Faults | None) -> Faults:
        said = faults.model_dump_json() if faults else "null"
        return Faults.model_validate_json(await self._ask(said))

    async def _ask(self, said: str) -> bytes:
        assert self._process.stdin
        async with self._asking:
            self._process.stdin.write(f"{said}\n".encode())
            await self._process.stdin.drain()
            return await _line(self._process, _TOLD_WITHIN_S)


@asynccontextmanager
async def stand_ins(*, hearing: bool = False) -> AsyncIterator[StandIns]:
    """Started, and ended with the block. Deepgram knows what is said only where it is `hearing`:
    then the embedded recogniser's time comes on top of the stated delay. Raises Unavailable when
    they end by themselves, and TimeoutError when they do not answer."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.standing_in", *([HEARING] if hearing else [])),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    try:
        settings = json.loads(await _line(process, _STARTED_WITHIN_S))
        yield StandIns(process, settings)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _line(process: asyncio.subprocess.Process, within_s: float) -> bytes:
    assert process.stdout
    async with asyncio.timeout(within_s):
        line = await process.stdout.readline()
    if not line:
        raise Unavailable("the stand-ins of the providers have ended")
    return line
