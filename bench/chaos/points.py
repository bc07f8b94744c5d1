"""Crash points: named places that a process passes, where the runner may have it killed.

The product knows nothing of them; `hooks` makes them from the experiment's own entry points. Runner
and processes speak through a folder: `control.json` says whether passings are written down and
which point is armed, `passed.jsonl` is that record, and `fired-{order}.json` is the mark that a
process leaves before it kills itself.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NoReturn
from uuid import UUID

from pydantic import BaseModel, ConfigDict

#: Names the folder to the processes of the experiment.
FOLDER_VARIABLE: Final = "CODEVOICE_CHAOS_FOLDER"
#: How long after a reply its receiver is killed: it has gone on, perhaps to its next call.
_GONE_ON_S: Final = 0.005


class Side(StrEnum):
    BEFORE = "before"
    DONE = "done"  # it had its effect, and who asked for it has not been told
    AFTER = "after"  # who asked has been told and has gone on


class Order(BaseModel):
    """Kill the process that passes `point` for the `passing`-th time (from 1) since it was armed.

    Each process counts for itself; the first to get there dies, and no other.
    """

    model_config = ConfigDict(frozen=True)

    id: UUID
    point: str
    side: Side
    passing: int = 1


class Control(BaseModel):
    """`hangs` names a point that nobody gets beyond as long as it stands here."""

    recording: bool = False
    order: Order | None = None
    hangs: str | None = None


class Mark(BaseModel):
    """Left by a process that was about to kill itself."""

    process: str
    pid: int
    at: datetime


class Points:
    """The side of a process. Thread-safe: workflow code runs beside the event loop."""

    def __init__(self, folder: Path, process: str) -> None:
        self._folder, self._process = folder, process
        self._lock = threading.Lock()
        self._seen_ns = 0
        self._control = Control()
        self._count = 0

    @classmethod
    def from_environment(cls, process: str) -> Points:
        return cls(Path(os.environ[FOLDER_VARIABLE]), process)

    def before(self, point: str) -> None:
        with self._lock:
            if self._read().recording:
                self._note(point)
            if (order := self._due(point, Side.BEFORE)) is not None:
                self._die(order)

    def done(self, point: str) -> None:
        with self._lock:
            if (order := self._due(point, Side.DONE)) is not None:
                self._die(order)

    def after(self, point: str, wait_s: float = _GONE_ON_S) -> None:
        """Called with the reply at hand; the kill comes `wait_s` later."""
        with self._lock:
            if (order := self._due(point, Side.AFTER)) is not None:
                threading.Timer(wait_s, self._die, [order]).start()

    def hanging(self, point: str) -> bool:
        with self._lock:
            return self._read().hangs == point

    def _read(self) -> Control:
        """The file is read again only when it has changed: a passing costs one `stat`."""
        path = self._folder / "control.json"
        try:
            changed_ns = path.stat().st_mtime_ns
        except FileNotFoundError:
            return self._control
        if changed_ns != self._seen_ns:
            self._seen_ns, old = changed_ns, self._control
            self._control = Control.model_validate_json(path.read_bytes())
            if self._control.order != old.order:
                self._count = 0
        return self._control

    def _due(self, point: str, side: Side) -> Order | None:
        order = self._read().order
        if order is None or (order.point, order.side) != (point, side):
            return None
        self._count += 1
        return order if self._count == order.passing else None

    def _note(self, point: str) -> None:
        line = json.dumps({"point": point, "process": self._process}).encode() + b"\n"
        descriptor = os.open(self._folder / "passed.jsonl", _APPEND, 0o600)
        os.write(descriptor, line)
        os.close(descriptor)

    def _die(self, order: Order) -> None:
        """Nothing happens when another process has died for this order."""
        mark = Mark(process=self._process, pid=os.getpid(), at=datetime.now(UTC))
        try:
            descriptor = os.open(_mark_of(self._folder, order.id), _ONCE, 0o600)
        except FileExistsError:
            return
        os.write(descriptor, mark.model_dump_json().encode())
        os.fsync(descriptor)
        _killed()


class Fuse:
    """The runner's side."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told = Control()

    def record(self) -> None:
        """From now on every passing is written down."""
        (self._folder / "passed.jsonl").unlink(missing_ok=True)
        self._tell(recording=True)

    def arm(self, order: Order) -> None:
        self._tell(order=order)

    def hang(self, point: str | None) -> None:
        self._tell(hangs=point)

    def disarm(self) -> None:
        self._tell(recording=False, order=None)

    def passed(self) -> list[tuple[str, str]]:
        """(point, process) of every passing since `record`, in order."""
        path = self._folder / "passed.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(each["point"], each["process"]) for each in map(json.loads, lines)]

    def mark(self, order: Order) -> Mark | None:
        """None: it has not fired."""
        try:
            return Mark.model_validate_json(_mark_of(self._folder, order.id).read_bytes())
        except (FileNotFoundError, ValueError):  # not there, or being written
            return None

    def _tell(self, **changes: Any) -> None:
        self._told = self._told.model_copy(update=changes)
        made = self._folder / "control.making"
        made.write_text(self._told.model_dump_json())
        made.rename(self._folder / "control.json")


_APPEND: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND
_ONCE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def _mark_of(folder: Path, order_id: UUID) -> Path:
    return folder / f"fired-{order_id}.json"


def _killed() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()
    raise AssertionError("SIGKILL was survived")
