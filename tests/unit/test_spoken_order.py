"""The order in which a transcript is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose, in_spoken_order

BEGAN = datetime(2026, 11, 30, tzinfo=UTC)
INTERVIEW = uuid4()


def a_line(text: str, number: int, at_s: float, *, cut: bool = False) -> Turn:
    """The candidate's are written in small letters."""
    asks = text[0].isupper()
    return Turn(
        id=uuid4(),
        interview_id=INTERVIEW,
        question_id=None,
        speaker=Speaker.INTERVIEWER if asks else Speaker.CANDIDATE,
        kind=TurnKind.SPOKEN,
        purpose=TurnPurpose.QUESTION if asks else TurnPurpose.ANSWER,
        text=text,
        started_at=BEGAN + timedelta(seconds=at_s),
        ended_at=BEGAN + timedelta(seconds=at_s + 1),
        interrupted=cut,
        number=number,
    )


@pytest.mark.parametrize(
    ("turns", "read"),
    [
        ([a_line("Why?", 1, 0), a_line("so", 2, 5)], ["Why?", "so"]),
        # Written when it is given up: after the words that cut it.
        (
            [a_line("hm", 1, 4), a_line("so", 2, 5), a_line("Why?", 3, 0, cut=True)],
            ["Why?", "hm", "so"],
        ),
        (
            [a_line("so", 1, 5), a_line("Thanks.", 2, 0, cut=True), a_line("Why?", 3, 2, cut=True)],
            ["Thanks.", "Why?", "so"],
        ),
        # What was said before it stays before it, and a line that was heard stays where it is.
        ([a_line("so", 1, 0), a_line("Why?", 2, 5, cut=True)], ["so", "Why?"]),
        ([a_line("so", 1, 5), a_line("Why?", 2, 0)], ["so", "Why?"]),
    ],
)
def test_a_line_stands_before_the_words_that_cut_it(turns: list[Turn], read: list[str]) -> None:
    assert [turn.text for turn in in_spoken_order(reversed(turns))] == read
