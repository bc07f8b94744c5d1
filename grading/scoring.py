"""The arithmetic of a grade: pure functions, no model.

The constants are round numbers chosen by hand on the human-graded answers named in docs (the odd
Mohler assignments and SAF's training answers); no curve is fitted to either set.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from contracts.grades import Verdict

#: Which part of the baseline (what question and other points say of a point) is taken off.
CONTRAST: Final = 0.35
#: Credit by closeness: linear between these.
CREDIT_CURVE: Final = ((0.0, 0.0), (0.05, 0.0), (0.2, 0.5), (0.35, 0.8), (0.6, 1.0), (1.0, 1.0))
#: Directions (cosine) from which text begins to be about the subject, and is for certain.
RELEVANCE_GATE: Final = (0.10, 0.25)
#: Least credit of a verdict. Of single key points in answers people gave full marks, 90 % come out
#: covered and 1 % missed; of those an answer leaves out, 5 % covered and 45 % missed.
COVERED: Final = 0.8
PARTIAL: Final = 0.5


def closeness(similarity: float, baseline: float) -> float:
    """How far the similarity rises above what says nothing about the point, 0 to 1."""
    nothing = CONTRAST * baseline
    return min(1.0, max(0.0, (similarity - nothing) / max(1.0 - nothing, 1e-6)))


def credit(closeness: float, relevance: float) -> float:
    """0 to 1, in thousandths. Text about something else earns nothing, however alike its words."""
    low, high = RELEVANCE_GATE
    gate = min(1.0, max(0.0, (relevance - low) / (high - low)))
    return round(_interpolated(closeness) * gate, 3)


def verdict(credit: float) -> Verdict:
    if credit >= COVERED:
        return Verdict.COVERED
    return Verdict.PARTIAL if credit >= PARTIAL else Verdict.MISSED


def score(credits: Sequence[float], weights: Sequence[float]) -> float:
    """10 x the weighted mean of the credits, in hundredths. Weights are above 0."""
    earned = sum(credit * weight for credit, weight in zip(credits, weights, strict=True))
    return round(min(10.0, 10.0 * earned / sum(weights)), 2)


def _interpolated(closeness: float) -> float:
    for (left, low), (right, high) in pairwise(CREDIT_CURVE):
        if closeness <= right:
            return low + (high - low) * (closeness - left) / (right - left)
    return 1.0
