"""Whether a provider is asked or left alone. One breaker per provider, shared by a process."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

_log = logging.getLogger("codevoice.voice")

#: One lost connection is bad luck; two in a row are the provider.
FAILURES: Final = 2
COOL_DOWN_S: Final = 15.0
#: What no wait mends (a refused key, an unknown voice) is looked at again as seldom as this.
LASTING_S: Final = 600.0


class Lost(Exception):
    """A provider keeps its connection and is of no use, or ends it. Says how."""


def least_wait_s(headers: Mapping[str, str]) -> float | None:
    """What Retry-After asks for, where that is seconds."""
    asked = str(headers.get("retry-after", ""))
    return float(asked) if asked.isdigit() else None


class Breaker:
    """Closed while the provider works; open after `FAILURES` in a row, or one that lasts.

    An open breaker admits one try for each cool-down, and what works closes it. So a try that is
    never told the end of blocks nobody.
    """

    def __init__(self, provider: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.provider = provider
        self._clock = clock
        self._failures = 0
        self._cool_down_s = COOL_DOWN_S
        self._next_try_at: float | None = None
        self._why = ""

    @property
    def trouble(self) -> str | None:
        """Why it is left alone, without a text or a key; None while it is asked."""
        return None if self.closed else f"left alone: {self._why}"

    @property
    def closed(self) -> bool:
        return self._next_try_at is None

    def admits(self) -> bool:
        """Whether the provider may be asked now. The only try of a cool-down is thereby taken."""
        if self._next_try_at is None:
            return True
        if self._clock() < self._next_try_at:
            return False
        self._next_try_at = self._clock() + self._cool_down_s
        return True

    def worked(self) -> None:
        self._failures = 0
        if self._next_try_at is not None:
            self._next_try_at = None
            _log.warning("%s works again", self.provider)

    def failed(self, why: str, *, lasting: bool = False, wait_s: float | None = None) -> None:
        """`wait_s` is the provider's own wish (Retry-After); `why` holds no text and no key."""
        self._failures += 1
        self._why = why
        if self._failures < FAILURES and not lasting and wait_s is None:
            _log.warning("%s failed: %s", self.provider, why)
            return
        self._cool_down_s = LASTING_S if lasting else min(wait_s or COOL_DOWN_S, LASTING_S)
        self._next_try_at = self._clock() + self._cool_down_s
        _log.warning("%s is left alone for %s s: %s", self.provider, self._cool_down_s, why)


class NamedBreaker(Breaker):
    """For what one interview has named: a voice, a language. Open as long as its `service` is, and
    where the name is refused, which tells nothing of the service."""

    def __init__(
        self, provider: str, service: Breaker, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(provider, clock)
        self._service = service

    @property
    def closed(self) -> bool:
        return self._service.closed and super().closed

    def admits(self) -> bool:
        return (self._service.closed or self._service.admits()) and super().admits()

    def worked(self) -> None:
        super().worked()
        self._service.worked()

    def failed(self, why: str, *, lasting: bool = False, wait_s: float | None = None) -> None:
        self._service.failed(why, lasting=lasting, wait_s=wait_s)

    def refused(self, why: str) -> None:
        """The name, for good."""
        super().failed(why, lasting=True)
