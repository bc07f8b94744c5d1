"""LiveKit's rooms in memory."""

from __future__ import annotations

from uuid import UUID

from contracts.errors import Unavailable


class MemoryRooms:
    """LiveKit's rooms: which are there."""

    def __init__(self) -> None:
        self.away = False
        self.there: set[UUID] = set()

    async def open(self, interview_id: UUID) -> None:
        self._reach()
        self.there.add(interview_id)

    async def close(self, interview_id: UUID) -> None:
        self._reach()
        self.there.discard(interview_id)

    def _reach(self) -> None:
        if self.away:
            raise Unavailable("LiveKit cannot be reached")
