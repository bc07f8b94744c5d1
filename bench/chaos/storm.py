"""A storm: many interviews at once, and a fault every few seconds for as long as it lasts."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from bench.chaos.candidate import Candidate, Held
from bench.chaos.evidence import Entry, Fault
from bench.chaos.faults import draw, strike
from bench.chaos.ledger import Ledger
from bench.chaos.servers import Servers
from bench.chaos.trials import CANARY, Tries, held_by, judged, tries_of

#: DBOS's rhythm: from the end of one fault to the next.
_EVERY_S: Final = (5.0, 40.0)
#: A call, then a thought: about 13 of them make an interview of half a minute.
_THINKS_S: Final = (0.5, 4.0)


class StormResult(BaseModel):
    """`faults` are kinds and parts in their order, `back_s` how long each took to be whole."""

    minutes: float
    at_once: int
    interviews: int
    faults: tuple[str, ...]
    back_s: tuple[float, ...]
    tries: Tries
    violations: tuple[str, ...]
    took_s: float


class Storm:
    def __init__(
        self, servers: Servers, ledgers: Path, chance: random.Random, minutes: float, at_once: int
    ) -> None:
        self._servers, self._ledgers, self._chance = servers, ledgers, chance
        self._minutes, self._at_once = minutes, at_once
        self._ends_at = time.monotonic() + 60 * minutes
        self._helds: list[Held] = []
        self._entries: list[Entry] = []
        self._gone_wrong: list[str] = []
        self._faults: list[Fault] = []

    async def hold(self) -> StormResult:
        """Ends when every interview that was begun has ended, and is judged."""
        began = time.monotonic()
        await asyncio.gather(
            self._strike_on(), *(self._interviews(number) for number in range(self._at_once))
        )
        await self._servers.whole()
        entries = tuple(sorted(self._entries, key=lambda entry: entry.ended_at))
        found = await judged(self._servers, self._helds, entries, tuple(self._faults))
        return StormResult(
            minutes=self._minutes,
            at_once=self._at_once,
            interviews=len(self._helds),
            faults=tuple(f"{each.kind} {each.part}" for each in self._faults),
            back_s=tuple(_back_s(each) for each in self._faults),
            tries=tries_of(entries),
            violations=(*self._gone_wrong, *found),
            took_s=round(time.monotonic() - began, 1),
        )

    async def _strike_on(self) -> None:
        """No fault comes in the last seconds: the interviews shall find a product that is whole."""
        while True:
            wait_s = self._chance.uniform(*_EVERY_S)
            if time.monotonic() + wait_s > self._ends_at:
                return
            await asyncio.sleep(wait_s)
            self._faults.append(await strike(self._servers, draw(self._chance, 0.0)))

    async def _interviews(self, number: int) -> None:
        """One after the other by one candidate, the first after a moment of its own."""
        await asyncio.sleep(self._chance.uniform(0, min(20.0, 20 * self._minutes)))
        turn = 0
        while time.monotonic() < self._ends_at:
            turn += 1
            ledger = Ledger(self._ledgers / f"storm-{number}-{turn}.jsonl")
            candidate = Candidate(
                self._servers.url,
                self._servers.api_key,
                ledger,
                CANARY,
                thinks_s=lambda: self._chance.uniform(*_THINKS_S),
            )
            held, gone_wrong = await held_by(candidate)
            ledger.close()
            self._helds.append(held)
            self._gone_wrong += gone_wrong
            self._entries += ledger.entries


def _back_s(fault: Fault) -> float:
    healed_at = fault.healed_at or fault.began_at
    return round((healed_at - fault.began_at).total_seconds(), 2)
