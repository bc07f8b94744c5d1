"""The hunt for the seeded bugs: pinpoint trials with a bug put in, until the judge finds it.

`python -m bench.chaos.seeded [name ...]` hunts those named, else all that a typed interview and a
kill can provoke. What needs a bot that thaws or is stuck is hunted by tests alone.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from bench.chaos.bugs import BUGS, Bug
from bench.chaos.points import Order, Side
from bench.chaos.servers import Servers, servers
from bench.chaos.trials import Trial, pinpoint

#: A point is passed some times in an interview; which passing shows the bug is not known before.
MOST_TRIALS: Final = 6


@dataclass(frozen=True)
class Hunt:
    """`found_in` counts the trials up to the one in which the bug's own invariant was broken, None
    when it never was. `broken` are all invariants seen broken."""

    bug: str
    found_in: int | None
    broken: tuple[str, ...]


def provoked_by_kills() -> tuple[Bug, ...]:
    return tuple(bug for bug in BUGS.values() if bug.point not in ("freeze", "wedge"))


async def hunt(bug: Bug, here: Servers, ledgers: Path) -> Hunt:
    """`here` runs with the bug in it, and is of no use afterwards."""
    broken: set[str] = set()
    for number in range(1, MOST_TRIALS + 1):
        order = Order(id=uuid4(), point=bug.point, side=Side(bug.side), passing=number)
        result = await pinpoint(here, Trial(number=number, order=order), ledgers)
        broken |= {told.split(":", 1)[0] for told in result.violations}
        if bug.finds in broken:
            return Hunt(bug.name, number, tuple(sorted(broken)))
        if not result.fired:
            break  # the point is not passed so often
    return Hunt(bug.name, None, tuple(sorted(broken)))


async def hunt_all(names: Collection[str] = ()) -> AsyncIterator[Hunt]:
    """Each bug in a fresh product of its own."""
    with tempfile.TemporaryDirectory(prefix="cvhunt") as folder:
        for bug in provoked_by_kills():
            if not names or bug.name in names:
                async with servers(bug=bug) as here:
                    yield await hunt(bug, here, Path(folder) / bug.name)


async def _tell(names: Collection[str]) -> int:
    unfound = 0
    async for each in hunt_all(names):
        unfound += each.found_in is None
        found = f"found in {each.found_in} trials" if each.found_in else "NOT FOUND"
        print(f"{each.bug}: {found} ({', '.join(each.broken) or 'nothing broken'})", flush=True)
    return unfound


def main() -> int:
    """Exits with 1 when a bug was not found."""
    return 1 if asyncio.run(_tell(sys.argv[1:])) else 0


if __name__ == "__main__":
    sys.exit(main())
