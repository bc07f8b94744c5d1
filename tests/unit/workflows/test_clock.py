"""The clock runs, stands, and gives back what was not the candidate's to lose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from workflows.clock import Clock

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def a_clock(cap: float = 5) -> Clock:
    return Clock(minutes(30), loss_cap=minutes(cap))


def test_a_clock_stands_until_it_is_started() -> None:
    clock = a_clock()
    assert (clock.running, clock.ends_at(), clock.remaining(at(99))) == (False, None, minutes(30))


def test_it_counts_down_while_it_runs_and_stands_while_it_is_stopped() -> None:
    clock = a_clock()
    clock.start(at(0), spoken=True)
    assert (clock.remaining(at(10)), clock.ends_at()) == (minutes(20), at(30))
    clock.stop(at(10))
    assert (clock.remaining(at(60)), clock.ends_at()) == (minutes(20), None)
    clock.start(at(60), spoken=False)
    assert (clock.remaining(at(65)), clock.ends_at()) == (minutes(15), at(80))


def test_it_never_goes_below_nothing() -> None:
    clock = a_clock()
    clock.start(at(0), spoken=True)
    assert clock.remaining(at(31)) == timedelta(0)
    clock.stop(at(45))
    assert clock.remaining(at(45)) == timedelta(0)


def test_starting_a_running_clock_and_stopping_a_standing_one_change_nothing() -> None:
    clock = a_clock()
    clock.stop(at(0))
    clock.start(at(0), spoken=True)
    clock.start(at(5), spoken=True)
    assert clock.remaining(at(10)) == minutes(20)


@pytest.mark.parametrize("noticed_at", [12, 15, 25])
def test_a_dead_bots_time_is_given_back_in_full(noticed_at: float) -> None:
    """Died at minute 10, noticed later, replaced at minute 25: the outage costs nothing."""
    clock = a_clock(cap=0)
    clock.start(at(0), spoken=True)
    clock.stop(at(noticed_at))
    clock.give_back(at(10), at(25), own_loss=False)
    clock.start(at(25), spoken=True)
    assert clock.remaining(at(25)) == minutes(20)


def test_a_death_nobody_noticed_is_given_back_while_the_clock_runs() -> None:
    clock = a_clock()
    clock.start(at(0), spoken=True)
    assert clock.give_back(at(10), at(12), own_loss=False) == minutes(2)
    assert clock.running
    assert clock.remaining(at(15)) == minutes(17)


def test_nothing_is_given_back_twice() -> None:
    clock = a_clock()
    clock.start(at(0), spoken=True)
    clock.give_back(at(10), at(12), own_loss=False)
    assert clock.give_back(at(10), at(13), own_loss=False) == minutes(1)
    assert clock.remaining(at(13)) == minutes(20)


def test_the_candidates_own_loss_is_given_back_up_to_the_cap_in_all() -> None:
    clock = a_clock(cap=3)
    clock.start(at(0), spoken=True)
    assert clock.give_back(at(2), at(4), own_loss=True) == minutes(2)
    assert clock.give_back(at(5), at(7), own_loss=True) == minutes(1)
    assert clock.give_back(at(8), at(10), own_loss=True) == timedelta(0)
    assert clock.give_back(at(10), at(11), own_loss=False) == minutes(1)


def test_time_spent_typing_is_not_given_back_for_a_dead_bot() -> None:
    clock = a_clock()
    clock.start(at(0), spoken=True)
    clock.stop(at(2))
    clock.start(at(2), spoken=False)
    assert clock.give_back(at(1), at(12), own_loss=False) == minutes(1)
    assert clock.remaining(at(12)) == minutes(19)


def test_a_bot_alive_in_the_future_gives_nothing_back() -> None:
    clock = a_clock()
    clock.start(at(0), spoken=True)
    assert clock.give_back(at(20), at(10), own_loss=False) == timedelta(0)


def test_an_outage_is_given_back_spoken_or_typed_where_the_clock_ran() -> None:
    """It ran 0-10 spoken and 12-20 typed."""
    clock = a_clock(cap=0)
    clock.start(at(0), spoken=True)
    clock.stop(at(10))
    clock.start(at(12), spoken=False)
    assert clock.give_back_outage(at(9), at(15), at(20)) == minutes(1 + 3)
    assert clock.running
    assert clock.give_back_outage(at(9), at(15), at(20)) == timedelta(0)
    assert clock.give_back_outage(at(8), at(16), at(20)) == minutes(1 + 1)
    assert clock.remaining(at(20)) == minutes(30 - 18 + 6)


def test_an_outage_after_the_time_was_up_gives_all_of_it_back() -> None:
    clock = a_clock()
    clock.start(at(0), spoken=False)
    assert clock.give_back_outage(at(20), at(60), at(61)) == minutes(40)
    assert clock.remaining(at(61)) == minutes(30 - 21)


def test_what_ran_for_bots_is_unsettled_until_it_is_given_back() -> None:
    clock, seen = a_clock(), []
    clock.start(at(0), spoken=False)
    seen.append(clock.unsettled)
    clock.start(at(1), spoken=True)
    seen.append(clock.unsettled)
    clock.stop(at(2))
    seen.append(clock.unsettled)
    assert clock.give_back(None, at(3), own_loss=False) == minutes(1)
    assert [*seen, clock.unsettled] == [False, True, True, False]
