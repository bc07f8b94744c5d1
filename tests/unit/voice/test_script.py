from __future__ import annotations

import pytest

from voice.script import Script, sentences, spoken_number


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "zero"), (7, "seven"), (13, "thirteen"), (20, "twenty"), (45, "forty-five"), (120, "120")],
)
def test_numbers_are_words(value: int, words: str) -> None:
    assert spoken_number(value) == words


def test_one_question_and_one_minute_are_singular() -> None:
    greeting = Script().greeting(1, 1)
    assert "one question for you" in greeting
    assert "one minute." in greeting


def test_a_line_is_cut_at_its_sentences() -> None:
    text = "That was the last question. Thank you, your answers are saved. A person decides now."
    assert sentences(text) == [
        "That was the last question.",
        "Thank you, your answers are saved.",
        "A person decides now.",
    ]


def test_short_pieces_join_the_next_except_at_the_front() -> None:
    assert sentences("System online. Hello. I am the interviewer of today.") == [
        "System online.",
        "Hello. I am the interviewer of today.",
    ]


def test_abbreviations_and_numbers_do_not_cut() -> None:
    assert sentences("What is e.g. version 1.5 of it?") == ["What is e.g. version 1.5 of it?"]


def test_nothing_is_lost_in_cutting() -> None:
    text = Script().greeting(12, 30)
    assert " ".join(sentences(text)) == text


def test_every_line_can_be_said() -> None:
    script = Script()
    lines = [script.acknowledgement(count) for count in range(8)] + [
        script.closing(reason) for reason in ("answered", "deadline", "finished", "cancelled", None)
    ]
    for line in lines:
        assert line.isascii()
        assert line.endswith((".", "?"))
