"""How long a pause must be."""

from __future__ import annotations

import pytest

from voice.pauses import (
    DOUBTED_S,
    LONGEST_S,
    NEITHER_S,
    PROMISED_S,
    SETTLED_S,
    UNFINISHED_S,
    Ending,
    Pace,
    Patience,
    ending,
)

FINISHED, GOING_ON = [0.95, 0.9], [0.1, 0.3]
PLAIN = "It returns the value."


@pytest.mark.parametrize(
    "text",
    [
        "It maps keys to buckets, and",
        "I would use a queue because",
        "So first of all, um.",
        "There are two ways.",
        "I would add an index,",
        "The steps are:",
        "We need the",
        "It supports operations such as",
        "Then two transactions may",
        "I think that",
        "The rows are sorted by",
        "First of all.",
        "There are two things here.",
        "It runs bytecode in. Ah.",
    ],
)
def test_words_that_promise_more_are_waited_for(text: str) -> None:
    assert ending(text) is Ending.MORE


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "That is what it depends on.",
        "The user is logged in.",
        "A queue is first in first out",
    ],
)
def test_a_finished_sentence_promises_nothing(text: str) -> None:
    assert ending(text) is Ending.PLAIN


@pytest.mark.parametrize("text", ["It returns the value. That's all.", "Can you repeat that?"])
def test_a_closing_phrase_or_a_request_settles_it(text: str) -> None:
    assert ending(text) is Ending.SETTLED


@pytest.mark.parametrize(
    "text",
    ["The first way is chaining. Let me think.", "First, chaining, and, um, give me a second."],
)
def test_let_me_think_inside_an_answer_is_thinking(text: str) -> None:
    assert ending(text) is Ending.THINKING


@pytest.mark.parametrize("text", ["It times out after, say, thirty seconds.", "Skip.", "Wait."])
def test_neither_is_a_length_of_time(text: str) -> None:
    assert ending(text) is Ending.PLAIN


@pytest.mark.parametrize("text", ["If the row is locked, wait.", "We think about it in seconds."])
def test_an_answer_about_waiting_is_not_thinking(text: str) -> None:
    assert ending(text) is Ending.PLAIN


def test_the_default_wait_is_about_a_second() -> None:
    assert Patience().needed_s(FINISHED, PLAIN) == 1.0


def test_a_voice_or_words_that_go_on_are_waited_for_longer() -> None:
    patience = Patience()
    waits = [
        patience.needed_s(FINISHED, PLAIN),
        patience.needed_s(GOING_ON, PLAIN),
        patience.needed_s(FINISHED, "It is slow because"),
        patience.needed_s(GOING_ON, "It is slow because"),
    ]
    assert waits == [1.0, UNFINISHED_S, PROMISED_S, NEITHER_S]


def test_no_opinion_yet_counts_as_unfinished() -> None:
    assert Patience().needed_s([], PLAIN) == UNFINISHED_S


def test_without_patience_the_verdict_alone_decides() -> None:
    off = Patience(0.0)
    assert off.needed_s(FINISHED, "It is slow because") == 0.0
    assert off.needed_s(GOING_ON, PLAIN) == DOUBTED_S
    assert off.needed_s(GOING_ON, "It is slow because") == UNFINISHED_S


def test_a_request_and_a_sound_without_words_are_answered_soon() -> None:
    assert Patience().needed_s(GOING_ON, "Could you repeat that?") == SETTLED_S
    assert Patience().needed_s(GOING_ON, "") == SETTLED_S


def test_the_candidates_own_pace_lengthens_the_wait() -> None:
    assert Patience().needed_s(FINISHED, PLAIN, pace_s=1.8) == 1.8
    assert Patience().needed_s(FINISHED, PLAIN, pace_s=0.6) == 1.0


def test_the_pace_is_heeded_up_to_a_length() -> None:
    assert Patience(longest_pace_s=1.5).needed_s(FINISHED, PLAIN, pace_s=1.8) == 1.5


def test_no_pause_is_waited_for_longer_than_eight_seconds() -> None:
    assert Patience(3.0).needed_s(GOING_ON, "because", pace_s=2.5) == LONGEST_S


def test_what_is_said_never_shortens_the_wait_below_the_patience() -> None:
    answers = [PLAIN, "I do not know anything about it.", "Chaining or open addressing resolve it."]
    assert {Patience(1.2).needed_s(FINISHED, text) for text in answers} == {1.2}


@pytest.mark.parametrize(
    ("wait_s", "rungs"),
    [
        (0.0, (0.2, 0.4, 0.8, 1.5, 3.0)),
        (1.0, (0.4, 0.8, 1.5, 3.0)),
        (2.0, (0.8, 1.5, 3.0)),
        (4.0, (1.5, 3.0)),
    ],
)
def test_the_voice_is_scored_only_where_it_can_matter(
    wait_s: float, rungs: tuple[float, ...]
) -> None:
    assert Patience(wait_s).rungs() == rungs


def test_the_pace_is_the_90th_percentile_within_bounds() -> None:
    slow, quick, steady = Pace(), Pace(), Pace()
    for _ in range(10):
        slow.observe(6.0)
        quick.observe(0.3)
    for pause_s in [0.5] * 8 + [1.5, 1.5]:
        steady.observe(pause_s)
    assert (slow.pause_s, quick.pause_s) == (2.25, 0.6)
    assert 1.4 <= steady.pause_s <= 1.5


def test_a_few_pauses_tell_nothing() -> None:
    pace = Pace()
    for _ in range(4):
        pace.observe(2.0)
    assert pace.pause_s == 0.0


def test_an_absence_is_no_pause() -> None:
    pace = Pace()
    for _ in range(10):
        pace.observe(60.0)
    assert pace.pause_s == 0.0
