"""Who asks, and which interview is theirs.

Three kinds of caller: a server with its organisation's API key (`Authorization: Bearer cv_...`), a
candidate whose browser holds the cookie its link was exchanged for, and staff with a signed link to
one report. What is another's looks like what is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Path, Request
from fastapi.security.utils import get_authorization_scheme_param
from starlette.requests import HTTPConnection

from api.links import Link, LinkPurpose
from api.parts import Parts, parts_of
from contracts.errors import NotAllowed, NotAuthenticated, NotFound
from contracts.rooms import RoomEvent
from db.rows import Interview

CANDIDATE_COOKIE: Final = "codevoice_candidate"
STAFF_COOKIE: Final = "codevoice_staff"
KEY_PREFIX: Final = "cv_"
_COOKIES: Final = {
    LinkPurpose.CANDIDATE: CANDIDATE_COOKIE,
    LinkPurpose.STAFF: STAFF_COOKIE,
}
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Server:
    """Another program, by its organisation's key."""

    key: str
    organisation_id: UUID


@dataclass(frozen=True)
class Guest:
    """A person with a link to one interview: its candidate, or staff who may read its report."""

    link: Link


Caller = Server | Guest


@dataclass(frozen=True)
class Seen:
    """An interview together with who looks at it."""

    interview: Interview
    caller: Caller

    @property
    def by_server(self) -> bool:
        return isinstance(self.caller, Server)

    @property
    def role(self) -> str:
        return "server" if isinstance(self.caller, Server) else self.caller.link.purpose.value

    def of(self, interview: Interview) -> Seen:
        return Seen(interview, self.caller)


# ---------------------------------------------------------------------- who asks


async def _caller(connection: HTTPConnection, *purposes: LinkPurpose) -> Caller:
    """Raises NotAuthenticated. A header that is wrong is not made good by a cookie.

    A write, or a socket, that comes with a cookie must come from our own pages.
    """
    header = connection.headers.get("authorization")
    if header is not None:
        return await _by_header(parts_of(connection), header)
    for purpose in purposes:
        token = connection.cookies.get(_COOKIES[purpose])
        if token:
            _check_origin(connection)
            return Guest(parts_of(connection).tokens.read(token, purpose))
    raise NotAuthenticated


async def _by_header(parts: Parts, header: str) -> Server:
    scheme, key = get_authorization_scheme_param(header)
    if scheme.lower() != "bearer" or not key.startswith(KEY_PREFIX) or len(key) > 200:
        raise NotAuthenticated
    owner = await parts.keys.owner(key)
    return Server(key, owner.organisation_id)


def _check_origin(connection: HTTPConnection) -> None:
    """Browsers name the page a write comes from; only ours may use the visitor's cookie."""
    if connection.scope["type"] == "http" and connection.scope["method"] in _SAFE_METHODS:
        return
    origin = connection.headers.get("origin", "").lower()
    if origin not in (parts_of(connection).public_origin, _own_origin(connection)):
        raise NotAllowed("The request does not come from a page of this service.")


def _own_origin(connection: HTTPConnection) -> str:
    """The address this request was sent to, as a browser writes an origin."""
    scheme = {"ws": "http", "wss": "https"}.get(connection.url.scheme, connection.url.scheme)
    return f"{scheme}://{connection.headers.get('host', '')}".lower()


async def _server(request: HTTPConnection) -> Server:
    caller = await _caller(request, LinkPurpose.CANDIDATE)
    if not isinstance(caller, Server):
        raise NotAllowed("Only the organisation's API key may do that.")
    return caller


# ---------------------------------------------------------------------- which interview


async def _see(parts: Parts, caller: Caller, interview_id: str) -> Seen:
    """One statement. Raises NotFound for what is not there and for what is another's, alike."""
    wanted = _id(interview_id)
    if isinstance(caller, Server):
        return Seen(await parts.store.interviews.owned(wanted, caller.organisation_id), caller)
    if caller.link.interview_id != wanted:
        raise NotFound("There is no such interview")
    interview = await parts.store.interviews.get(wanted)
    if interview.token_generation != caller.link.generation:
        raise NotAuthenticated
    return Seen(interview, caller)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is no such interview") from None


InterviewId = Annotated[
    str, Path(description="The interview's id.", json_schema_extra={"format": "uuid"})
]


async def _ours(connection: HTTPConnection, interview_id: InterviewId) -> Seen:
    caller = await _caller(connection, LinkPurpose.CANDIDATE)
    return await _see(parts_of(connection), caller, interview_id)


async def _servers_own(connection: HTTPConnection, interview_id: InterviewId) -> Seen:
    seen = await _ours(connection, interview_id)
    if not seen.by_server:
        raise NotAllowed("Only the organisation's API key may do that.")
    return seen


async def _hearer(connection: HTTPConnection, interview_id: InterviewId) -> Seen:
    """Organisation, staff with a link to this interview, or its candidate."""
    try:
        caller = await _caller(connection, LinkPurpose.STAFF)
        return await _see(parts_of(connection), caller, interview_id)
    except (NotAuthenticated, NotFound):
        headers, cookies = connection.headers, connection.cookies
        if "authorization" in headers or CANDIDATE_COOKIE not in cookies:
            raise
    return await _ours(connection, interview_id)


async def _staff(connection: HTTPConnection, interview_id: InterviewId) -> Seen:
    """Organisation, or staff with a link to this interview; never its candidate."""
    caller = await _caller(connection, LinkPurpose.STAFF)
    return await _see(parts_of(connection), caller, interview_id)


async def _report_reader(connection: HTTPConnection, interview_id: InterviewId) -> Seen:
    """The same, but the candidate only where the organisation granted it."""
    seen = await _hearer(connection, interview_id)
    mine = seen.role == LinkPurpose.CANDIDATE
    if mine and not seen.interview.report_to_candidate:
        raise NotAllowed("The organisation has not opened this report to the candidate.")
    return seen


async def still_allowed(parts: Parts, seen: Seen) -> None:
    """For a stream that stays open. Raises what a new request would get."""
    if isinstance(seen.caller, Server):
        await parts.keys.owner(seen.caller.key)
        return
    if seen.caller.link.expired:
        raise NotAuthenticated
    await _see(parts, seen.caller, str(seen.interview.id))


async def _livekit(request: Request) -> RoomEvent:
    """What LiveKit tells, signed with the secret that we share. Raises NotAuthenticated."""
    rooms = parts_of(request).rooms
    if rooms is None:
        raise NotAuthenticated
    return rooms.told(await request.body(), request.headers.get("authorization", ""))


# ---------------------------------------------------------------------- as dependencies

ServerOnly = Annotated[Server, Depends(_server)]
Ours = Annotated[Seen, Depends(_ours)]
ServersOwn = Annotated[Seen, Depends(_servers_own)]
Hearer = Annotated[Seen, Depends(_hearer)]
Staff = Annotated[Seen, Depends(_staff)]
ReportReader = Annotated[Seen, Depends(_report_reader)]
FromLiveKit = Annotated[RoomEvent, Depends(_livekit)]

#: Who may call an operation that has one of these dependencies, for the OpenAPI document.
ADMITTED: Final = {
    _server: ("apiKey",),
    _servers_own: ("apiKey",),
    _ours: ("apiKey", "candidateCookie"),
    _hearer: ("apiKey", "candidateCookie", "staffCookie"),
    _staff: ("apiKey", "staffCookie"),
    # The candidate comes last, who needs a grant.
    _report_reader: ("apiKey", "staffCookie", "candidateCookie"),
    _livekit: ("livekitSignature",),
}
