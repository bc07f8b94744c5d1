"""What is told of rooms: joining, a bot that is killed, LiveKit restarted."""

from __future__ import annotations

from bench.figures import Figure
from bench.rooms import Restart, figures_of


def by_name(*restarts: Restart) -> dict[str, Figure]:
    return {each.name: each for each in figures_of([1.2] * 20, [4.0] * 18 + [6.5] * 2, restarts)}


def test_each_is_held_against_its_goal_by_its_slowest() -> None:
    figures = by_name(Restart(5.0, survived=True))
    assert figures["LiveKit: joining to first audio, p95"].met is True
    assert figures["LiveKit: kill -9 of the bot to its voice again, p95"].met is False
    assert figures["LiveKit: kill -9 of the bot to its voice again, p50"].met is None


def test_a_restart_is_survived_when_the_next_answer_was_taken() -> None:
    name = "LiveKit: restarts that the interview survived"
    assert by_name(Restart(5.0, survived=True), Restart(6.0, survived=True))[name].met is True
    lost = by_name(Restart(5.0, survived=True), Restart(None, survived=False))
    assert (lost[name].value, lost[name].met) == (0.5, False)
    assert lost["LiveKit: its restart to the voice again, p50"].count == 1
    assert by_name(Restart(None, survived=False))[name].value == 0
