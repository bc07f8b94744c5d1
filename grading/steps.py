"""Work cut into short steps, so that several pieces of it can take turns in one thread."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")

#: Yields where others may have their turn: after each 0.1 s of one core or so.
Steps = Generator[None, None, T]


def step(steps: Steps[T]) -> T | None:
    """Goes one step on. The result once there is one, else None."""
    try:
        next(steps)
    except StopIteration as end:
        result: T = end.value
        return result
    return None


def at_once(steps: Steps[T]) -> T:
    """Goes all steps without a break. The result must not be None."""
    while True:
        result = step(steps)
        if result is not None:
            return result
