"""LiveKit rooms: who is in one, and what its keepers offer to those who use them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple, Protocol
from uuid import UUID

#: Their names in a room. Who joins under a name that is there already takes its place.
CANDIDATE: Final = "candidate"
BOT: Final = "bot"
#: A room without its candidate is kept for so long.
GRACE: Final = timedelta(minutes=10)


class RoomPass(NamedTuple):
    """Where to join, and with what: a secret for two minutes. Never in a history, never logged."""

    url: str
    token: str


class RoomEvent(NamedTuple):
    """What LiveKit says has happened. It may come late, twice or never: a hint, not a record."""

    id: str
    kind: str
    room: str


class OpensRooms(Protocol):
    """`livekit_rooms.LiveKitRooms`, as activities and bots see it. Both raise Unavailable."""

    async def open(self, interview_id: UUID) -> None:
        """Makes the interview's room unless it is there."""

    async def close(self, interview_id: UUID) -> None:
        """Sends everybody out and forgets the room, if it is there."""


class AdmitsBots(OpensRooms, Protocol):
    def bots_pass(self, interview_id: UUID) -> RoomPass: ...
