"""An event loop that runs ahead of time: when nothing is left to do, the next timer is due at once.

Code that goes by the loop's clock does in it what it does in real time, in the same order, only
without waiting. Nothing in it may wait for a thread or a socket.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")


class AheadOfTime(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._selector_ahead = _Jumping()
        super().__init__(self._selector_ahead)

    def time(self) -> float:
        return self._selector_ahead.now


#: A round of the loop takes this long. A real clock is a little late too; one that is exactly on
#: time may stand a rounding error before the moment that was waited for, for ever.
ROUND_S: Final = 1e-5


class _Jumping(selectors.SelectSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(None if timeout is None else 0)
        self.now += ROUND_S if ready or timeout is None else timeout + ROUND_S
        return ready


def run_ahead(coroutine: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, ahead of time."""
    with asyncio.Runner(loop_factory=AheadOfTime) as runner:
        return runner.run(coroutine)
