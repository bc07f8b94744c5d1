"""One interview as it stands after a trial: its rows, its history, its files, its ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import fsspec
from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from temporalio.client import WorkflowExecutionStatus, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from bench.chaos.evidence import ANSWERS, Entry, Evidence, Told
from contracts.errors import CodeVoiceError
from contracts.interview import InterviewStart, Outcome, Snapshot
from db.store import Store
from workflows.interview_client import InterviewClient, workflow_id

_ROW: Final = text(
    "SELECT interviews.*, clock_timestamp() AS seen_at FROM interviews WHERE id = :id"
)
_OF: Final = {
    "turns": text("SELECT * FROM turns WHERE interview_id = :id ORDER BY number"),
    "answers": text("SELECT * FROM answers WHERE interview_id = :id ORDER BY created_at, revision"),
    "grades": text("SELECT * FROM grades WHERE interview_id = :id ORDER BY created_at, id"),
    "reports": text("SELECT * FROM reports WHERE interview_id = :id ORDER BY version, created_at"),
    "recordings": text("SELECT * FROM recordings WHERE interview_id = :id ORDER BY started_at"),
    #: Interviews made for the same candidate: the ledger gives each start its own address.
    "twins": text(
        "SELECT twin.id FROM interviews mine JOIN candidates me ON me.id = mine.candidate_id"
        " JOIN candidates other ON other.email = me.email AND other.email <> ''"
        " JOIN interviews twin ON twin.candidate_id = other.id"
        " WHERE mine.id = :id AND twin.id <> mine.id"
    ),
}


@dataclass(frozen=True)
class Story:
    """`saved` is the database's state, `live` the workflow's own (None when it cannot be asked),
    `told` the API's last word. `running`: Temporal says that the workflow runs. `pending` counts
    its open activities. `sizes` are the bytes of each recording, None for a file that is missing;
    `strays` counts files without a row. `in_room`: LiveKit has a room for it.
    """

    evidence: Evidence
    interview_id: UUID
    row: RowMapping
    rows: Mapping[str, Sequence[RowMapping]]
    history: WorkflowHistory | None
    live: Snapshot | None
    running: bool
    pending: int
    sizes: Mapping[UUID, int | None]
    strays: int
    in_room: bool = False

    @property
    def start(self) -> InterviewStart:
        return InterviewStart.model_validate(self.row["start"])

    @property
    def saved(self) -> Snapshot:
        return Snapshot.model_validate(self.row["snapshot"])

    @property
    def told(self) -> Mapping[str, Any] | None:
        return self.evidence.statuses.get(self.interview_id)

    @property
    def seen_at(self) -> datetime:
        """When this was read, by the database's clock."""
        found: datetime = self.row["seen_at"]
        return found

    def ledger(self) -> Iterator[Entry]:
        return (each for each in self.evidence.ledger if each.interview_id == self.interview_id)

    def given(self) -> tuple[Entry, ...]:
        """The answers that the candidate ever sent in writing."""
        written = (each for each in self.ledger() if each.word is None)
        return tuple(each for each in written if each.verb == ANSWERS)

    def spoken(self) -> tuple[Entry, ...]:
        """The answers that the candidate ever spoke."""
        return tuple(each for each in self.ledger() if each.word is not None)

    def acknowledged(self) -> tuple[Entry, ...]:
        return tuple(each for each in self.given() if each.outcome is Told.OK)

    def said(self) -> list[RowMapping]:
        """The turns of answers, in order."""
        return [turn for turn in self.rows["turns"] if is_answer(turn)]

    def counting(self) -> dict[UUID, UUID]:
        """The answer that counts, by its question, of those that were answered."""
        wanted = (Outcome.ANSWERED, Outcome.INTERRUPTED)
        return {
            each.question_id: each.answer_id
            for each in self.saved.questions
            if each.outcome in wanted and each.answer_id is not None
        }


def is_answer(turn: RowMapping) -> bool:
    return bool(turn["speaker"] == "candidate" and turn["purpose"] == "answer")


async def story_of(evidence: Evidence, interview_id: UUID) -> Story | None:
    """None when the database has no such interview."""
    row = await evidence.store.database.row(_ROW, {"id": interview_id})
    if row is None:
        return None
    rows = {name: await _rows(evidence.store, name, interview_id) for name in _OF}
    history, running, pending = await _workflow(evidence, interview_id)
    sizes, strays = await asyncio.to_thread(_files, evidence.recordings_url, interview_id, rows)
    return Story(
        evidence=evidence,
        interview_id=interview_id,
        row=row,
        rows=rows,
        history=history,
        live=await _live(evidence, interview_id) if history is not None else None,
        running=running,
        pending=pending,
        sizes=sizes,
        strays=strays,
        in_room=evidence.rooms is not None and bool(await evidence.rooms.standing(interview_id)),
    )


async def _rows(store: Store, name: str, interview_id: UUID) -> Sequence[RowMapping]:
    return await store.database.rows(_OF[name], {"id": interview_id})


async def _workflow(
    evidence: Evidence, interview_id: UUID
) -> tuple[WorkflowHistory | None, bool, int]:
    handle = evidence.temporal.get_workflow_handle(workflow_id(interview_id))
    try:
        described = await handle.describe()
        history = await handle.fetch_history()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None, False, 0
        raise
    running = described.status is WorkflowExecutionStatus.RUNNING
    return history, running, len(described.raw_description.pending_activities)


async def _live(evidence: Evidence, interview_id: UUID) -> Snapshot | None:
    """A worker that has not the workflow in its cache replays the history to answer this."""
    try:
        return await InterviewClient(evidence.temporal).snapshot(interview_id)
    except CodeVoiceError:
        return None


def _files(
    folder: str | None, interview_id: UUID, rows: Mapping[str, Sequence[RowMapping]]
) -> tuple[dict[UUID, int | None], int]:
    sizes = {row["id"]: _size(row["url"]) for row in rows["recordings"]}
    if folder is None:
        return sizes, 0
    filesystem, place = fsspec.core.url_to_fs(f"{folder.rstrip('/')}/{interview_id}")
    if not filesystem.exists(place):
        return sizes, 0
    named = {row["url"].rsplit("/", 1)[-1] for row in rows["recordings"]}
    found = {path.rsplit("/", 1)[-1] for path in filesystem.ls(place, detail=False)}
    return sizes, len(found - named)


def _size(url: str) -> int | None:
    filesystem, place = fsspec.core.url_to_fs(url)
    try:
        return int(filesystem.size(place))
    except FileNotFoundError:
        return None


def now() -> datetime:
    return datetime.now(UTC)
