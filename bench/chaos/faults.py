"""What is done to the product: a process kills itself at a named point, or is struck by us."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from bench.chaos.evidence import Fault
from bench.chaos.links import Cut, Link
from bench.chaos.points import Order
from bench.chaos.servers import PARTS, Servers

#: Frozen for longer than an activity's own time (5 s) some of the time.
_FROZEN_S: Final = (0.5, 8.0)
#: PostgreSQL is many processes, Temporal is not ours: those two are killed alone.
_FREEZABLE: Final = ("worker", "api")
#: The links that can be cut: to the two servers, and the candidate's own to the API.
LINKED: Final = ("postgres", "temporal", "api")
#: Longer than an activity's heartbeat timeout and than a try of an update some of the time.
_CUT_S: Final = (0.5, 8.0)
#: The activities that are held up longer than their heartbeat timeout (5 s).
HANGING: Final = ("activity.grade_answer", "activity.assess_answer", "activity.build_report")
_HANGS_S: Final = 7.0


class Strikes(StrEnum):
    KILL = "kill"
    FREEZE = "freeze"
    CUT_REPLIES = "cut one way"
    CUT_BOTH = "cut both ways"
    HANG = "hang"


class Strike(BaseModel):
    """`at_s` after the trial's start; what does not kill ends `for_s` later. `part` is a process,
    the end of a link, or the activity that hangs.
    """

    model_config = ConfigDict(frozen=True)

    kind: Strikes
    part: str
    at_s: float
    for_s: float = 0.0


def draw(chance: random.Random, within_s: float, at_s: float | None = None) -> Strike:
    """Any kind at any part, at a moment within the trial."""
    kind = chance.choice((Strikes.KILL, Strikes.KILL, *Strikes))
    moment = chance.uniform(0, within_s) if at_s is None else at_s
    parts, for_s = _PARTS[kind]
    return Strike(kind=kind, part=chance.choice(parts), at_s=moment, for_s=chance.uniform(*for_s))


_PARTS: Final[dict[Strikes, tuple[tuple[str, ...], tuple[float, float]]]] = {
    Strikes.KILL: (PARTS, (0.0, 0.0)),
    Strikes.FREEZE: (_FREEZABLE, _FROZEN_S),
    Strikes.CUT_REPLIES: (LINKED, _CUT_S),
    Strikes.CUT_BOTH: (LINKED, _CUT_S),
    Strikes.HANG: (HANGING, (_HANGS_S, _HANGS_S)),
}


async def strike(servers: Servers, order: Strike) -> Fault:
    """Strikes now and returns when the part answers again."""
    began_at = datetime.now(UTC)
    match order.kind:
        case Strikes.KILL:
            await _kill(servers, order.part)
        case Strikes.FREEZE:
            await _freeze(await _pid(servers, order.part), order.for_s)
        case Strikes.HANG:
            await _hang(servers, order.part, order.for_s)
        case _:
            await _cut(servers.links[order.part], Cut(order.kind.value), order.for_s)
    await servers.whole()
    return Fault(order.kind.value, order.part, began_at, datetime.now(UTC))


async def _pid(servers: Servers, part: str) -> int:
    while (pid := servers.parts[part].pid) is None:  # struck just before
        await asyncio.sleep(0.02)
    return pid


async def _kill(servers: Servers, part: str) -> None:
    pid = await _pid(servers, part)
    os.kill(pid, signal.SIGKILL)
    await servers.again(part, pid)


async def _cut(link: Link, how: Cut, seconds: float) -> None:
    link.cut(how)
    try:
        await asyncio.sleep(seconds)
    finally:
        await link.heal()


async def _hang(servers: Servers, point: str, seconds: float) -> None:
    servers.fuse.hang(point)
    try:
        await asyncio.sleep(seconds)
    finally:
        servers.fuse.hang(None)


async def _freeze(pid: int, seconds: float) -> None:
    """Whatever happens, it thaws: a stopped process cannot be asked to end."""
    try:
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:  # killed meanwhile, by another fault
        return
    except asyncio.CancelledError:
        os.kill(pid, signal.SIGCONT)
        raise


async def fired(servers: Servers, order: Order) -> Fault:
    """Waits until a process has killed itself for this order and runs again."""
    while (mark := servers.fuse.mark(order)) is None:
        await asyncio.sleep(0.01)
    await servers.again(mark.process, mark.pid)
    return Fault(f"{order.point} {order.side}", mark.process, mark.at, datetime.now(UTC))


class Disturbance:
    """All faults of one trial, at their times. Ended by `over`, which leaves the product whole."""

    def __init__(self, servers: Servers, order: Order | None, strikes: Sequence[Strike]) -> None:
        self._servers, self._order = servers, order
        if order is not None:
            servers.fuse.arm(order)
        self._point = asyncio.create_task(fired(servers, order)) if order is not None else None
        self._strikes = [asyncio.create_task(self._later(each)) for each in strikes]

    async def _later(self, order: Strike) -> Fault:
        await asyncio.sleep(order.at_s)
        return await strike(self._servers, order)

    @property
    def struck(self) -> bool:
        """A process has killed itself at the armed point."""
        return self._order is not None and self._servers.fuse.mark(self._order) is not None

    async def over(self, patience_s: float = 0.0) -> tuple[Fault, ...]:
        """`patience_s` is for a point that is passed now and then, whoever is there."""
        if self._point is not None and not self.struck:
            await asyncio.wait({self._point}, timeout=patience_s)
            if not self.struck:
                self._point.cancel()
        self._servers.fuse.disarm()
        tasks = [*self._strikes, *([self._point] if self._point is not None else [])]
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await self._servers.whole()
        for each in ended:
            if isinstance(each, Exception):
                raise each
        return tuple(each for each in ended if isinstance(each, Fault))
