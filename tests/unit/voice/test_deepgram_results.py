"""Whose words are whose, by Deepgram's results."""

from __future__ import annotations

from deepgram.core.unchecked_base_model import construct_type
from deepgram.listen.v1.types import ListenV1Results

from voice.deepgram.results import Stretches


def result(
    text: str, start: float, end: float, *, final: bool = True, asked: bool = False
) -> ListenV1Results:
    found = construct_type(
        type_=ListenV1Results,
        object_={
            "type": "Results", "start": start, "duration": end - start, "is_final": final,
            "from_finalize": asked, "channel": {"alternatives": [{"transcript": text}]},
        },
    )  # fmt: skip
    assert isinstance(found, ListenV1Results)
    return found


async def test_a_stretch_has_its_words_once_final_ones_cover_its_end() -> None:
    stretches = Stretches()
    stretches.begin(0)
    stretches.take(result("A table", 0, 2), 9)
    words = stretches.end(3.0)
    stretches.take(result("that maps", 2, 2.9), 9)
    assert not words.done()
    stretches.take(result("keys.", 2.9, 3.1), 9)
    assert words.result() == "A table that maps keys."
    assert stretches.settled


async def test_the_answer_to_finalize_ends_a_stretch_whatever_length_it_states() -> None:
    stretches = Stretches()
    stretches.begin(0)
    words = stretches.end(3.0)
    stretches.take(result("Keys.", 0, 2.8, asked=True), 9)
    assert words.result() == "Keys."


async def test_words_that_come_late_belong_to_the_stretch_that_they_were_said_in() -> None:
    stretches = Stretches()
    stretches.begin(0)
    first = stretches.end(2.0)
    stretches.begin(0)
    stretches.take(result("First.", 0, 2.1), 9)
    second = stretches.end(4.0)
    stretches.take(result("Second.", 2.1, 4.1), 9)
    assert (first.result(), second.result()) == ("First.", "Second.")


async def test_what_is_heard_between_two_stretches_is_in_neither() -> None:
    stretches = Stretches()
    stretches.take(result("A radio.", 0, 2), 2)
    stretches.begin(3)
    stretches.take(result("And another.", 2, 3), 3)
    words = stretches.end(4.0)
    stretches.take(result("Keys.", 3, 4.1), 9)
    assert words.result() == "Keys."


async def test_captions_show_what_is_final_and_what_may_still_change() -> None:
    stretches = Stretches()
    stretches.begin(0)
    stretches.take(result("A table", 0, 2), 9)
    stretches.take(result("that may", 2, 3, final=False), 9)
    assert stretches.caption == "A table that may"
    stretches.take(result("that maps", 2, 3), 9)
    assert stretches.caption == "A table that maps"


async def test_a_long_stretch_is_taken_in_parts() -> None:
    stretches = Stretches()
    stretches.begin(0)
    assert stretches.front(5.0) is None
    stretches.take(result("The front", 0, 5), 9)
    assert stretches.front(8.0) == ("The front", 3.0)
    words = stretches.end(9.0)
    stretches.take(result("and the rest.", 5, 9.1), 9)
    assert words.result() == "and the rest."


async def test_nothing_more_is_waited_for_when_nothing_is_left() -> None:
    """Finalize need not be answered where little is left to be recognised."""
    stretches = Stretches()
    stretches.begin(0)
    stretches.take(result("All of it.", 0, 2.7), 9)
    words = stretches.end(3.0)
    assert stretches.expire(words)
    assert words.result() == "All of it."
    stretches.begin(0)
    cough = stretches.end(6.0)
    assert stretches.expire(cough)
    assert cough.result() == ""


async def test_words_that_are_not_final_in_time_are_told_of() -> None:
    stretches = Stretches()
    stretches.begin(0)
    stretches.take(result("That may be", 0, 2, final=False), 9)
    words = stretches.end(4.0)
    assert not stretches.expire(words)
    stretches.give_up()
    assert words.result() is None
