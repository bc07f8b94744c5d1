"""Waiting for a condition with a deadline, instead of sleeping."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
async def eventually(
    probe: Callable[[], Coroutine[Any, Any, T]], *, within_s: float = ..., every_s: float = ...
) -> T: ...


@overload
async def eventually(
    probe: Callable[[], T], *, within_s: float = ..., every_s: float = ...
) -> T: ...


async def eventually(
    probe: Callable[[], T | Awaitable[T]], *, within_s: float = 30.0, every_s: float = 0.02
) -> T:
    """Calls `probe` until it returns something truthy, and returns that.

    An AssertionError from the probe counts as "not yet". Raises AssertionError when `within_s`
    has passed, with the last failure as its cause.
    """
    deadline = time.monotonic() + within_s
    last: AssertionError | None = None
    while True:
        try:
            found = probe()
            value: T = await found if inspect.isawaitable(found) else found
            if value:
                return value
        except AssertionError as failure:
            last = failure
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s") from last
        await asyncio.sleep(every_s)
