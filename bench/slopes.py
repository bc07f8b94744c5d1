"""How much something grows with each interview, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_SEED: Final = 1
_RESAMPLES: Final = 4_000
#: One sample's chance passes on to the next ones, memory's above all: a heap that has grown stays.
_BLOCK: Final = 4


class Slope(NamedTuple):
    """`value` by ordinary least squares; `low` and `high` are its 95 % interval."""

    value: float
    low: float
    high: float


def slope(done: Sequence[float], measured: Sequence[float]) -> Slope:
    """Of `measured` over `done`. The interval comes from a moving block bootstrap of the residuals
    (blocks of four samples, 4,000 resamples, the same each time). At least three samples.
    """
    x, y = np.asarray(done, float), np.asarray(measured, float)
    if len(x) < 3:
        raise ValueError("a slope needs three samples")
    rate, start = np.polyfit(x, y, 1)
    fitted = start + rate * x
    chance = np.random.default_rng(_SEED)
    rates = [_rate(x, fitted + _blocks(y - fitted, chance)) for _ in range(_RESAMPLES)]
    low, high = np.percentile(rates, (2.5, 97.5))
    return Slope(float(rate), float(low), float(high))


def _rate(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    middle = x - x.mean()
    return float(middle @ y / (middle @ middle))


def _blocks(residuals: NDArray[np.float64], chance: np.random.Generator) -> NDArray[np.float64]:
    """As many residuals, in blocks that stood side by side; their mean is that of the drawn."""
    size = min(_BLOCK, len(residuals))
    needed = -(-len(residuals) // size)
    starts = chance.integers(0, len(residuals) - size + 1, needed)
    drawn = np.concatenate([residuals[start : start + size] for start in starts])
    return drawn[: len(residuals)]
