"""Seeded bugs in real processes, killed at the point that shows them; the others by command."""

from __future__ import annotations

import pytest

from bench.chaos.bugs import BUGS
from bench.chaos.seeded import hunt_all, provoked_by_kills


def test_all_but_those_of_a_live_bot_are_hunted_by_kills() -> None:
    tested_alone = set(BUGS) - {bug.name for bug in provoked_by_kills()}
    assert tested_alone == {"no-fence", "timer-heartbeat"}


@pytest.mark.parametrize("name", ["resume-without-turns", "report-overwritten"])
async def test_a_bug_in_the_service_or_the_worker_is_found_by_killing_it(name: str) -> None:
    (hunted,) = [each async for each in hunt_all([name])]
    assert hunted.found_in, f"broken: {hunted.broken}"
