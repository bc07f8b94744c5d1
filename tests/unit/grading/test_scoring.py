from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.grades import Verdict
from grading import scoring

shares = st.floats(0, 1)
weighted_credits = st.lists(st.tuples(shares, st.floats(0.1, 10)), min_size=1, max_size=12)


def test_a_score_is_ten_times_the_weighted_mean_of_the_credits() -> None:
    assert scoring.score([1.0, 0.5, 0.0], [2, 1, 1]) == 6.25


@given(weighted_credits)
def test_a_score_lies_between_0_and_10(points: list[tuple[float, float]]) -> None:
    credits, weights = zip(*points, strict=True)
    assert 0 <= scoring.score(credits, weights) <= 10


@given(weighted_credits, st.floats(0.5, 20))
def test_only_the_proportions_of_weights_matter(
    points: list[tuple[float, float]], factor: float
) -> None:
    credits, weights = zip(*points, strict=True)
    scaled = [weight * factor for weight in weights]
    assert scoring.score(credits, scaled) == pytest.approx(
        scoring.score(credits, weights), abs=0.011
    )


@given(shares, shares, shares)
def test_more_similarity_never_earns_less(a: float, b: float, baseline: float) -> None:
    less, more = sorted((a, b))
    assert scoring.credit(scoring.closeness(less, baseline), 1) <= scoring.credit(
        scoring.closeness(more, baseline), 1
    )


@given(shares, shares)
def test_the_same_words_said_of_something_else_earn_nothing(similar: float, base: float) -> None:
    assert scoring.credit(scoring.closeness(similar, base), 0.05) == 0


def test_what_the_question_says_already_is_taken_off() -> None:
    assert scoring.closeness(0.5, baseline=0.9) < scoring.closeness(0.5, baseline=0.1) < 0.5
    assert scoring.closeness(0.1, baseline=1.0) == 0
    assert scoring.closeness(1.0, baseline=1.0) == 1


@pytest.mark.parametrize(
    ("credit", "verdict"),
    [
        (0.0, Verdict.MISSED),
        (0.499, Verdict.MISSED),
        (0.5, Verdict.PARTIAL),
        (0.799, Verdict.PARTIAL),
        (0.8, Verdict.COVERED),
        (1.0, Verdict.COVERED),
    ],
)
def test_a_verdict_follows_from_the_credit(credit: float, verdict: Verdict) -> None:
    assert scoring.verdict(credit) is verdict
