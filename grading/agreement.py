"""How well marks agree: correlation, distance and weighted kappa, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

Marks = npt.NDArray[np.float64]

#: Resampled data sets behind an interval, and the seed that makes it the same on every run.
RESAMPLES: Final = 1000
SEED: Final = 20111
#: Fewer questions than this give no interval worth printing.
LEAST_QUESTIONS: Final = 3


class Figure(BaseModel):
    """A figure and its 95 % interval. None where the data cannot give one (all marks alike)."""

    model_config = ConfigDict(frozen=True)

    value: float | None
    low: float | None = None
    high: float | None = None


class Figures(BaseModel):
    """Agreement of two series of marks on the same answers, in the file's own scale.

    `r` is Pearson's, `rmse` the root of the mean squared difference, `qwk` Cohen's kappa with
    quadratic weights over marks rounded to whole steps. The means tell who is stricter.
    """

    model_config = ConfigDict(frozen=True)

    answers: int = Field(ge=0)
    r: Figure
    rmse: Figure
    qwk: Figure
    mean: float
    human_mean: float


def figures(ours: Marks, human: Marks, step: float, questions: Sequence[str]) -> Figures:
    """Intervals come from resampling whole questions: answers to one question hang together."""
    groups = _groups(questions)
    samples = _samples(groups) if len(groups) >= LEAST_QUESTIONS else []

    def figure(measure: Callable[[Marks, Marks], float]) -> Figure:
        spread = [measure(ours[rows], human[rows]) for rows in samples]
        return _figure(measure(ours, human), np.array(spread))

    return Figures(
        answers=len(ours),
        r=figure(pearson),
        rmse=figure(rmse),
        qwk=figure(lambda a, b: weighted_kappa(a, b, step)),
        mean=round(float(ours.mean()), 3),
        human_mean=round(float(human.mean()), 3),
    )


def pearson(a: Marks, b: Marks) -> float:
    """NaN where one side does not vary."""
    left, right = a - a.mean(), b - b.mean()
    spread = float(np.linalg.norm(left) * np.linalg.norm(right))
    return float("nan") if spread == 0 else float(left @ right) / spread


def rmse(a: Marks, b: Marks) -> float:
    return float(np.sqrt(np.mean((a - b) ** 2)))


def weighted_kappa(a: Marks, b: Marks, step: float) -> float:
    """Quadratically weighted, over marks rounded to `step` (halves to the even one).

    NaN where all marks of both sides are alike.
    """
    left, right = _whole_steps(a, step), _whole_steps(b, step)
    levels = int(max(left.max(), right.max())) + 1
    seen = np.zeros((levels, levels))
    np.add.at(seen, (left, right), 1)
    expected = np.outer(seen.sum(axis=1), seen.sum(axis=0)) / len(a)
    distance = np.subtract.outer(np.arange(levels), np.arange(levels)) ** 2
    chance = float((distance * expected).sum())
    return float("nan") if chance == 0 else 1 - float((distance * seen).sum()) / chance


def calibrated(ours: Marks, human: Marks, questions: Sequence[str]) -> Marks:
    """Our marks put on the people's scale: for each question, a rising curve from all others.

    Says what agreement would be if scores were fitted to these people, not what they are.
    """
    adjusted = ours.copy()
    for rows in _groups(questions):
        rest = np.setdiff1d(np.arange(len(ours)), rows)
        if len(rest):
            adjusted[rows] = _rising_curve(ours[rest], human[rest])(ours[rows])
    return adjusted


def _whole_steps(marks: Marks, step: float) -> npt.NDArray[np.int64]:
    return np.rint(marks / step).astype(np.int64)


def _groups(questions: Sequence[str]) -> list[npt.NDArray[np.int64]]:
    names = np.array(questions)
    return [np.flatnonzero(names == name) for name in dict.fromkeys(questions)]


def _samples(groups: list[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.int64]]:
    random = np.random.default_rng(SEED)
    drawn = random.integers(0, len(groups), size=(RESAMPLES, len(groups)))
    return [np.concatenate([groups[index] for index in row]) for row in drawn]


def _figure(value: float, spread: Marks) -> Figure:
    known = spread[~np.isnan(spread)]
    if np.isnan(value):
        return Figure(value=None)
    if not len(known):
        return Figure(value=round(value, 3))
    low, high = np.percentile(known, [2.5, 97.5])
    return Figure(value=round(value, 3), low=round(float(low), 3), high=round(float(high), 3))


def _rising_curve(x: Marks, y: Marks) -> Callable[[Marks], Marks]:
    """Isotonic regression by pooling adjacent violators, linear in between."""
    places, inverse = np.unique(x, return_inverse=True)
    weights = np.bincount(inverse).astype(float)
    means = np.bincount(inverse, weights=y) / weights
    pools: list[tuple[float, float, int]] = []  # mean, weight, places
    for mean, weight in zip(means.tolist(), weights.tolist(), strict=True):
        pool = (mean, weight, 1)
        while pools and pools[-1][0] >= pool[0]:
            pool = _pooled(pools.pop(), pool)
        pools.append(pool)
    fitted = np.repeat([pool[0] for pool in pools], [pool[2] for pool in pools])
    return lambda marks: np.interp(marks, places, fitted)


def _pooled(
    left: tuple[float, float, int], right: tuple[float, float, int]
) -> tuple[float, float, int]:
    weight = left[1] + right[1]
    return (left[0] * left[1] + right[0] * right[1]) / weight, weight, left[2] + right[2]
