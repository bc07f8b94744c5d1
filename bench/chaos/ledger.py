"""The candidate's own book: a line before each try of a call and one after it, forced to the disk.

It stands outside the product. A try whose end is missing was cut off: it counts as unknown.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.chaos.evidence import Entry, Told

#: Stands for an interview that has no id yet: the call that makes it.
UNNAMED = UUID(int=0)


@dataclass(frozen=True)
class Try:
    """One try that was begun. `key` is the same for every try of one call."""

    verb: str
    key: str
    number: int
    interview_id: UUID
    invoked_at: datetime
    about: dict[str, Any]  # an answer's `answer_id`, `question_id`, `revision`, `sha256`


class Ledger:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._entries: list[Entry] = []

    def close(self) -> None:
        os.close(self._file)

    def invoke(self, interview_id: UUID, verb: str, key: str, number: int, **about: Any) -> Try:
        begun = Try(verb, key, number, interview_id, datetime.now(UTC), about)
        self._write(begun, "invoke", begun.invoked_at)
        return begun

    def ended(self, begun: Try, told: Told) -> None:
        now = datetime.now(UTC)
        self._write(begun, told.value, now)
        self._entries.append(
            Entry(begun.interview_id, begun.verb, told, begun.invoked_at, now, **begun.about)
        )

    def name(self, interview_id: UUID) -> None:
        """The tries noted without an interview made this one."""
        self._entries = [
            replace(each, interview_id=interview_id) if each.interview_id == UNNAMED else each
            for each in self._entries
        ]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The tries that ended, in the order of their ends."""
        return tuple(self._entries)

    def _write(self, begun: Try, what: str, at: datetime) -> None:
        line = {
            "at": at.isoformat(),
            "event": what,
            "verb": begun.verb,
            "key": begun.key,
            "try": begun.number,
            "interview": str(begun.interview_id),
            **{name: str(value) for name, value in begun.about.items()},
        }
        os.write(self._file, json.dumps(line).encode() + b"\n")
        os.fsync(self._file)
