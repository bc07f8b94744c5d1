"""Signed links: who holds one is an interview's candidate, or staff who may read its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID

from db.rows import Interview

if TYPE_CHECKING:
    from api.parts import Parts


class LinkPurpose(StrEnum):
    """Whose link it is; a token made for one purpose is refused for the other."""

    CANDIDATE = "candidate"
    STAFF = "staff"


@dataclass(frozen=True)
class Link:
    """What a token says. `generation` is the interview's when it was made: a newer one voids it."""

    purpose: LinkPurpose
    interview_id: UUID
    generation: int
    expires_at: datetime

    @property
    def expired(self) -> bool:
        return datetime.now(UTC) >= self.expires_at


class Tokens(Protocol):
    """Signs and reads tokens. `read` raises NotAuthenticated for a foreign or expired one."""

    def sign(self, link: Link) -> str: ...

    def read(self, token: str, purpose: LinkPurpose) -> Link: ...


class Signer(Protocol):
    """The service's own signer; `connections.TokenSigner` is one."""

    def sign(self, audience: str, claims: Mapping[str, Any], expires_at: datetime) -> str: ...

    def verify(self, audience: str, token: str) -> dict[str, Any]: ...


class SignedTokens:
    """Links as the service's signer writes them; the same link is always the same token."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def sign(self, link: Link) -> str:
        until = int(link.expires_at.timestamp())
        claims = {"i": link.interview_id.hex, "g": link.generation, "e": until}
        return self._signer.sign(_audience(link.purpose), claims, link.expires_at)

    def read(self, token: str, purpose: LinkPurpose) -> Link:
        claims = self._signer.verify(_audience(purpose), token)
        expires_at = datetime.fromtimestamp(claims["e"], UTC)
        return Link(purpose, UUID(hex=claims["i"]), claims["g"], expires_at)


def _audience(purpose: LinkPurpose) -> str:
    return f"{purpose.value}-link"


#: The candidate's link outlives the interview's end, for the finished page and a granted report.
CANDIDATE_AFTERWARDS: Final = timedelta(days=30)
STAFF_AFTERWARDS: Final = timedelta(days=90)


def candidate_link(interview: Interview) -> Link:
    return _link(interview, LinkPurpose.CANDIDATE, CANDIDATE_AFTERWARDS)


def staff_link(interview: Interview) -> Link:
    return _link(interview, LinkPurpose.STAFF, STAFF_AFTERWARDS)


def _link(interview: Interview, purpose: LinkPurpose, afterwards: timedelta) -> Link:
    expires_at = interview.start.expires_at + afterwards
    return Link(purpose, interview.id, interview.token_generation, expires_at)


def join_url(parts: Parts, interview: Interview) -> str:
    return f"{parts.public_url}/i/{parts.tokens.sign(candidate_link(interview))}"


def report_url(parts: Parts, interview: Interview) -> str:
    return f"{parts.public_url}/r/{parts.tokens.sign(staff_link(interview))}"
