"""When a provider is asked, and when it is left alone."""

from __future__ import annotations

import pytest

from tests.clocks import Clock
from voice.breaker import COOL_DOWN_S, LASTING_S, Breaker, NamedBreaker


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("a provider", clock)


def test_one_failure_is_bad_luck_and_two_in_a_row_open_it(breaker: Breaker) -> None:
    breaker.failed("bad luck")
    assert breaker.admits()
    breaker.worked()
    breaker.failed("bad luck")
    assert breaker.admits()
    breaker.failed("the provider")
    assert not breaker.closed
    assert not breaker.admits()


def test_each_cool_down_admits_one_try_and_what_works_closes_it(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.failed("x")
    breaker.failed("x")
    clock.now_s += COOL_DOWN_S
    assert [breaker.admits(), breaker.admits()] == [True, False]
    clock.now_s += COOL_DOWN_S  # nobody told how that one ended
    assert breaker.admits()
    breaker.failed("x")
    clock.now_s += COOL_DOWN_S - 1
    assert not breaker.admits()
    clock.now_s += 1
    assert breaker.admits()
    breaker.worked()
    assert breaker.closed
    assert [breaker.admits(), breaker.admits()] == [True, True]


def test_what_no_wait_mends_opens_it_at_once_and_for_long(breaker: Breaker, clock: Clock) -> None:
    breaker.failed("status 401", lasting=True)
    clock.now_s += LASTING_S - 1
    assert not breaker.admits()
    clock.now_s += 1
    assert breaker.admits()


@pytest.mark.parametrize(("asked_s", "waits_s"), [(40.0, 40.0), (90_000.0, LASTING_S)])
def test_the_provider_s_own_wish_is_heeded_within_reason(
    breaker: Breaker, clock: Clock, asked_s: float, waits_s: float
) -> None:
    breaker.failed("status 429", wait_s=asked_s)
    clock.now_s += waits_s - 1
    assert not breaker.admits()
    clock.now_s += 1
    assert breaker.admits()


def test_a_refused_name_stops_nobody_who_did_not_name_it(breaker: Breaker, clock: Clock) -> None:
    name, other = (NamedBreaker(each, breaker, clock) for each in ("a name", "another"))
    name.refused("status 400")
    assert not name.closed
    assert not name.admits()
    assert [other.admits(), breaker.admits()] == [True, True]
    assert breaker.trouble is None
    clock.now_s += LASTING_S
    assert name.admits()
    name.worked()
    assert name.closed


def test_a_service_that_fails_fails_for_every_name(breaker: Breaker, clock: Clock) -> None:
    name, other = (NamedBreaker(each, breaker, clock) for each in ("a name", "another"))
    name.failed("no answer in time")
    other.failed("no answer in time")
    assert [name.closed, other.closed, breaker.closed] == [False, False, False]
    assert breaker.trouble == "left alone: no answer in time"
    clock.now_s += COOL_DOWN_S
    assert [name.admits(), other.admits()] == [True, False]
    name.worked()
    assert [name.closed, other.closed, breaker.closed] == [True, True, True]
