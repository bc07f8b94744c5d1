"""Figures, their goals, the machine they were taken on."""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel


class Figure(BaseModel):
    """`value` in `unit`; `at_most` or `at_least` is the goal, None where it is only printed.

    `count` says of how many values it was made; `low` and `high` are its 95 % interval.
    """

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    count: int = 1
    low: float | None = None
    high: float | None = None

    @property
    def shown(self) -> str:
        value = f"{self.value:g} {self.unit}".rstrip()
        known = self.low is not None and self.high is not None
        return f"{value} [{self.low:g}, {self.high:g}]" if known else value

    @property
    def goal(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least:g} {self.unit}".rstrip()
        return "" if self.at_most is None else f"<= {self.at_most:g} {self.unit}".rstrip()

    @property
    def met(self) -> bool | None:
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most


class Machine(BaseModel):
    processor: str
    cores: int
    memory_gb: float
    python: str
    system: str
    load_average: float
    taken_at: datetime


def this_machine() -> Machine:
    """`load_average` is of the last minute, before anything is measured."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gb=round(pages / 1e9, 1),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()}",
        load_average=round(os.getloadavg()[0], 2),
        taken_at=datetime.now(UTC),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")


def median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 4)


def p95(values: Sequence[float]) -> float:
    """The smallest value that 95 % of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return round(ordered[max(0, -(-95 * len(ordered) // 100) - 1)], 4)


def spread(
    name: str,
    values: Sequence[float],
    unit: str = "s",
    *,
    p50_at_most: float | None = None,
    p95_at_most: float | None = None,
) -> list[Figure]:
    """Median and 95th percentile of what was measured; nothing when nothing was."""
    if not values:
        return []
    shared: dict[str, Any] = {"unit": unit, "count": len(values)}
    return [
        Figure(name=f"{name}, p50", value=median(values), at_most=p50_at_most, **shared),
        Figure(name=f"{name}, p95", value=p95(values), at_most=p95_at_most, **shared),
    ]


def mean_and_bound(values: Sequence[float]) -> tuple[float, float]:
    """The mean, and half the width of its 95 % interval."""
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / max(1, len(values) - 1)
    return mean, 1.96 * math.sqrt(variance / len(values))


def unseen(cases: int) -> float:
    """The largest share that may still be there where none of so many cases was one (95 %)."""
    return 1 - math.pow(0.05, 1 / cases)
