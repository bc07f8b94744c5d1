"""How long a pause must be."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.parts import Parts
from db.rows import NewInterview
from questions.loader import starter_bank
from settings import load
from voice.pauses import (
    DOUBTED_S,
    LONGEST_S,
    NEITHER_S,
    PROMISED_S,
    QUICKEST,
    SETTLED_S,
    SHORT_S,
    SLOWEST,
    UNFINISHED_S,
    USUAL_S,
    WAIT_S,
    Ending,
    Kind,
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
        "That is what it looks like.",
        "The next one is asked for.",
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


def test_the_products_default_patience_is_the_one_that_was_fitted(tmp_path: Path) -> None:
    assert Patience().needed_s(FINISHED, PLAIN) == WAIT_S
    stored = NewInterview.model_fields["patience_s"].default
    assert load({"DATA_DIR": str(tmp_path)}).patience_s == stored == Parts.patience_s == WAIT_S


def test_a_voice_or_words_that_go_on_are_waited_for_longer() -> None:
    patience = Patience()
    waits = [
        patience.needed_s(FINISHED, PLAIN),
        patience.needed_s(GOING_ON, PLAIN),
        patience.needed_s(FINISHED, "It is slow because"),
        patience.needed_s(GOING_ON, "It is slow because"),
    ]
    assert waits == [WAIT_S, UNFINISHED_S, PROMISED_S, NEITHER_S]


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


def test_the_candidates_own_pace_changes_the_wait_within_bounds() -> None:
    waits = [Patience().needed_s(FINISHED, PLAIN, pace) for pace in (0.2, 0.95, 1.1, 3.0)]
    assert waits == pytest.approx([WAIT_S * share for share in (QUICKEST, 0.95, 1.1, SLOWEST)])


def test_the_pace_never_shortens_what_voice_or_words_ask_for() -> None:
    assert Patience().needed_s(GOING_ON, PLAIN, 0.2) == UNFINISHED_S
    assert Patience().needed_s(FINISHED, "because", 0.2) == PROMISED_S


def test_the_wait_depends_on_the_kind_of_question() -> None:
    kinds = (Kind.CONTROL, Kind.RECALL, Kind.EXPLAIN, Kind.DESIGN)
    waits = [Patience().needed_s(FINISHED, PLAIN, kind=kind) for kind in kinds]
    assert waits == sorted(set(waits))
    assert waits[0] == SHORT_S


def test_a_reason_that_is_begun_is_waited_for_after_a_yes_or_no() -> None:
    assert Patience().needed_s([], "No, because", kind=Kind.CONTROL) == NEITHER_S


def test_a_slow_designer_is_not_waited_for_longer_than_the_dead_air_allows() -> None:
    longest_s = Patience().needed_s(FINISHED, PLAIN, 9.0, Kind.DESIGN)
    assert longest_s == pytest.approx(WAIT_S * SLOWEST)


@pytest.mark.parametrize("pace", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("text", [PLAIN, "It is slow because"])
@pytest.mark.parametrize("scores", [FINISHED, GOING_ON])
def test_an_accommodation_multiplies_every_wait(
    scores: list[float], text: str, kind: Kind, pace: float
) -> None:
    usual_s = Patience().needed_s(scores, text, pace, kind)
    twice_s = Patience(2 * WAIT_S).needed_s(scores, text, pace, kind)
    assert twice_s == pytest.approx(min(2 * usual_s, LONGEST_S))


def test_only_the_interviews_own_patience_is_longer_than_eight_seconds() -> None:
    assert Patience(4.0).needed_s(GOING_ON, "because") == LONGEST_S
    assert Patience(20.0).needed_s(GOING_ON, "because") == 20.0


def test_what_the_answer_covers_never_changes_the_wait() -> None:
    beside_the_point = "I once owned a blue bicycle with a bell."
    for question in starter_bank():
        points = " ".join(point.text for point in question.key_points)
        answers = [beside_the_point, f"{points} {beside_the_point}"]
        waits = {Patience(1.2).needed_s(FINISHED, text) for text in answers}
        assert waits == {1.2}


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


def test_the_voice_is_scored_at_rungs_that_depend_on_the_kind_of_question() -> None:
    rungs = [Patience().rungs(kind) for kind in (Kind.CONTROL, Kind.RECALL, Kind.DESIGN)]
    assert rungs == [(), (0.4, 1.5, 3.0), (0.8, 1.5, 3.0)]


def paced(*pauses_s: float) -> float:
    pace = Pace()
    for pause_s in pauses_s:
        pace.observe(pause_s)
    return pace.relative


def test_the_pace_is_the_length_of_the_candidates_own_pauses() -> None:
    assert paced(*[0.6] * 20) < 0.7
    assert paced(*[2.5] * 20) > 2.0
    assert paced(*[USUAL_S] * 20) == pytest.approx(1.0)


def test_one_long_pause_is_no_habit() -> None:
    assert paced() == 1.0
    assert 1.0 < paced(3.0) < paced(3.0, 3.0, 3.0)


def test_a_breath_and_an_absence_are_no_pauses() -> None:
    assert paced(*[0.3] * 10, *[60.0] * 10) == 1.0
