from __future__ import annotations

import pytest

from grading.contradiction import negated_at

LIFO = "The last element pushed is the first one popped."
COST = "A lookup in a hash table takes constant time on average."


@pytest.mark.parametrize(
    ("point", "answer"),
    [
        (LIFO, "The last element pushed is not the first one popped."),
        (LIFO, "Well, the last element pushed isn't the first popped, I think."),
        (LIFO, "The last element pushed is never the first one popped. You push at the end."),
        (COST, "A lookup in a hash table doesn’t take constant time on average."),
        (COST, "so it is not that a lookup in a hash table takes constant time on average"),
    ],
)
def test_a_point_repeated_with_a_negation_is_found(point: str, answer: str) -> None:
    span = negated_at(point, answer)
    assert span is not None
    quote = answer[slice(*span)]
    assert any(negation in quote for negation in ("not", "n't", "n’t", "never"))


@pytest.mark.parametrize(
    ("point", "answer"),
    [
        (LIFO, LIFO),
        (LIFO, "The last element pushed is not only stored, it is the first one popped."),
        (LIFO, "It is not that the last element pushed is not the first one popped."),
        (LIFO, "The first element pushed is popped last. A queue does not do that."),
        (LIFO, f"{LIFO} So the last element pushed is not the last one popped, it comes first."),
        (COST, "In the worst case it does not take constant time."),
        ("By reference.", "Not by reference."),
        ("A stack does not keep elements in arrival order.", "A stack keeps elements in order."),
        (
            "The name of the function and the types of its parameters.",
            "The name of the function and the types of its parameters but not the return type.",
        ),
    ],
)
def test_right_answers_that_contain_a_negation_are_left_alone(point: str, answer: str) -> None:
    assert negated_at(point, answer) is None


def test_words_from_several_sentences_make_no_repetition() -> None:
    assert negated_at(LIFO, "The last element. Not pushed. First one. It is popped.") is None
