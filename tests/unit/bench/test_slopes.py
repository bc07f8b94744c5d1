"""What counts as growth, and how sure that is."""

from __future__ import annotations

import numpy as np
import pytest

from bench.footprint import Holding, growth, left
from bench.slopes import slope

DONE = range(0, 315, 15)


def test_a_straight_line_has_its_slope_and_no_doubt() -> None:
    found = slope(DONE, [400_000 + 12.5 * each for each in DONE])
    assert found == pytest.approx((12.5, 12.5, 12.5))


def test_what_stays_the_same_has_none() -> None:
    assert slope(DONE, [31] * len(DONE)) == pytest.approx((0, 0, 0))


def test_the_interval_holds_the_true_slope_about_as_often_as_it_says() -> None:
    chance = np.random.default_rng(7)
    x = np.asarray(DONE, float)
    found = [
        slope(DONE, (40 * x + 2_000 * chance.standard_normal(len(x))).tolist()) for _ in range(60)
    ]
    assert sum(each.low <= 40 <= each.high for each in found) >= 48


def test_two_samples_are_no_slope() -> None:
    with pytest.raises(ValueError, match="three"):
        slope([0, 1], [1, 2])


def held(number: int, *, kb_each: float = 0, leaks_every: int = 10**9) -> Holding:
    kept = number // leaks_every
    return Holding(400_000 + kb_each * number, 30 + kept, 20, 25)


def test_a_leak_of_memory_is_judged_by_the_upper_end() -> None:
    grown = [held(each, kb_each=60) for each in DONE]
    figures = {each.name: each for each in growth("worker", "a join", DONE, grown)}
    assert figures["worker: memory a join"].value == 60
    assert figures["worker: memory a join, upper end"].met is False
    assert figures["worker: descriptors a join"].met is True


def test_one_descriptor_in_thirty_interviews_is_found() -> None:
    grown = [held(each, leaks_every=30) for each in DONE]
    figures = {each.name: each for each in growth("worker", "a join", DONE, grown)}
    assert figures["worker: descriptors a join"].met is False
    assert figures["worker: tasks a join"].met is True


def test_what_is_left_is_counted() -> None:
    figures = {each.name: each.value for each in left("joins", held(0), held(90, leaks_every=30))}
    assert figures == {
        "joins: descriptors left": 3,
        "joins: threads left": 0,
        "joins: tasks left": 0,
    }
