"""The questions that ship are complete, fair to the ear, and give nothing away."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from contracts.questions import Difficulty, Question
from questions import wording
from questions.loader import BANK_FOLDER, check, starter_bank

BANK = starter_bank()
every_question = pytest.mark.parametrize("question", BANK, ids=lambda question: question.slug)


def test_the_bank_passes_its_own_check_without_advice() -> None:
    assert check(BANK_FOLDER) == ()


def test_it_is_wide_enough_for_many_interviews() -> None:
    assert len(BANK) >= 64
    topics = Counter(question.topic for question in BANK)
    assert len(topics) >= 8
    assert min(topics.values()) >= 6
    for topic in topics:
        assert {q.difficulty for q in BANK if q.topic == topic} == set(Difficulty)


@every_question
def test_it_asks_for_three_to_six_weighted_things(question: Question) -> None:
    assert 3 <= len(question.key_points) <= 6
    assert all(re.match(r"[A-Z].{20,}\.$", point.text) for point in question.key_points)
    assert len({point.weight for point in question.key_points}) > 1


@every_question
def test_it_is_written_to_be_spoken(question: Question) -> None:
    spoken = [question.prompt, question.rephrased]
    spoken += [point.follow_up for point in question.key_points if point.follow_up]
    assert [wording.unspeakable(text) for text in spoken] == [None] * len(spoken)
    assert len(re.findall(r"[.?!](?:\s|$)", question.prompt)) <= 2
    assert question.prompt != question.rephrased


@every_question
def test_most_points_have_a_follow_up_that_gives_nothing_away(question: Question) -> None:
    points = question.key_points
    assert sum(point.follow_up is not None for point in points) >= len(points) - 1
    assert all(wording.leak_share(question, p) <= wording.LEAK_SHARE for p in points)
    assert len({point.follow_up for point in points}) == len(points)


@every_question
def test_its_model_answer_covers_every_point_and_uses_its_terms(question: Question) -> None:
    assert all(wording.cover_share(question, point) >= 0.6 for point in question.key_points)
    assert len(question.key_terms) >= 4
    assert all(wording.occurs(term, question) for term in question.key_terms)


@every_question
def test_its_model_answer_can_be_spoken_within_the_limit(question: Question) -> None:
    words = len(question.model_answer.split())
    assert 45 <= words <= question.time_limit.total_seconds() / 60 * 130
    assert not re.search(r"[`(){}\[\]<>=*_/\\]|\d", question.model_answer)
