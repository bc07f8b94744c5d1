"""How many conversations a core bears, by their waits; and that they do not begin in step."""

from __future__ import annotations

import os

import pytest

from bench.density import (
    AN_ANSWER_S,
    Held,
    beginnings,
    borne,
    levels,
    per_core,
    providers_figures,
    share_of_core,
    until_risen,
)
from bench.memory import further
from bench.talking import Waits
from bench.voices import Rehearsed, Samples, pause


def test_beginnings_are_spread_over_one_answer() -> None:
    assert beginnings(1) == [0.0]
    four = beginnings(4)
    assert four == [0.0, AN_ANSWER_S / 4, AN_ANSWER_S / 2, 3 * AN_ANSWER_S / 4]
    assert beginnings(4) == four


async def test_it_stops_at_the_first_count_that_waits_too_long() -> None:
    waited = {1: [0.8, 1.0], 2: [1.9, 2.0], 3: [1.0, 2.1], 4: [1.0]}
    asked: list[int] = []

    async def heard(count: int) -> list[float]:
        asked.append(count)
        return waited[count]

    replies = await until_risen((1, 2, 3, 4), 2, heard)
    assert asked == [1, 2, 3]
    assert list(replies) == asked
    assert borne(replies, 2) == 2
    assert borne(replies, 1.5) == 1


def test_more_than_was_tried_may_be_borne() -> None:
    cores = os.cpu_count() or 1
    met = per_core("a core", 8 * cores, 8 * cores, at_least=8)
    assert (met.name, met.value, met.met) == ("a core, at least", 8, True)
    missed = per_core("a core", 4 * cores, 8 * cores, at_least=8)
    assert (missed.name, missed.value, missed.met) == ("a core", 4, False)


def test_levels_go_up_by_twos() -> None:
    assert levels(2) == [1, 2]
    assert levels(7) == [1, 2, 4, 6]


def test_cpu_is_shared_among_conversations_while_they_lasted() -> None:
    held = [Held(Waits([], [], []), 20.0), Held(Waits([], [], []), 30.0)]
    assert share_of_core({"worker": 5000.0, "candidate": 500.0}, held) == {
        "worker": 10.0,
        "candidate": 1.0,
    }


def test_what_a_conversation_costs_is_told_at_the_most_that_are_borne() -> None:
    replies = {1: [0.8], 2: [1.0], 4: [1.3]}
    shares = {1: {"worker": 9.0}, 2: {"worker": 8.0}, 4: {"worker": 7.0}}
    *_, cores, cost = providers_figures(replies, shares, 16)
    assert cores.value == round(2 / (os.cpu_count() or 1), 2)
    assert cores.at_least == 8
    assert (cost.name.partition(",")[0], cost.value) == ("worker CPU a conversation", 8.0)
    assert "2 at once" in cost.name


def test_memory_is_that_of_those_beyond_the_first() -> None:
    figure = further("each", [[400, 410, 420, 430], [400, 420, 440, 460], [400, 401, 402, 448]])
    assert (figure.value, figure.met, figure.count) == (16, False, 3)


def test_what_was_rehearsed_is_said_without_being_made_again() -> None:
    made: list[str] = []

    class Counted:
        def say(self, text: str) -> Samples:
            made.append(text)
            return pause(len(text))

    voice = Rehearsed(Counted(), ("one", "three"))
    assert len(voice.say("three")) == len(voice.say("three")) > len(voice.say("one"))
    assert made == ["one", "three"]
    with pytest.raises(KeyError):
        voice.say("another")
