"""How the bench judges thinkers who were cut off and went on."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from bench.thinking import Halves, Told, answers_in_halves, kept
from bench.turns.thinkers import Part, thinkers
from questions.loader import starter_bank

HALVES = Halves("A hash table maps keys to buckets.", "It handles collisions by chaining.")
TOLD = Told("q1", HALVES)


def turn(text: str, revision: int, question: str = "q1", purpose: str = "answer") -> dict[str, Any]:
    return {"text": text, "revision": revision, "question_id": question, "purpose": purpose}


def test_an_answer_taken_back_is_whole_when_both_halves_are_in_its_revisions() -> None:
    assert kept(TOLD, [turn(HALVES.first, 1), turn("It handles collision by training.", 2)])


@pytest.mark.parametrize(
    "turns",
    [
        [turn(HALVES.first, 1)],
        [turn(HALVES.second, 2)],
        [turn(HALVES.first, 1), turn(HALVES.second, 1, question="q2")],
        [turn(HALVES.first, 1), turn(HALVES.second, 2, purpose="control")],
        [turn(f"{HALVES.first} {HALVES.second}", 1)],
    ],
    ids=["no second half", "no first half", "another question", "a request", "never taken back"],
)
def test_it_is_not_when_one_is_missing_or_it_was_never_taken_back(
    turns: list[dict[str, Any]],
) -> None:
    assert not kept(TOLD, turns)


def test_halves_are_those_of_the_reported_thinkers_with_their_pause_at_a_clauses_end() -> None:
    people = thinkers(starter_bank(), 60)
    said = [
        " ".join(piece.text for piece in answer.pieces)
        for who in people
        if who.part is Part.REPORTED
        for answer in who.answers
    ]
    some = list(islice(answers_in_halves(people), 5))
    assert all(f"{one.first} {one.second}" in said for one in some)
    assert all(one.first[-1] in ".,;:" for one in some)
