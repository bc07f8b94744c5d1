"""Interviews: the row the workflow's state is saved to, and who may write to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from contracts.errors import NotFound
from contracts.interview import (
    Cursor,
    Fence,
    InterviewStart,
    InterviewStatus,
    Outage,
    QuestionState,
    Snapshot,
)
from contracts.questions import FOLLOW_UP_BUDGET, Question
from db import tables
from db.database import Database
from db.fencing import fence_values, guarded, refused
from db.ids import new_id
from db.rows import Candidate, Interview, NewInterview
from db.text import keepable, keepable_or_none

_INTERVIEW = select(
    tables.Interviews, tables.Candidates.name.label("name"), tables.Candidates.email.label("email")
).join_from(tables.Interviews, tables.Candidates)

_SAVE = text(
    """
    WITH saved AS (
        UPDATE interviews
        SET status = :status, state_version = :state_version,
            snapshot = CAST(:snapshot AS jsonb), updated_at = now()
        WHERE id = :id AND state_version < :state_version
        RETURNING id, state_version
    ), event AS (
        INSERT INTO interview_events (interview_id, kind, state_version)
        SELECT id, 'state', state_version FROM saved
        RETURNING id, interview_id, state_version
    )
    SELECT pg_notify('interview_events', json_build_object(
        'interview_id', interview_id, 'event_id', id, 'state_version', state_version)::text)
    FROM event
    """
)
_TAKE_FENCE = guarded(
    "UPDATE interviews SET fence_epoch = :epoch, fence_attempt = :attempt"
    " WHERE id = :id AND {writer_is_current} RETURNING id"
)
_TOUCH = guarded(
    "UPDATE interviews SET last_alive_at = clock_timestamp()"
    " WHERE id = :id AND {writer_is_current} RETURNING id"
)
_CONSENT = text(
    "INSERT INTO consents (id, interview_id, text_version) VALUES (:consent_id, :id, :text_version)"
    " ON CONFLICT (interview_id, text_version) DO NOTHING"
)
#: Within that time a try that died half-way is taken up again by its key; its claim is kept longer.
_FREE_KEY = text(
    "UPDATE interviews SET idempotency_key = NULL WHERE organisation_id = :organisation_id"
    " AND idempotency_key = :key AND created_at < now() - interval '24 hours'"
)
_STARTED = text(
    "UPDATE interviews SET workflow_started_at = coalesce(workflow_started_at, now())"
    " WHERE id = :id"
)
_BEAT = text(
    "UPDATE service_pulse SET last_at = greatest(last_at, clock_timestamp())"
    " WHERE last_at > clock_timestamp() - CAST(:within AS interval) RETURNING last_at"
)
_FIRST_BEAT = text(
    "INSERT INTO service_pulse (id, last_at) VALUES (1, clock_timestamp())"
    " ON CONFLICT (id) DO NOTHING RETURNING last_at"
)
_GAP = text("SELECT last_at AS began_at, clock_timestamp() AS ended_at FROM service_pulse")
_AFTER_GAP = text("UPDATE service_pulse SET last_at = greatest(last_at, :ended_at)")
_BOT_ALIVE = text(
    "SELECT id FROM interviews WHERE last_alive_at > clock_timestamp() - interval '5 s' LIMIT 1"
)
_ADMIT = text(
    "UPDATE interviews SET admissions = admissions + 1 WHERE id = :id RETURNING admissions"
)
_VOID_LINKS = text(
    "UPDATE interviews SET token_generation = token_generation + 1 WHERE id = :id"
    " RETURNING token_generation"
)


class Interviews:
    def __init__(self, database: Database) -> None:
        self._database = database
        # An edit makes a new version, so one that was read stands: as many as the bank ever had.
        self._versions: dict[UUID, Question] = {}

    async def create(self, new: NewInterview) -> Interview:
        """Writes the row, or finds the one made under the same id, or under the same idempotency
        key within the last 24 hours."""
        async with self._database.begin() as connection:
            if new.idempotency_key is not None:
                key = keepable(new.idempotency_key)
                here = new.start.organisation_id
                await connection.execute(_FREE_KEY, {"organisation_id": here, "key": key})
            candidate = _candidate_row(new)
            await connection.execute(insert(tables.Candidates).values(candidate))
            made = insert(tables.Interviews).values(_interview_row(new, candidate["id"]))
            row = await connection.execute(made.on_conflict_do_nothing())
            if row.rowcount == 0:
                unneeded = tables.Candidates.id == candidate["id"]
                await connection.execute(delete(tables.Candidates).where(unneeded))
        return await self._created(new)

    async def _created(self, new: NewInterview) -> Interview:
        same = tables.Interviews.id == new.start.interview_id
        if new.idempotency_key is not None:
            same |= tables.Interviews.idempotency_key == keepable(new.idempotency_key)
        here = tables.Interviews.organisation_id == new.start.organisation_id
        row = await self._database.row(_INTERVIEW.where(here, same))
        if row is None:
            raise NotFound("There is no such interview")
        return _interview(row)

    async def get(self, interview_id: UUID) -> Interview:
        """Raises NotFound."""
        row = await self._database.row(_INTERVIEW.where(tables.Interviews.id == interview_id))
        if row is None:
            raise NotFound("There is no such interview")
        return _interview(row)

    async def owned(self, interview_id: UUID, organisation_id: UUID) -> Interview:
        """Raises NotFound for another organisation's interview as for none at all."""
        mine = tables.Interviews.organisation_id == organisation_id
        row = await self._database.row(_INTERVIEW.where(tables.Interviews.id == interview_id, mine))
        if row is None:
            raise NotFound("There is no such interview")
        return _interview(row)

    async def page(
        self,
        organisation_id: UUID,
        status: InterviewStatus | None = None,
        after: UUID | None = None,
        limit: int = 50,
    ) -> tuple[Interview, ...]:
        """The newest first; `after` is the last id of the page before."""
        found = _INTERVIEW.where(tables.Interviews.organisation_id == organisation_id)
        if status is not None:
            found = found.where(tables.Interviews.status == status.value)
        if after is not None:
            found = found.where(after > tables.Interviews.id)
        rows = await self._database.rows(found.order_by(tables.Interviews.id.desc()).limit(limit))
        return tuple(map(_interview, rows))

    async def plan(self, interview_id: UUID) -> dict[UUID, Question]:
        """The pinned questions in plan order. Raises NotFound."""
        row = await self._database.row(
            select(tables.Interviews.start).where(tables.Interviews.id == interview_id)
        )
        if row is None:
            raise NotFound("There is no such interview")
        start = InterviewStart.model_validate(row["start"])
        wanted = [question.question_id for question in start.questions]
        await self._read(question_id for question_id in wanted if question_id not in self._versions)
        return {question_id: self._versions[question_id] for question_id in wanted}

    async def _read(self, ids: Iterable[UUID]) -> None:
        missing = list(ids)
        if not missing:
            return
        version = tables.QuestionVersions
        rows = await self._database.rows(
            select(version.id, version.content).where(version.id.in_(missing))
        )
        self._versions |= {row["id"]: Question.model_validate(row["content"]) for row in rows}

    async def snapshot(self, interview_id: UUID) -> Snapshot:
        """The newest saved state. Raises NotFound."""
        row = await self._database.row(
            select(tables.Interviews.snapshot).where(tables.Interviews.id == interview_id)
        )
        if row is None:
            raise NotFound("There is no such interview")
        return Snapshot.model_validate(row["snapshot"])

    async def save_snapshot(self, snapshot: Snapshot) -> bool:
        """Keeps a newer state, with its event and the notice to listeners. False: not newer."""
        values = {
            "id": snapshot.interview_id,
            "status": snapshot.status.value,
            "state_version": snapshot.state_version,
            "snapshot": snapshot.model_dump_json(),
        }
        return await self._database.row(_SAVE, values) is not None

    async def take_fence(self, interview_id: UUID, fence: Fence) -> None:
        """From now on only this bot or a newer one may write. Raises StaleFence, NotFound."""
        values = {"id": interview_id, **fence_values(fence)}
        if await self._database.row(_TAKE_FENCE, values) is None:
            await refused(self._database, interview_id)

    async def touch_alive(self, interview_id: UUID, fence: Fence) -> None:
        """Called each second by the live bot. Raises StaleFence, NotFound."""
        values = {"id": interview_id, **fence_values(fence)}
        if await self._database.row(_TOUCH, values) is None:
            await refused(self._database, interview_id)

    async def last_alive_at(self, interview_id: UUID) -> datetime | None:
        """By the database's clock; None before the first bot."""
        alive = select(tables.Interviews.last_alive_at).where(tables.Interviews.id == interview_id)
        row = await self._database.row(alive)
        found: datetime | None = row["last_alive_at"] if row else None
        return found

    async def any_bot_alive(self) -> bool:
        """Some bot said within the last seconds that it lives."""
        return await self._database.row(_BOT_ALIVE) is not None

    async def set_consent(self, consent_id: UUID, interview_id: UUID, text_version: str) -> None:
        """Keeps that this version of the text was agreed to, once. Raises NotFound."""
        values = {"consent_id": consent_id, "id": interview_id, "text_version": text_version}
        await self._database.run(_CONSENT, values)

    async def agreed_texts(self, interview_id: UUID) -> tuple[str, ...]:
        """The versions of the consent's text that were agreed to, in that order."""
        consent = tables.Consents
        agreed = select(consent.text_version).where(consent.interview_id == interview_id)
        rows = await self._database.rows(agreed.order_by(consent.consented_at))
        return tuple(row["text_version"] for row in rows)

    async def mark_started(self, interview_id: UUID) -> None:
        """The workflow has begun: the reconciler leaves the row alone."""
        await self._database.run(_STARTED, {"id": interview_id})

    async def unstarted(self, before: datetime, limit: int = 100) -> tuple[Interview, ...]:
        """Rows made before then whose workflow nobody has started, oldest first."""
        rows = await self._database.rows(
            _INTERVIEW.where(
                tables.Interviews.workflow_started_at.is_(None),
                tables.Interviews.created_at < before,
            )
            .order_by(tables.Interviews.created_at)
            .limit(limit)
        )
        return tuple(map(_interview, rows))

    async def beat(self, within: timedelta) -> Outage | None:
        """Notes that the service is whole now. When the last beat is longer ago than `within`,
        nothing is noted and the outage returned: every caller is told, until `outage_told`."""
        if await self._database.row(_BEAT, {"within": within}) is not None:
            return None
        if await self._database.row(_FIRST_BEAT) is not None:
            return None
        gap = await self._database.row(_GAP)
        return Outage.model_validate(dict(gap)) if gap else None

    async def outage_told(self, outage: Outage) -> None:
        """Every interview knows of it: the beats go on from its end."""
        await self._database.run(_AFTER_GAP, {"ended_at": outage.ended_at})

    async def asking(self) -> tuple[UUID, ...]:
        """Interviews whose clock runs, or ran a moment ago."""
        row = tables.Interviews
        words = [status.value for status in InterviewStatus if status.asking]
        found = await self._database.rows(select(row.id).where(row.status.in_(words)))
        return tuple(each["id"] for each in found)

    async def admit(self, interview_id: UUID) -> int:
        """The number of one more join, the newest from now on. Raises NotFound."""
        row = await self._database.row(_ADMIT, {"id": interview_id})
        if row is None:
            raise NotFound("There is no such interview")
        return int(row["admissions"])

    async def void_links(self, interview_id: UUID) -> int:
        """Voids every link given out before; returns the new generation. Raises NotFound."""
        row = await self._database.row(_VOID_LINKS, {"id": interview_id})
        if row is None:
            raise NotFound("There is no such interview")
        return int(row["token_generation"])


def _candidate_row(new: NewInterview) -> dict[str, Any]:
    return {
        "id": new_id(),
        "organisation_id": new.start.organisation_id,
        "name": keepable_or_none(new.candidate.name),
        "email": keepable_or_none(new.candidate.email),
    }


def _interview_row(new: NewInterview, candidate_id: UUID) -> dict[str, Any]:
    start = new.start
    opening = _opening(start)
    return {
        "id": start.interview_id,
        "organisation_id": start.organisation_id,
        "candidate_id": candidate_id,
        "status": opening.status.value,
        "state_version": opening.state_version,
        "snapshot": opening.model_dump(mode="json"),
        "start": start.model_dump(mode="json"),
        "starts_at": start.starts_at,
        "expires_at": start.expires_at,
        "patience_s": new.patience_s,
        "voice": new.voice,
        "language": new.language.value if new.language else None,
        "report_to_candidate": new.report_to_candidate,
        "live_listening": new.live_listening,
        "camera": new.camera,
        "seed": new.seed,
        "idempotency_key": keepable_or_none(new.idempotency_key),
    }


def _opening(start: InterviewStart) -> Snapshot:
    """What stands before the workflow has said anything, so that a reader always finds a state."""
    now = datetime.now(UTC)
    first = start.questions[0]
    later = start.starts_at is not None and start.starts_at > now
    following = start.questions[1].question_id if len(start.questions) > 1 else None
    return Snapshot(
        interview_id=start.interview_id,
        state_version=0,
        status=InterviewStatus.SCHEDULED if later else InterviewStatus.WAITING,
        cursor=Cursor(
            question_id=first.question_id,
            position=1,
            follow_ups_left=FOLLOW_UP_BUDGET[first.difficulty],
            next_question_id=following,
        ),
        questions=tuple(QuestionState(question_id=each.question_id) for each in start.questions),
        remaining=start.duration,
        as_of=now,
    )


def _interview(row: Mapping[Any, Any]) -> Interview:
    values = dict(row)
    values["candidate"] = Candidate(name=values.pop("name"), email=values.pop("email"))
    return Interview.model_validate(values)
