"""Key terms put back, by how words sound."""

from __future__ import annotations

import pytest
from hibari.g2p import G2P

from voice.terms import TermRepair


@pytest.fixture(scope="module")
def repair() -> TermRepair:
    pronounce = G2P()
    return TermRepair(lambda word: pronounce(word) or "")


@pytest.mark.parametrize(
    ("heard", "term", "meant"),
    [
        ("It is item potent.", "idempotent", "It is idempotent."),
        ("It stops every other quarantine.", "coroutine", "It stops every other coroutine."),
        ("We ran cube remnants there.", "Kubernetes", "We ran Kubernetes there."),
        ("And a sum of four limits them.", "semaphore", "And a semaphore limits them."),
        ("We use Lenear-probing there.", "linear probing", "We use linear probing there."),
        ("It takes Owe of End Log and time", "O of n log n", "It takes O of n log n time"),
    ],
)
def test_what_sounds_like_a_term_becomes_the_term(
    repair: TermRepair, heard: str, term: str, meant: str
) -> None:
    assert repair.repair(heard, [term]) == meant


def test_a_term_that_is_there_is_left_as_it_was_written(repair: TermRepair) -> None:
    text = "A B tree stays shallow, and a b-tree is sorted."
    assert repair.repair(text, ["B-tree"]) == text


def test_words_of_one_term_are_not_spent_on_another(repair: TermRepair) -> None:
    text = "We chain them in a linked list."
    assert repair.repair(text, ["linked list", "linked lists"]) == text


@pytest.mark.parametrize(
    ("said", "term"),
    [
        ("The list is mutable.", "immutable"),
        ("A mutable list", "immutable"),
        ("The list is immutable.", "mutable"),
        ("The call is synchronous.", "asynchronous"),
        ("The service is stateful.", "stateless"),
        ("We encode the body.", "decode"),
        ("The table is normalized.", "denormalized"),
        ("The write is blocking.", "non-blocking"),
        ("It is not idempotent.", "idempotent"),
        ("A queue is first in, first out.", "last in first out"),
        ("We use depth first search.", "breadth first search"),
    ],
)
def test_a_term_never_replaces_its_opposite(repair: TermRepair, said: str, term: str) -> None:
    assert repair.repair(said, [term]) == said


def test_words_go_to_the_term_they_sound_most_like(repair: TermRepair) -> None:
    terms = ["breadth first search", "depth first search"]
    said = "Dept first search follows one branch."
    for offered in (terms, terms[::-1]):
        assert repair.repair(said, offered) == "depth first search follows one branch."


def test_a_term_that_shares_a_word_is_not_the_same_term(repair: TermRepair) -> None:
    for said, term in [
        ("It is encrypted with a symmetric key.", "session key"),
        ("Fan out on red gathers the posts.", "fan out on write"),
    ]:
        assert repair.repair(said, [term]) == said


def test_nothing_is_inserted_where_nothing_sounds_alike(repair: TermRepair) -> None:
    text = "I would ask my colleague about that."
    assert repair.repair(text, ["semaphore", "Kubernetes", "eventual consistency"]) == text


@pytest.mark.parametrize("text", ["", "...", "你好", "🙂 !!"])
def test_text_without_words_passes(repair: TermRepair, text: str) -> None:
    assert repair.repair(text, ["idempotent"]) == text


def test_terms_without_sound_are_ignored(repair: TermRepair) -> None:
    assert repair.repair("It is a list.", ["", "++"]) == "It is a list."


def test_punctuation_behind_a_term_stays(repair: TermRepair) -> None:
    assert repair.repair("It is item potent, I think.", ["idempotent"]) == (
        "It is idempotent, I think."
    )
