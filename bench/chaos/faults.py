"""What is done to the product: a process kills itself at a named point, or is struck by us."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from bench.chaos.disk import Disk, mountable
from bench.chaos.evidence import Fault
from bench.chaos.links import Cut, Link
from bench.chaos.points import Order
from bench.chaos.servers import PARTS, SPEAKING, Servers
from bench.chaos.webhooks import Delivery
from bench.stand_ins import Faults
from local.spare import holder
from workflows.standing import running

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
_FULL_S: Final = (0.5, 8.0)


#: What `Strike.part` may be beside a process: the one that holds the conversation, and the
#: candidate's browser.
HOLDER: Final = "holder"
BROWSER: Final = "browser"
#: In a spoken interview: from its first words to its last, without the wait for grades.
_SPOKEN_S: Final = (4.0, 30.0)


class Strikes(StrEnum):
    KILL = "kill"
    FREEZE = "freeze"
    CUT_REPLIES = "cut one way"
    CUT_BOTH = "cut both ways"
    HANG = "hang"
    DISK_FULL = "disk full"
    DEAF = "deaf"  # its sockets are read, and tell nothing
    UNREAD = "unread"  # its sockets are not read
    MUTE = "mute"  # a sentence is taken, and has no sound
    SILENT = "silent"  # a request is taken, and no reply ever comes
    WITHHELD = "withheld"
    DOUBLED = "doubled"
    SWAPPED = "swapped"  # late, and the last first


class Strike(BaseModel):
    """`at_s` after the trial's start; what does not kill ends `for_s` later. `part` is a process,
    the end of a link, the activity that hangs, whose disk is full (everybody's), the provider or
    the webhooks.
    """

    model_config = ConfigDict(frozen=True)

    kind: Strikes
    part: str
    at_s: float
    for_s: float = 0.0


def possible() -> tuple[Strikes, ...]:
    """The kinds that can be dealt by this account, with rooms or without."""
    return tuple(each for each in _PARTS if each is not Strikes.DISK_FULL or mountable())


def draw(chance: random.Random, within_s: float) -> Strike:
    """Any kind at any part, at a moment within the trial."""
    return one_of(chance.choice((Strikes.KILL, Strikes.KILL, *possible())), chance, within_s)


def one_of(kind: Strikes, chance: random.Random, within_s: float) -> Strike:
    """At any part, at a moment within the trial."""
    parts, for_s = _PARTS[kind]
    return Strike(
        kind=kind,
        part=chance.choice(parts),
        at_s=chance.uniform(0, within_s),
        for_s=chance.uniform(*for_s),
    )


_PARTS: Final[dict[Strikes, tuple[tuple[str, ...], tuple[float, float]]]] = {
    Strikes.KILL: (PARTS, (0.0, 0.0)),
    Strikes.FREEZE: (_FREEZABLE, _FROZEN_S),
    Strikes.CUT_REPLIES: (LINKED, _CUT_S),
    Strikes.CUT_BOTH: (LINKED, _CUT_S),
    Strikes.HANG: (HANGING, (_HANGS_S, _HANGS_S)),
    Strikes.DISK_FULL: (("disk",), _FULL_S),
}


def draw_spoken(chance: random.Random) -> Strike:
    """What a spoken interview has to fear more than a typed one: the end of who speaks."""
    kinds = (*(each for each in possible() if each is not Strikes.HANG), Strikes.KILL, Strikes.KILL)
    kind = chance.choice(kinds)
    parts, for_s = _PARTS[kind]
    parts = _SPOKEN_PARTS.get(kind, parts)
    moment = chance.uniform(*_SPOKEN_S)
    return Strike(kind=kind, part=chance.choice(parts), at_s=moment, for_s=chance.uniform(*for_s))


_SPOKEN_PARTS: Final[dict[Strikes, tuple[str, ...]]] = {
    Strikes.KILL: (HOLDER, BROWSER, *PARTS),
    Strikes.FREEZE: (HOLDER,),
}

_AT_ONCE: Final = (0.0, 0.0)
#: Longer than a stretch of speech with the answer to it, most of the time.
_PROVIDER_S: Final = (4.0, 12.0)
#: From the first participant to the last.
_WHOLE_TALK_S: Final = (30.0, 45.0)
#: In a room, by what it hits: a kind, a part, and how long.
_IN_ROOM: Final = (
    (Strikes.KILL, HOLDER, _AT_ONCE),
    (Strikes.KILL, "livekit", _AT_ONCE),
    (Strikes.FREEZE, HOLDER, _FROZEN_S),
    (Strikes.FREEZE, "livekit", _FROZEN_S),
    (Strikes.CUT_REPLIES, "livekit", _CUT_S),
    (Strikes.CUT_BOTH, "livekit", _CUT_S),
    (Strikes.DEAF, "Deepgram", _PROVIDER_S),
    (Strikes.UNREAD, "Deepgram", _PROVIDER_S),
    (Strikes.MUTE, "Deepgram", _PROVIDER_S),
    (Strikes.SILENT, "language model", _PROVIDER_S),
    (Strikes.WITHHELD, "webhooks", _WHOLE_TALK_S),
    (Strikes.DOUBLED, "webhooks", _WHOLE_TALK_S),
    (Strikes.SWAPPED, "webhooks", _WHOLE_TALK_S),
)
_OF_PROVIDERS: Final = {
    Strikes.DEAF: Faults(listening="deaf"),
    Strikes.UNREAD: Faults(listening="unread"),
    Strikes.MUTE: Faults(speaking="mute"),
    Strikes.SILENT: Faults(model="silent"),
}
_OF_WEBHOOKS: Final = {
    Strikes.WITHHELD: Delivery.WITHHELD,
    Strikes.DOUBLED: Delivery.DOUBLED,
    Strikes.SWAPPED: Delivery.SWAPPED,
}


def dealt_in_rooms(chance: random.Random) -> Iterator[Strike]:
    """For ever; none comes again before all have been dealt."""
    while True:
        for kind, part, for_s in chance.sample(_IN_ROOM, len(_IN_ROOM)):
            at_s = 0.0 if kind in _OF_WEBHOOKS else chance.uniform(*_SPOKEN_S)
            yield Strike(kind=kind, part=part, at_s=at_s, for_s=chance.uniform(*for_s))


#: Kills the candidate's browser and returns when another one has taken its place.
LosesBrowser = Callable[[], Awaitable[None]]


async def strike(
    servers: Servers, order: Strike, lose_browser: LosesBrowser | None = None
) -> Fault:
    """Strikes now and returns when the part answers again."""
    part = await _holder(servers) if order.part == HOLDER else order.part
    began_at = datetime.now(UTC)
    match order.kind:
        case Strikes.KILL if part == BROWSER:
            if lose_browser is None:
                raise RuntimeError("nobody has a browser here")
            await lose_browser()
        case Strikes.KILL:
            await _kill(servers, part)
        case Strikes.FREEZE:
            await _freeze(await _pid(servers, part), order.for_s)
        case Strikes.HANG:
            await _hang(servers, order.part, order.for_s)
        case Strikes.DISK_FULL:
            await _full(servers.disk, order.for_s)
        case kind if kind in _OF_PROVIDERS:
            await _provider(servers, _OF_PROVIDERS[kind], order.for_s)
        case kind if kind in _OF_WEBHOOKS:
            await _webhooks(servers, _OF_WEBHOOKS[kind], order.for_s)
        case _:
            await _cut(servers.links[order.part], Cut(order.kind.value), order.for_s)
    await servers.whole()
    return Fault(order.kind.value, order.part, began_at, datetime.now(UTC))


async def _pid(servers: Servers, part: str) -> int:
    while (pid := servers.parts[part].pid) is None:  # struck just before
        await asyncio.sleep(0.02)
    return pid


async def _holder(servers: Servers) -> str:
    """The part that holds a conversation, once there is one."""
    pids = {servers.parts[name].pid: name for name in SPEAKING}
    while True:
        for interview_id in await running(servers.temporal, 1):
            pid = await holder(servers.temporal, interview_id)
            if pid in pids:
                return pids[pid]
        await asyncio.sleep(0.05)


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


async def _provider(servers: Servers, faults: Faults, seconds: float) -> None:
    if servers.outside is None:
        raise RuntimeError("there are no providers here")
    providers = servers.outside.providers
    try:
        await providers.fail(faults)
        await asyncio.sleep(seconds)
    finally:
        await providers.fail(Faults())


async def _webhooks(servers: Servers, how: Delivery, seconds: float) -> None:
    if servers.outside is None:
        raise RuntimeError("there is no LiveKit here")
    webhooks = servers.outside.webhooks
    try:
        await webhooks.deliver(how)
        await asyncio.sleep(seconds)
    finally:
        await webhooks.deliver(Delivery.PROMPT)


async def _full(disk: Disk | None, seconds: float) -> None:
    if disk is None:
        raise RuntimeError("there is no disk of its own that could be filled")
    try:
        await asyncio.to_thread(disk.fill)
        await asyncio.sleep(seconds)
    finally:
        await asyncio.to_thread(disk.free)


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

    def __init__(
        self,
        servers: Servers,
        order: Order | None,
        strikes: Sequence[Strike],
        lose_browser: LosesBrowser | None = None,
    ) -> None:
        self._servers, self._order = servers, order
        self._lose_browser = lose_browser
        if order is not None:
            servers.fuse.arm(order)
        self._point = asyncio.create_task(fired(servers, order)) if order is not None else None
        self._strikes = [asyncio.create_task(self._later(each)) for each in strikes]

    async def _later(self, order: Strike) -> Fault:
        await asyncio.sleep(order.at_s)
        return await strike(self._servers, order, self._lose_browser)

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
