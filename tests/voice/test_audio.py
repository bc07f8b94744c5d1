"""Audio on its way in: by the voice detector's windows, whatever the line's pieces are."""

from __future__ import annotations

import pytest

from voice.audio import WINDOW_BYTES, WholeWindows
from voice.engines import STT_RATE_HZ


@pytest.mark.parametrize("piece_ms", [10, 20, 60])
async def test_every_sample_passes_once_in_order_and_by_whole_windows(piece_ms: int) -> None:
    size = 2 * STT_RATE_HZ * piece_ms // 1000
    said = bytes(n % 251 for n in range(100 * size))
    windows = WholeWindows()
    await windows.start(STT_RATE_HZ)
    passed = b""
    for place in range(0, len(said), size):
        audio = await windows.filter(said[place : place + size])
        passed += audio
        assert len(audio) % WINDOW_BYTES == 0
        waiting = place + size - len(passed)
        assert 0 <= waiting < WINDOW_BYTES, "a whole window waits"
    assert said.startswith(passed)
