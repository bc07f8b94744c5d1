"""SIGTERM to workers that hold conversations: no hand-over is lost as the process ends."""

from __future__ import annotations

import pytest

from bench.handovers import hand_over


@pytest.mark.timeout(240)
async def test_every_hand_over_is_acknowledged_before_the_process_ends() -> None:
    """The short form of `python -m bench.handovers --times 500`."""
    found = await hand_over(10, conversations=3)
    assert found.whole, found
