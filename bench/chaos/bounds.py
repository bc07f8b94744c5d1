"""What a number of trials lets one say: an upper bound where nothing failed, an interval where
something did. A statement about this mix of faults, never an availability."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

LEVEL: Final = 0.95
#: Halvings until an interval of 1 is below what a double can tell apart.
_HALVINGS: Final = 60


@dataclass(frozen=True)
class Bound:
    """Shares between 0 and 1 within which the rate of failure lies, at the stated level.

    Without failures it is one-sided (`upper` alone says something), else the two-sided interval of
    Clopper and Pearson.
    """

    failures: int
    trials: int
    lower: float
    upper: float


@dataclass(frozen=True)
class Outcome:
    """One kill and whether anything was lost by it. `step` is the point's place in an interview.

    In a storm this is a kill, not an interview: the interviews of one kill are not independent.
    """

    point: str
    side: str
    step: str
    fault: str
    failed: bool


@dataclass(frozen=True)
class Bounds:
    """Never show `pooled` alone: it hides a point that was killed at twice."""

    by_point: Mapping[str, Bound]
    by_step: Mapping[str, Bound]
    by_fault: Mapping[str, Bound]
    pooled: Bound


def bound(failures: int, trials: int, level: float = LEVEL) -> Bound:
    """Raises ValueError when there are fewer trials than failures, or fewer than none."""
    if not 0 <= failures <= trials:
        raise ValueError(f"{failures} failures in {trials} trials")
    if trials == 0:
        return Bound(0, 0, 0.0, 1.0)
    if failures == 0:
        return Bound(0, trials, 0.0, 1 - (1 - level) ** (1 / trials))
    return Bound(failures, trials, *clopper_pearson(failures, trials, level))


def clopper_pearson(failures: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """The exact two-sided interval, by halving on the binomial distribution."""
    tail = (1 - level) / 2
    lower = upper = 0.0
    if failures > 0:
        lower = _root(lambda rate: 1 - at_most(failures - 1, trials, rate) > tail)
    if failures == trials:
        upper = 1.0
    else:
        upper = _root(lambda rate: at_most(failures, trials, rate) < tail)
    return lower, upper


def at_most(failures: int, trials: int, rate: float) -> float:
    """The chance of so many failures or fewer."""
    if rate <= 0:
        return 1.0
    if rate >= 1:
        return 1.0 if failures >= trials else 0.0
    return min(1.0, math.fsum(_chance(each, trials, rate) for each in range(failures + 1)))


def _chance(failures: int, trials: int, rate: float) -> float:
    ways = math.lgamma(trials + 1) - math.lgamma(failures + 1) - math.lgamma(trials - failures + 1)
    return math.exp(ways + failures * math.log(rate) + (trials - failures) * math.log1p(-rate))


def _root(beyond: Callable[[float], bool]) -> float:
    """Where `beyond` turns from false to true between 0 and 1."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if beyond(middle) else (middle, high)
    return (low + high) / 2


def bounds(outcomes: Iterable[Outcome]) -> Bounds:
    kills = tuple(outcomes)
    return Bounds(
        by_point=_grouped(kills, lambda kill: f"{kill.point} {kill.side}"),
        by_step=_grouped(kills, lambda kill: kill.step),
        by_fault=_grouped(kills, lambda kill: kill.fault),
        pooled=_bound_of(kills),
    )


def _grouped(kills: Iterable[Outcome], name: Callable[[Outcome], str]) -> dict[str, Bound]:
    groups: defaultdict[str, list[Outcome]] = defaultdict(list)
    for kill in kills:
        groups[name(kill)].append(kill)
    return {each: _bound_of(groups[each]) for each in sorted(groups)}


def _bound_of(kills: Iterable[Outcome]) -> Bound:
    failed = [kill.failed for kill in kills]
    return bound(sum(failed), len(failed))
