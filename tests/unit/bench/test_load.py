"""Who is turned away politely, and what is said of how the others fared."""

from __future__ import annotations

import httpx

from bench.figures import Figure
from bench.load import TurnedAway, figures_of
from bench.visitor import Refused


def refused(status: int = 503, kind: str = "no-capacity", wait: str | None = "1") -> Refused:
    headers = {"Retry-After": wait} if wait else {}
    body = {"type": f"urn:codevoice:problem:{kind}"}
    return Refused("HTTP", httpx.Response(status, json=body, headers=headers))


def test_a_polite_refusal_is_as_documented() -> None:
    assert TurnedAway([refused(), refused()]).politely
    assert not TurnedAway([]).politely
    assert not TurnedAway([refused(), refused(500, "internal")]).politely
    assert not TurnedAway([refused(wait=None)]).politely


def test_a_page_without_a_problem_has_no_kind() -> None:
    assert Refused("HTTP", httpx.Response(502, text="Bad gateway")).problem == ""


def by_name(full: list[float], crowded: list[float]) -> dict[str, Figure]:
    away = [TurnedAway([refused()], told=True, typed=True), TurnedAway([refused()], told=True)]
    return {each.name: each for each in figures_of(2, 1, full, crowded, away)}


def test_those_in_flight_are_compared_by_their_slowest() -> None:
    same = by_name([1.0] * 20, [1.0] * 20)
    slower = by_name([1.0] * 20, [1.0] * 18 + [1.2] * 2)
    name = "reply p95 at 150 % of capacity to that at 100 %"
    assert same[name].met is True
    assert (slower[name].value, slower[name].met) == (1.2, False)
    assert same["invited beyond capacity: joins refused"].value == 2
    assert same["invited beyond capacity: refused as documented"].met is True
    assert same["invited beyond capacity: who then typed an answer"].met is False
