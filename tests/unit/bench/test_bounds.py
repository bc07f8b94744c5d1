"""Bounds against published values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.chaos.bounds import Outcome, at_most, bound, bounds, clopper_pearson


@pytest.mark.parametrize(
    ("trials", "upper"),
    # The rule of three and the textbook zero-failure plan "299 for 99 % at 95 %".
    [(12, 0.221), (36, 0.080), (59, 0.0495), (299, 0.00997), (1044, 0.00287), (3000, 0.000998)],
)
def test_nothing_failed_leaves_an_upper_bound(trials: int, upper: float) -> None:
    found = bound(0, trials)
    assert found.lower == 0
    assert found.upper == pytest.approx(upper, rel=0.005)


@pytest.mark.parametrize(
    ("failures", "trials", "lower", "upper"),
    # Clopper and Pearson 1934; R's binom.test prints the same.
    [
        (0, 10, 0.0, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (5, 20, 0.0866, 0.4910),
        (5, 100, 0.0164, 0.1128),
        (10, 10, 0.6915, 1.0),
    ],
)
def test_the_exact_interval_is_the_published_one(
    failures: int, trials: int, lower: float, upper: float
) -> None:
    assert clopper_pearson(failures, trials) == pytest.approx((lower, upper), abs=6e-5)


def test_an_interval_of_ten_thousand_trials_can_be_made() -> None:
    lower, upper = clopper_pearson(3, 10_000)
    assert (lower, upper) == pytest.approx((6.187e-5, 8.764e-4), rel=0.001)


@given(st.integers(1, 300), st.data())
def test_the_interval_holds_the_share_seen_and_each_end_leaves_its_tail(
    trials: int, data: st.DataObject
) -> None:
    failures = data.draw(st.integers(1, trials))
    lower, upper = clopper_pearson(failures, trials)
    assert lower < failures / trials <= upper
    assert 1 - at_most(failures - 1, trials, lower) == pytest.approx(0.025, rel=1e-4)
    if failures < trials:
        assert at_most(failures, trials, upper) == pytest.approx(0.025, rel=1e-4)


@given(st.integers(1, 200), st.floats(0.001, 0.999))
def test_the_distribution_sums_to_one(trials: int, rate: float) -> None:
    assert math.isclose(at_most(trials, trials, rate), 1, rel_tol=1e-9)


@pytest.mark.parametrize(("failures", "trials"), [(-1, 5), (6, 5)])
def test_impossible_counts_are_refused(failures: int, trials: int) -> None:
    with pytest.raises(ValueError, match="failures in"):
        bound(failures, trials)


def test_no_trial_says_nothing() -> None:
    assert bound(0, 0).upper == 1


def test_kills_are_counted_by_point_by_step_by_fault_and_pooled() -> None:
    def kill(point: str, side: str, *, failed: bool = False) -> Outcome:
        return Outcome(point, side, step="the answer's row", fault="SIGKILL", failed=failed)

    found = bounds(
        [
            *[kill("sql.insert.answers", "before")] * 12,
            *[kill("sql.insert.answers", "after")] * 12,
            *[kill("sql.commit", "after")] * 11,
            kill("sql.commit", "after", failed=True),
        ]
    )
    assert list(found.by_point) == [
        "sql.commit after",
        "sql.insert.answers after",
        "sql.insert.answers before",
    ]
    assert found.by_point["sql.insert.answers before"].upper == pytest.approx(0.221, abs=0.001)
    assert (found.by_point["sql.commit after"].failures, found.pooled.trials) == (1, 36)
    assert found.by_step["the answer's row"] == found.by_fault["SIGKILL"] == found.pooled
    assert found.pooled.lower > 0
