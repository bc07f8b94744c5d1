"""The tables. Keys are UUIDv7 made by callers; times are timestamptz in UTC.

`db/migrations` makes them; a test holds both together. Statuses, kinds and the like are text whose
words are the enums of `contracts`, so that a new word needs no migration.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Table(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - the name and shape SQLAlchemy reads
        str: Text,
        bytes: LargeBinary,
        bool: Boolean,
        int: Integer,
        float: Double,
        UUID: Uuid,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
    }


def _now() -> Mapped[datetime]:
    return mapped_column(server_default=func.now())


def _of(column: str) -> ForeignKey:
    """A reference whose row goes when what it belongs to goes."""
    return ForeignKey(column, ondelete="CASCADE")


class Organisations(Table):
    __tablename__ = "organisations"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime] = _now()


class ApiKeys(Table):
    """`key_sha256` is all that is kept of a key; it is random, so a plain digest is enough."""

    __tablename__ = "api_keys"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(_of("organisations.id"), index=True)
    name: Mapped[str]
    key_sha256: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = _now()
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Candidates(Table):
    __tablename__ = "candidates"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(_of("organisations.id"), index=True)
    name: Mapped[str | None]
    email: Mapped[str | None]
    created_at: Mapped[datetime] = _now()


class Questions(Table):
    """A bank entry. Its words stand in versions; an interview pins a version's id."""

    __tablename__ = "questions"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = _now()


class QuestionVersions(Table):
    __tablename__ = "question_versions"
    __table_args__ = (UniqueConstraint("question_id", "version"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    question_id: Mapped[UUID] = mapped_column(_of("questions.id"))
    version: Mapped[int]
    content: Mapped[dict[str, Any]]  # contracts.questions.Question
    content_sha256: Mapped[bytes]
    created_at: Mapped[datetime] = _now()


class Interviews(Table):
    """`start` is the workflow's argument with the pinned plan: a row alone can start its workflow.

    `fence_epoch`, `fence_attempt`: the bot that may write. `turn_count` numbers the turns.
    `token_generation` rises to void every link given out before. `admissions` numbers the joins of
    an interview that is held in a LiveKit room: the newest holds the candidate's place.
    """

    __tablename__ = "interviews"
    __table_args__ = (
        UniqueConstraint("organisation_id", "idempotency_key"),
        Index("ix_interviews_organisation_id_status_id", "organisation_id", "status", "id"),
        Index(
            "ix_interviews_without_workflow",
            "created_at",
            postgresql_where=text("workflow_started_at IS NULL"),
        ),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(_of("organisations.id"))
    candidate_id: Mapped[UUID] = mapped_column(_of("candidates.id"), index=True)
    status: Mapped[str]
    state_version: Mapped[int]
    snapshot: Mapped[dict[str, Any]]  # contracts.interview.Snapshot
    start: Mapped[dict[str, Any]]  # contracts.interview.InterviewStart
    starts_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    patience_s: Mapped[float]
    voice: Mapped[str | None]
    language: Mapped[str | None]
    report_to_candidate: Mapped[bool]
    live_listening: Mapped[bool] = mapped_column(server_default=text("false"))
    camera: Mapped[bool] = mapped_column(server_default=text("false"))
    seed: Mapped[int | None] = mapped_column(BigInteger)
    idempotency_key: Mapped[str | None]
    token_generation: Mapped[int] = mapped_column(server_default="1")
    admissions: Mapped[int] = mapped_column(server_default="0")
    fence_epoch: Mapped[int] = mapped_column(server_default="0")
    fence_attempt: Mapped[int] = mapped_column(server_default="1")
    last_alive_at: Mapped[datetime | None]
    turn_count: Mapped[int] = mapped_column(server_default="0")
    workflow_started_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()


class Consents(Table):
    __tablename__ = "consents"
    __table_args__ = (UniqueConstraint("interview_id", "text_version"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    interview_id: Mapped[UUID] = mapped_column(_of("interviews.id"))
    text_version: Mapped[str]
    consented_at: Mapped[datetime] = _now()


class LiveListeners(Table):
    """Who was let in to listen while the interview went on, and when: never changed. `role` is
    "server", by the key `api_key_id`, or "staff", by the link; `who` is the caller's own word."""

    __tablename__ = "live_listeners"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    interview_id: Mapped[UUID] = mapped_column(_of("interviews.id"), index=True)
    role: Mapped[str]
    api_key_id: Mapped[UUID | None]
    who: Mapped[str | None]
    admitted_at: Mapped[datetime] = _now()


class Offers(Table):
    """A browser's SDP offer and the bot's answer, for minutes only: both name IP addresses."""

    __tablename__ = "offers"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    interview_id: Mapped[UUID] = mapped_column(_of("interviews.id"), index=True)
    sdp: Mapped[str]
    answer_sdp: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class Turns(Table):
    """What was said. `epoch` is the bot that wrote it, None when it came over HTTP."""

    __tablename__ = "turns"
    __table_args__ = (UniqueConstraint("interview_id", "number"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    interview_id: Mapped[UUID] = mapped_column(_of("interviews.id"))
    number: Mapped[int]
    question_id: Mapped[UUID | None] = mapped_column(ForeignKey("question_versions.id"))
    revision: Mapped[int | None]
    speaker: Mapped[str]
    kind: Mapped[str]
    purpose: Mapped[str]
    text: Mapped[str]
    raw_text: Mapped[str | None]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    recording_id: Mapped[UUID | None]
    recording_offset_ms: Mapped[int | None]
    interrupted: Mapped[bool]
    epoch: Mapped[int | None]
    created_at: Mapped[datetime] = _now()


class Answers(Table):
    """`last_turn` is the number of the newest turn in `text`; `sealed_at`: read for grading."""

    __tablename__ = "answers"
    __table_args__ = (UniqueConstraint("interview_id", "question_id", "revision"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    interview_id: Mapped[UUID] = mapped_column(_of("interviews.id"))
    question_id: Mapped[UUID] = mapped_column(ForeignKey("question_versions.id"))
    revision: Mapped[int]
    outcome: Mapped[str]
    text: Mapped[str]
    last_turn: Mapped[int]
    sealed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = _now()


class Grades(Table):
    __tablename__ = "grades"
    __table_args__ = (
        UniqueConstraint("interview_id", "question_id", "revision", "kind", "grader_version"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    answer_id: Mapped[UUID] = mapped_column(_of("answers.id"), index=True)
    interview_id: Mapped[UUID] = mapped_column(_of("interviews.id"))
    question_id: Mapped[UUID]
    revision: Mapped[int]
    kind: Mapped[str]
    grader_version: Mapped[str]
    score: Mapped[float]
    grade: Mapped[dict[str, Any]]  # contracts.grades.Grade
    created_at: Mapped[datetime] = _now()


class CostEntries(Table):
    """One call to a provider that is paid for (contracts.usage.Usage)."""

    __tablename__ = "cost_entries"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    interview_id: Mapped[UUID] = mapped_column(_of("interviews.id"), index=True)
    purpose: Mapped[str]
    model: Mapped[str]
    tokens_in: Mapped[int]
    tokens_out: Mapped[int]
    audio_s: Mapped[float] = mapped_column(server_default=text("0"))
    characters: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = _now()


class Reports(Table):
    __tablename__ = "reports"
    __table_args__ = (UniqueConstraint("interview_id", "version"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    interview_id: Mapped[UUID] = mapped_column(_of("interviews.id"))
    version: Mapped[int]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = _now()


class Recordings(Table):
    """A file behind fsspec. `complete` is None while it is written, or when its writer died.

    That of a whole interview has `parts`, the recordings it was joined from, and `conduct` once it
    was scored.
    """

    __tablename__ = "recordings"
    __table_args__ = (
        Index(
            "uq_recordings_whole",
            "interview_id",
            unique=True,
            postgresql_where=text("parts IS NOT NULL"),
        ),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    interview_id: Mapped[UUID] = mapped_column(_of("interviews.id"), index=True)
    url: Mapped[str]
    epoch: Mapped[int | None]
    started_at: Mapped[datetime]
    duration_ms: Mapped[int | None]
    complete: Mapped[bool | None]
    parts: Mapped[list[dict[str, Any]] | None]  # contracts.conduct.Part
    conduct: Mapped[dict[str, Any] | None]  # contracts.conduct.Conduct


class InterviewEvents(Table):
    """The outbox: what changed, in order. Texts stay in their own tables."""

    __tablename__ = "interview_events"
    __table_args__ = (Index("ix_interview_events_interview_id_id", "interview_id", "id"),)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    interview_id: Mapped[UUID] = mapped_column(_of("interviews.id"))
    kind: Mapped[str]  # "state" or "turn"
    state_version: Mapped[int]
    turn_number: Mapped[int | None]
    created_at: Mapped[datetime] = _now()


class IdempotencyKeys(Table):
    """One try per key. `status` is None while it runs; `claim_id` says whose try it is."""

    __tablename__ = "idempotency_keys"
    organisation_id: Mapped[UUID] = mapped_column(_of("organisations.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    claim_id: Mapped[UUID]
    status: Mapped[int | None]
    body: Mapped[bytes | None]
    headers: Mapped[dict[str, Any] | None]
    claimed_at: Mapped[datetime] = _now()
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class ServicePulse(Table):
    """One row: when the service was last whole. A gap is an outage."""

    __tablename__ = "service_pulse"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_at: Mapped[datetime]


class ProviderStates(Table):
    """What is wrong with a provider, as one worker knows it; NULL: nothing is."""

    __tablename__ = "provider_states"
    worker_id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    trouble: Mapped[str | None]
    told_at: Mapped[datetime] = _now()
