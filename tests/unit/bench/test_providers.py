"""What is told of providers with stated delays, and of their faults."""

from __future__ import annotations

import pytest

from bench.providers import IN_MID_ANSWER, WAIT_S, fault_figures, reply_figures
from bench.stand_ins import DELAYS_S
from bench.talking import Waits
from contracts.errors import Unavailable


def test_a_reply_is_held_against_the_stated_delays_and_the_wait() -> None:
    assert pytest.approx(0.57) == DELAYS_S
    assert pytest.approx(0.2) == WAIT_S
    usual, late = DELAYS_S + WAIT_S + 0.1, DELAYS_S + WAIT_S + 0.5
    figures = reply_figures(Waits([1.0, 1.2], [usual] * 19 + [late] * 2, []))
    middle, high = (each for each in figures if "above" in each.name)
    assert middle.value == pytest.approx(0.1)
    assert high.value == pytest.approx(0.5)
    assert [middle.met, high.met] == [True, False]
    assert {each.value for each in figures if "in the ear" in each.name} == {1.1, 1.2}
    assert all(each.met is None for each in figures if "above" not in each.name)


def answered(**longer: float) -> dict[str, list[float]]:
    return {name: [1.0, longer.get("longest", 1.5)] for name in IN_MID_ANSWER}


def test_the_longest_after_each_fault_counts() -> None:
    *answers, sentence = fault_figures(answered(longest=3.2), [0.3, 0.9, 0.2], 2)
    assert len(answers) == len(IN_MID_ANSWER)
    assert {(each.value, each.met, each.count) for each in answers} == {(3.2, False, 2)}
    assert (sentence.value, sentence.met, sentence.count) == (0.9, True, 2)


def test_a_fault_that_never_happened_has_no_figure() -> None:
    never = answered() | {"the language model hangs": []}
    with pytest.raises(Unavailable, match="the language model hangs"):
        fault_figures(never, [0.3], 1)
    with pytest.raises(Unavailable, match="mid-sentence"):
        fault_figures(answered(), [0.3], 0)
