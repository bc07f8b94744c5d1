"""What the store takes and gives: frozen models. They hold texts: never in a Temporal payload."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.conduct import Conduct, Part
from contracts.grades import Grade
from contracts.interview import InterviewStart, InterviewStatus, Outcome, Snapshot
from contracts.manner import AuraVoice, English
from contracts.questions import Question
from contracts.turns import Turn


class Row(BaseModel):
    model_config = ConfigDict(frozen=True)


class Organisation(Row):
    id: UUID
    name: str


class ApiKey(Row):
    """A key that is valid now: whose it is, never what it is."""

    id: UUID
    organisation_id: UUID
    name: str


class Candidate(Row):
    name: str | None = None
    email: str | None = None


class NewInterview(Row):
    """`start` carries the ids, the plan, the duration and the times.

    `idempotency_key` is unique per organisation: creating twice under it gives the first row.
    """

    start: InterviewStart
    candidate: Candidate = Candidate()
    patience_s: float = Field(default=1.8, ge=0, le=30)
    voice: AuraVoice | None = None
    language: English | None = None
    report_to_candidate: bool = False
    live_listening: bool = False
    camera: bool = False
    seed: int | None = None
    idempotency_key: str | None = None


class Interview(Row):
    """An interview as its row stands. `snapshot` is the newest saved state, from version 0 on.

    `token_generation` is what a link's token must carry. `admissions` is the number of the newest
    join where it is held in a LiveKit room, 0 before the first. `workflow_started_at` is None until
    `mark_started`: the reconciler starts such a row's workflow from `start`.
    """

    id: UUID
    organisation_id: UUID
    status: InterviewStatus
    state_version: int
    snapshot: Snapshot
    start: InterviewStart
    candidate: Candidate
    patience_s: float
    voice: AuraVoice | None
    language: English | None
    report_to_candidate: bool
    live_listening: bool
    camera: bool
    seed: int | None
    token_generation: int
    admissions: int
    workflow_started_at: datetime | None
    created_at: datetime
    updated_at: datetime


class LiveListener(Row):
    """Somebody who was let in to listen. `api_key_id` is None for staff with a link."""

    id: UUID
    interview_id: UUID
    role: str
    api_key_id: UUID | None = None
    who: str | None = None
    admitted_at: datetime


class AnswerText(Row):
    """A sealed answer: `text` is what is graded, each turn on its own line; `turns` made it."""

    id: UUID
    interview_id: UUID
    question_id: UUID
    revision: int
    text: str
    turns: tuple[Turn, ...]


class Answer(Row):
    id: UUID
    interview_id: UUID
    question_id: UUID
    revision: int
    outcome: Outcome
    text: str
    sealed_at: datetime | None
    created_at: datetime


class StoredGrade(Row):
    id: UUID
    answer_id: UUID
    question_id: UUID
    revision: int
    grade: Grade
    created_at: datetime


class Report(Row):
    id: UUID
    interview_id: UUID
    version: int
    payload: dict[str, Any]
    created_at: datetime


class Recording(Row):
    """One conversation's. `complete` is None while it is written, and for ever when its writer
    died."""

    id: UUID
    interview_id: UUID
    url: str
    started_at: datetime
    duration_ms: int | None
    complete: bool | None


class WholeRecording(Row):
    """That of the whole interview. `complete`: no part of it misses anything. `conduct` is None
    until it was scored."""

    id: UUID
    url: str
    duration_ms: int
    complete: bool
    parts: tuple[Part, ...]
    conduct: Conduct | None


class OpenInterview(Row):
    """An interview that has not ended. `quiet`: nothing was saved for ten seconds; `silent`: a bot
    is called live that has not said so for fifteen."""

    id: UUID
    status: InterviewStatus
    state_version: int
    quiet: bool
    silent: bool


class KeptRecording(Row):
    """`over`: nothing is said in its interview any more, for a minute or longer."""

    id: UUID
    interview_id: UUID
    url: str
    duration_ms: int | None
    complete: bool | None
    over: bool


class Event(Row):
    """`kind` is "state" (a newer snapshot is saved) or "turn" (`turn_number` was written)."""

    id: int
    interview_id: UUID
    kind: str
    state_version: int
    turn_number: int | None
    created_at: datetime


class StoredQuestion(Row):
    """`id` is the version's row: what an interview pins."""

    id: UUID
    question: Question


class Reply(Row):
    """The stored reply of an idempotent request's first try."""

    status: int
    body: bytes
    headers: dict[str, str] = {}


class Claim(Row):
    """A try that may run and ends with `finish` or `abandon`; with `reply` set, a repeat."""

    id: UUID
    organisation_id: UUID
    key: str
    reply: Reply | None = None
