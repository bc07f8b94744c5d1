"""What the routes work with: made once, by `create_app` or by a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, cast
from urllib.parse import urlsplit

from fastapi import Depends
from starlette.requests import HTTPConnection

from api.keyring import KeyRing
from api.limits import Once, Pace
from api.observed import Meters
from api.plans import PinnedQuestions
from db.store import Store

if TYPE_CHECKING:
    from temporalio.client import Client

    from api.links import Tokens
    from db.events import Listener
    from livekit_rooms import LiveKitRooms
    from workflows.interview_client import InterviewClient


@dataclass(frozen=True)
class Parts:
    """`public_url` is how browsers reach the service. With `rooms` new interviews are held in them.

    `patience_s` is how long silence lasts before an answer is taken as ended, for interviews that
    do not say.
    """

    store: Store
    interviews: InterviewClient
    temporal: Client
    listener: Listener
    tokens: Tokens
    public_url: str
    rooms: LiveKitRooms | None = None
    patience_s: float = 1.8
    #: What clients of others are told; as an operator writes them (`contracts.ice`).
    ice_servers: tuple[str, ...] = ()
    meters: Meters = field(default_factory=Meters)
    #: The workflow refuses more than 10 joins a minute; this stops a flood before it is stored.
    offers: Pace = field(default_factory=lambda: Pace(30))
    #: Each that is let in to listen is a row for ever.
    listens: Pace = field(default_factory=lambda: Pace(30))
    #: LiveKit tells again for half a minute: in that time nobody starts so many interviews.
    room_events: Once = field(default_factory=Once)
    keys: KeyRing = field(init=False)
    questions: PinnedQuestions = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", KeyRing(self.store.access))
        object.__setattr__(self, "questions", PinnedQuestions(self.store.questions))

    @property
    def transport(self) -> str:
        return "direct" if self.rooms is None else "livekit"

    @property
    def https(self) -> bool:
        return urlsplit(self.public_url).scheme == "https"

    @property
    def public_origin(self) -> str:
        url = urlsplit(self.public_url)
        return f"{url.scheme}://{url.netloc}".lower()


def parts_of(connection: HTTPConnection) -> Parts:
    return cast("Parts", connection.app.state.parts)


OurParts = Annotated[Parts, Depends(parts_of)]
