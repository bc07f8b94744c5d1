"""What a trial leaves behind for its judge: the candidate's own ledger beside the product's word.

The ledger is kept outside the product, in the manner of Jepsen: a call is noted before it is sent
and again when it ended, so that a reply which never came stands there as unknown. It holds digests
of texts, never a text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

from temporalio.client import Client

from db.store import Store
from livekit_rooms import LiveKitRooms

#: The verb of a ledger entry that gives an answer; the others are those of the API's paths.
ANSWERS = "answers"


class Told(StrEnum):
    """How a call ended for its caller."""

    OK = "ok"
    FAIL = "fail"  # refused: it had no effect
    UNKNOWN = "unknown"  # no reply, or one that says nothing: it may have had its effect


@dataclass(frozen=True)
class Entry:
    """One call of a simulated candidate; a repeat under the same key is an entry of its own.

    An answer carries the id the candidate gave it (sent as `turn_id`) and the digest of its text. A
    spoken one carries a word instead that no other has: what the recogniser made of the rest is
    nobody's promise.
    """

    interview_id: UUID
    verb: str
    outcome: Told
    invoked_at: datetime
    ended_at: datetime
    answer_id: UUID | None = None
    question_id: UUID | None = None
    revision: int | None = None
    sha256: str | None = None
    word: str | None = None


@dataclass(frozen=True)
class Fault:
    """What was done to which part, and when it was whole again (None: not at all)."""

    kind: str  # "kill", "freeze", ..., or a crash point's name
    part: str
    began_at: datetime
    healed_at: datetime | None = None


@dataclass(frozen=True)
class Evidence:
    """`statuses` and `reports` are what the API gave last, by interview; a report that is not there
    is left out. `store` and `temporal` are the judge's own connections, without any bug.

    `canaries` are words that stand in texts, names and addresses; `traces` are logs, metrics and
    crash files, where none of them may stand. `recordings_url` is the folder of the recordings.
    Each start is given an e-mail address of its own, so that one with two effects shows.

    `rooms` is the judge's own way to LiveKit, and `sockets` tells how many of the provider's are
    open; None where there are none.
    """

    store: Store
    temporal: Client
    interviews: tuple[UUID, ...]
    ledger: tuple[Entry, ...]
    statuses: Mapping[UUID, Mapping[str, Any]]
    reports: Mapping[UUID, Mapping[str, Any]] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    canaries: tuple[str, ...] = ()
    traces: tuple[Path, ...] = ()
    recordings_url: str | None = None
    rooms: LiveKitRooms | None = None
    sockets: Callable[[], Awaitable[int]] | None = None


@dataclass(frozen=True)
class Violation:
    """`detail` names ids, counts and times alone."""

    invariant: str
    interview_id: UUID | None
    detail: str


def digest(text: str) -> str:
    """What stands in the ledger and is compared with the database's rows."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
