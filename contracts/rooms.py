"""LiveKit rooms: who is in one, and what its keepers offer to those who use them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, NamedTuple, Protocol, Self
from uuid import UUID

#: Their names in a room. Who joins under a name that is there already takes its place.
CANDIDATE: Final = "candidate"
BOT: Final = "bot"
#: Before the id of one who was let in to listen.
LISTENER: Final = "listener-"
#: A candidate's attributes (`Entry`).
TICKET: Final = "ticket"
STAMP: Final = "stamp"
#: A room without its candidate is kept for so long.
GRACE: Final = timedelta(minutes=10)


class RoomPass(NamedTuple):
    """Where to join, and with what: a secret for two minutes. Never in a history, never logged."""

    url: str
    token: str


class Ticket(NamedTuple):
    """Which token of a candidate's this is: the admission it was made for, as the database numbers
    an interview's, and its own id, which rises with time. A greater ticket is a newer one."""

    admission: int
    token: UUID


_NO_STAMP: Final = "-"


class Entry(NamedTuple):
    """A ticket and what a bot stamped it with when it was used. A token as it was handed out has
    no stamp; those that LiveKit makes for whoever is inside have."""

    ticket: Ticket
    stamp: str = ""

    def __str__(self) -> str:
        return f"{self.ticket.admission} {self.ticket.token} {self.stamp}".rstrip()

    def used_up(self) -> Entry:
        """As it is noted while nobody has a stamp for it: what a participant shows never equals
        it."""
        return Entry(self.ticket, _NO_STAMP)

    @classmethod
    def of(cls, attributes: Mapping[str, str]) -> Self | None:
        """As a participant shows it; None without a ticket. Nobody can write their own attributes:
        a token that says them is signed."""
        return cls.read(f"{attributes.get(TICKET, '')} {attributes.get(STAMP, '')}")

    @classmethod
    def read(cls, told: str) -> Self | None:
        """What `str` made; None for anything else."""
        admission, token, stamp = (*told.split(), "", "", "")[:3]
        try:
            return cls(Ticket(int(admission), UUID(token)), stamp)
        except ValueError:
            return None


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
    """What a bot needs. `stamp` and `send_out` raise Unavailable; both may be repeated."""

    def bots_pass(self, interview_id: UUID) -> RoomPass: ...

    async def stamp(self, interview_id: UUID, sid: str, entry: Entry) -> bool:
        """Whoever is in the room as its candidate gets a token with the stamp. Whether that is who
        came by the entry `sid`: only then is the stamp noted for the room's next bot."""

    async def send_out(self, interview_id: UUID, sid: str) -> None:
        """Who came into the room as its candidate by that entry leaves it; nothing happens when
        somebody else has the place, or nobody."""
