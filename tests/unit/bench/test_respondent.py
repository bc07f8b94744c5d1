"""The simulated candidate knows less and less, so that a demonstration's scores tell apart."""

from __future__ import annotations

from bench.respondent import UNSURE, Respondent, spoken
from contracts.questions import Question
from questions.loader import starter_bank


def points_said(respondent: Respondent, question: Question) -> int:
    answer = respondent.answer(question.prompt)
    follow_ups = {point.follow_up for point in question.key_points if point.follow_up}
    said = [answer, *(respondent.answer(follow_up) for follow_up in follow_ups)]
    return sum(any(spoken(point) in each for each in said) for point in question.key_points)


def test_each_question_finds_one_more_point_unknown_and_the_fourth_none() -> None:
    respondent = Respondent()
    asked = starter_bank()[:4]
    missing = [len(each.key_points) - points_said(respondent, each) for each in asked]
    assert missing == [0, 1, 2, 0]


def test_one_point_is_kept_for_the_follow_up() -> None:
    question = starter_bank()[0]
    answer = Respondent().answer(question.prompt)
    assert sum(spoken(point) in answer for point in question.key_points) == (
        len(question.key_points) - 1
    )


def test_the_same_question_gets_the_same_answer() -> None:
    respondent = Respondent()
    first, second = starter_bank()[:2]
    answers = [respondent.answer(each.prompt) for each in (first, second)]
    assert [respondent.answer(each.prompt) for each in (first, second)] == answers


def test_what_it_does_not_know_it_says() -> None:
    assert Respondent().answer("What is the capital of Peru?") == UNSURE
