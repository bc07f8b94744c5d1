"""Drawing is fair and repeatable."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import InvalidInput
from contracts.questions import Difficulty
from questions.draw import draw
from questions.loader import starter_bank

BANK = starter_bank()
TOPICS = sorted({question.topic for question in BANK})


@settings(max_examples=40)
@given(st.integers(), st.integers(1, len(BANK)))
def test_the_same_seed_draws_the_same_whatever_the_order_of_the_bank(seed: int, count: int) -> None:
    shuffled = list(BANK)
    random.Random(seed).shuffle(shuffled)
    drawn = draw(BANK, None, None, count, seed)
    assert drawn == draw(shuffled, None, None, count, seed)
    assert len({question.slug for question in drawn}) == count


def test_other_seeds_draw_other_questions() -> None:
    assert len({draw(BANK, None, None, 5, seed) for seed in range(30)}) > 25


@settings(max_examples=40)
@given(st.integers())
def test_topics_and_difficulties_are_mixed_and_the_easiest_comes_first(seed: int) -> None:
    drawn = draw(BANK, None, None, 10, seed)
    assert len({question.topic for question in drawn}) == 10
    levels = [question.difficulty for question in drawn]
    assert all(count >= 3 for count in Counter(levels).values())
    assert levels == sorted(levels, key=list(Difficulty).index)


def test_only_what_was_asked_for_is_drawn() -> None:
    drawn = draw(BANK, ["python", "Security"], [Difficulty.HARD], 4, seed=1)
    assert {question.topic for question in drawn} == {"Python", "Security"}
    assert {question.difficulty for question in drawn} == {Difficulty.HARD}


@pytest.mark.parametrize(
    ("topics", "levels", "count", "field"),
    [
        (["Cooking"], None, 1, "topics"),
        (None, None, 0, "question_count"),
        (None, None, len(BANK) + 1, "question_count"),
        (["Python"], [Difficulty.HARD], 3, "question_count"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_field(
    topics: list[str] | None, levels: list[Difficulty] | None, count: int, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        draw(BANK, topics, levels, count, seed=0)
    assert caught.value.field == field


def test_a_topic_without_that_difficulty_is_refused() -> None:
    easy_only = [question for question in BANK if question.difficulty is Difficulty.EASY]
    with pytest.raises(InvalidInput) as caught:
        draw(easy_only, TOPICS, [Difficulty.HARD], 1, seed=0)
    assert caught.value.field == "difficulties"
