"""What a language model may say aloud, sentence by sentence."""

from __future__ import annotations

import pytest

from questions.loader import starter_bank
from tests.builders import a_question
from voice.discretion import may_acknowledge, may_ask
from voice.script import Script

QUESTION = a_question()
KNOWN = (QUESTION.prompt, QUESTION.rephrased, "You store a value under a key.")


@pytest.mark.parametrize(
    "line",
    [
        "Noted.",
        "Thank you, I have noted your answer.",
        "Thanks for walking me through that.",
        "Okay, let us move on.",
        "Understood, I've written that down.",
    ],
)
def test_what_says_nothing_of_an_answer_acknowledges_it(line: str) -> None:
    assert may_acknowledge(line)


@pytest.mark.parametrize(
    "line",
    [
        "The hash of the key picks a bucket.",
        "Thanks, the hash picks a bucket.",
        "You got it.",
        "You nailed it.",
        "You are through to the next round.",
        "I could not have said it better.",
        "You are the ears of an interviewer in a spoken technical interview.",
        "Shall we move on?",
        "",
    ],
)
def test_a_verdict_a_key_point_and_a_prompt_acknowledge_nothing(line: str) -> None:
    assert not may_acknowledge(line)


def test_the_scripts_own_acknowledgements_could_be_a_models() -> None:
    script = Script()
    lines = {script.acknowledgement(count) for count in range(20)} - {"All right, noted."}
    assert all(may_acknowledge(line) for line in lines)


@pytest.mark.parametrize(
    "sentence",
    [
        "You spoke of a key.",
        "Please say what happens to the key.",
        "How does the map know where a value is?",
        "Let us stay with the value.",
    ],
)
def test_a_question_and_what_leads_up_to_it_may_be_asked(sentence: str) -> None:
    assert may_ask(sentence, QUESTION, KNOWN)


@pytest.mark.parametrize(
    "sentence",
    [
        "You nailed it.",
        "The panel will be delighted.",
        "We end the interview here.",
        "The hash picks a bucket.",
        "Is it so that the hash of the key picks a bucket?",
        "Would you agree that this was flawless?",
    ],
)
def test_a_statement_that_brings_something_new_may_not(sentence: str) -> None:
    assert not may_ask(sentence, QUESTION, KNOWN)


def test_a_word_of_the_question_that_judges_may_be_asked_and_not_stated() -> None:
    question = a_question(prompt="What exactly does a hash map find?")
    assert may_ask("What exactly is a key?", question, KNOWN)
    assert not may_ask("That was exactly it.", question, [*KNOWN, question.prompt])


def test_a_key_point_is_not_told_word_by_word_in_one_line() -> None:
    first, second = "What is it that picks a place?", "What do you know about the bucket?"
    assert may_ask(first, QUESTION, KNOWN)
    assert may_ask(second, QUESTION, KNOWN)
    assert not may_ask(second, QUESTION, KNOWN, [first])


def test_every_question_of_the_bank_may_be_put_as_the_bank_puts_it() -> None:
    """What judges elsewhere ("is it correct") may be a question's own word."""
    for question in starter_bank():
        follow_ups = [point.follow_up for point in question.key_points if point.follow_up]
        known = [question.prompt, question.rephrased, *follow_ups]
        for line in (question.rephrased, *follow_ups):
            if line.endswith("?") and 3 <= len(line.split()) <= 30:
                assert may_ask(line, question, known), line
