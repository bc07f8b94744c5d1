"""When a bot counts as deaf, mute or stuck."""

from __future__ import annotations

import pytest

from voice.progress import Progress
from voice.senses import SENSELESS_AFTER_S, Senseless, Senses


class Clock:
    """Time passes in steps of a second, with frames or without."""

    def __init__(self) -> None:
        self.progress = Progress(lambda: None)
        self.senses = Senses(self.progress)

    def passes(self, seconds: float, *, frames: bool = True) -> None:
        for _ in range(round(seconds)):
            self.progress.last_at += frames
            self.senses.pass_time(1.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_nothing_is_owed_by_a_bot_that_listens(clock: Clock) -> None:
    clock.passes(1_000)


@pytest.mark.parametrize("what", ["words", "sound"])
def test_what_stays_away_is_found_within_ten_seconds(clock: Clock, what: str) -> None:
    debt = getattr(clock.senses, what)
    debt.owe()
    clock.passes(SENSELESS_AFTER_S - 1)
    debt.owe()  # more of the same does not put it off
    with pytest.raises(Senseless):
        clock.passes(1)
    assert SENSELESS_AFTER_S < 10


def test_what_comes_in_time_is_forgiven(clock: Clock) -> None:
    for _ in range(10):
        clock.senses.words.owe()
        clock.passes(SENSELESS_AFTER_S - 1)
        clock.senses.words.settle()
        clock.passes(3)


def test_who_speaks_on_is_owed_words_later_and_at_once_when_done(clock: Clock) -> None:
    clock.senses.words.owe(12.0)
    clock.passes(12 + SENSELESS_AFTER_S - 1)
    clock.senses.words.settle()
    clock.senses.words.owe(12.0)
    clock.passes(3)
    clock.senses.words.owe()
    clock.passes(SENSELESS_AFTER_S - 1)
    with pytest.raises(Senseless):
        clock.passes(1)


def test_a_pipeline_without_frames_is_stuck_and_neither_deaf_nor_mute(clock: Clock) -> None:
    clock.senses.words.owe()
    clock.senses.sound.owe()
    clock.passes(SENSELESS_AFTER_S - 1, frames=False)
    clock.passes(SENSELESS_AFTER_S - 1)
    clock.senses.words.settle()
    clock.senses.sound.settle()
    with pytest.raises(Senseless, match="stuck"):
        clock.passes(SENSELESS_AFTER_S, frames=False)
