"""Which API keys are valid, asked of the database at most every two seconds for each key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from db.rows import ApiKey

if TYPE_CHECKING:
    from db.access import Access

#: A revoked key works for so long at most; an open event stream of its closes within 5 s.
BELIEVED_S: Final = 2.0
_KEPT: Final = 1_000


class KeyRing:
    """Only valid keys are remembered: guessing fills nothing."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._believed: dict[str, tuple[float, ApiKey]] = {}

    async def owner(self, key: str) -> ApiKey:
        """Raises NotAuthenticated."""
        believed = self._believed.get(key)
        if believed and believed[0] > time.monotonic():
            return believed[1]
        self._believed.pop(key, None)
        found = await self._access.owner_of(key)
        if len(self._believed) >= _KEPT:
            self._believed.clear()
        self._believed[key] = (time.monotonic() + BELIEVED_S, found)
        return found
