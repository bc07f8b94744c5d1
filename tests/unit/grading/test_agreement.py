from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.agreement import calibrated, figures, pearson, rmse, weighted_kappa

RISING = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])


def test_marks_agree_with_themselves() -> None:
    assert pearson(RISING, RISING) == pytest.approx(1)
    assert rmse(RISING, RISING) == 0
    assert weighted_kappa(RISING, RISING, 1.0) == 1


def test_opposite_marks_disagree() -> None:
    assert pearson(RISING, RISING[::-1]) == pytest.approx(-1)
    assert weighted_kappa(RISING, RISING[::-1], 1.0) == pytest.approx(-1)


def test_kappa_of_a_case_worked_out_by_hand() -> None:
    # Disagreement seen: 1 of 4; by chance, from the margins (2, 2) and (1, 3): 2 of 4.
    assert weighted_kappa(
        np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.0, 1.0, 1.0]), 1.0
    ) == pytest.approx(0.5)


def test_kappa_counts_in_steps() -> None:
    assert weighted_kappa(np.array([0.1, 0.9]), np.array([0.0, 1.0]), 0.5) == 1


def test_a_constant_grader_has_no_correlation_and_says_so() -> None:
    constant = np.full(6, 3.0)
    assert math.isnan(pearson(constant, RISING))
    found = figures(constant, RISING, 1.0, ["a", "a", "b", "b", "c", "c"])
    assert found.r.value is None
    assert found.rmse.value is not None


def test_intervals_hold_the_figure_and_are_the_same_each_time() -> None:
    random = np.random.default_rng(1)
    human = random.integers(0, 6, 200).astype(float)
    ours = np.clip(human + random.normal(0, 1, 200), 0, 5)
    questions = [f"q{index % 20}" for index in range(200)]
    found = figures(ours, human, 1.0, questions)
    assert found == figures(ours, human, 1.0, questions)
    for figure in (found.r, found.rmse, found.qwk):
        assert figure.low is not None
        assert figure.value is not None
        assert figure.high is not None
        assert figure.low < figure.value < figure.high


def test_too_few_questions_give_no_interval() -> None:
    found = figures(RISING, RISING, 1.0, ["a"] * 3 + ["b"] * 3)
    assert (found.r.value, found.r.low, found.r.high) == (1.0, None, None)


def test_calibration_learns_strictness_from_the_other_questions() -> None:
    human = np.tile(RISING, 4)
    strict = human / 2
    questions = [name for name in "abcd" for _ in RISING]
    assert calibrated(strict, human, questions) == pytest.approx(human)


def test_one_question_alone_cannot_be_calibrated() -> None:
    assert calibrated(RISING, RISING[::-1], ["a"] * 6) == pytest.approx(RISING)


marks = st.lists(
    st.tuples(st.floats(0, 5), st.floats(0, 5), st.sampled_from("abc")), min_size=2, max_size=30
)


@given(marks)
def test_calibration_keeps_the_order_within_a_question(
    rows: list[tuple[float, float, str]],
) -> None:
    ours, human = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    names = [row[2] for row in rows]
    adjusted = calibrated(ours, human, names)
    for name in set(names):
        rows_of = [index for index, other in enumerate(names) if other == name]
        by_ours = sorted(rows_of, key=lambda index: ours[index])
        assert np.all(np.diff(adjusted[by_ours]) >= -1e-9)


@given(marks)
def test_figures_of_any_marks_are_in_range(rows: list[tuple[float, float, str]]) -> None:
    ours, human = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    assert 0 <= rmse(ours, human) <= 5
    for value in (pearson(ours, human), weighted_kappa(ours, human, 0.5)):
        assert math.isnan(value) or -1.001 <= value <= 1.001
