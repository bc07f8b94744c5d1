"""Careless variants of the store, each a seeded bug: see `bugs`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.chaos.later import Later
from contracts.grades import Grade
from contracts.interview import Fence, Outcome, Snapshot
from contracts.turns import Turn
from db.answers import Answers
from db.database import Database
from db.grades import Grades
from db.idempotency import Idempotency
from db.ids import new_id
from db.interviews import Interviews
from db.reports import Reports
from db.rows import Claim, Interview, NewInterview
from db.store import Store
from db.turns import Turns

#: For `GradeWithoutKey`, in the experiment's own database.
DROP_GRADES_KEY: Final = """
    DO $$ DECLARE name text; BEGIN
        SELECT conname INTO name FROM pg_constraint
        WHERE conrelid = 'grades'::regclass AND contype = 'u';
        IF name IS NOT NULL THEN EXECUTE format('ALTER TABLE grades DROP CONSTRAINT %I', name);
        END IF;
    END $$
"""


class _LateTurns(Turns):
    def __init__(self, database: Database, later: Later) -> None:
        super().__init__(database)
        self._later = later

    async def add(self, turn: Turn, fence: Fence | None = None) -> Turn:
        add = super().add
        self._later.put_off(lambda: add(turn, fence))
        return turn


class _LateAnswers(Answers):
    def __init__(self, database: Database, later: Later) -> None:
        super().__init__(database)
        self._later = later

    async def put(
        self,
        interview_id: UUID,
        question_id: UUID,
        revision: int,
        answer_id: UUID,
        *,
        fence: Fence | None = None,
        outcome: Outcome = Outcome.ANSWERED,
    ) -> UUID:
        put = super().put
        self._later.put_off(
            lambda: put(
                interview_id, question_id, revision, answer_id, fence=fence, outcome=outcome
            )
        )
        return answer_id


class AckBeforeRow(Store):
    """Answers are acknowledged, and told to the workflow, before they are written."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        later = Later()
        self.turns = _LateTurns(self.database, later)
        self.answers = _LateAnswers(self.database, later)


class _FencelessTurns(Turns):
    _EPOCH = text("UPDATE turns SET epoch = :epoch WHERE id = :id")

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._at = database

    async def add(self, turn: Turn, fence: Fence | None = None) -> Turn:
        added = await super().add(turn, None)
        epoch = None if fence is None else fence.epoch
        await self._at.run(self._EPOCH, {"id": turn.id, "epoch": epoch})
        return added


class NoFence(Store):
    """A bot's turns are kept whatever bot holds the interview."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.turns = _FencelessTurns(self.database)


class _RememberedGrades(Grades):
    """Knows what it graded from its own memory, which dies with the process."""

    _INSERT = text(
        "INSERT INTO grades (id, answer_id, interview_id, question_id, revision, kind,"
        " grader_version, score, grade) SELECT :id, id, interview_id, question_id, revision,"
        " :kind, :version, :score, CAST(:grade AS jsonb) FROM answers WHERE id = :answer_id"
    )

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._at = database
        self._made: dict[UUID, UUID] = {}

    async def put(self, answer_id: UUID, grade: Grade) -> UUID:
        if answer_id not in self._made:
            made = new_id()
            values = {
                "id": made,
                "answer_id": answer_id,
                "kind": grade.kind.value,
                "version": grade.grader_version,
                "score": grade.score,
                "grade": grade.model_dump_json(),
            }
            await self._at.run(self._INSERT, values)
            self._made[answer_id] = made
        return self._made[answer_id]


class GradeWithoutKey(Store):
    """Nothing in the database keeps a second grade of the same answer out."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.grades = _RememberedGrades(self.database)


class _HeardTurns(Turns):
    def __init__(self, database: Database, heard: set[UUID]) -> None:
        super().__init__(database)
        self._heard = heard

    async def add(self, turn: Turn, fence: Fence | None = None) -> Turn:
        self._heard.add(turn.id)
        return await super().add(turn, fence)


class _HeardAnswers(Answers):
    """Composes an answer of the turns that this process has heard itself."""

    _RETELL = text(
        "UPDATE answers SET text = (SELECT coalesce(string_agg(turns.text, E'\\n'"
        " ORDER BY number), '') FROM turns WHERE turns.question_id = answers.question_id"
        " AND turns.interview_id = answers.interview_id AND turns.id = ANY(:heard)"
        " AND turns.revision <= answers.revision) WHERE id = :id"
    )

    def __init__(self, database: Database, heard: set[UUID]) -> None:
        super().__init__(database)
        self._at = database
        self._heard = heard

    async def put(
        self,
        interview_id: UUID,
        question_id: UUID,
        revision: int,
        answer_id: UUID,
        *,
        fence: Fence | None = None,
        outcome: Outcome = Outcome.ANSWERED,
    ) -> UUID:
        kept = await super().put(
            interview_id, question_id, revision, answer_id, fence=fence, outcome=outcome
        )
        await self._at.run(self._RETELL, {"id": kept, "heard": list(self._heard)})
        return kept


class ResumeWithoutTurns(Store):
    """What was said before a restart is not read again."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        heard: set[UUID] = set()
        self.turns = _HeardTurns(self.database, heard)
        self.answers = _HeardAnswers(self.database, heard)


class _ForgetfulInterviews(Interviews):
    async def create(self, new: NewInterview) -> Interview:
        return await super().create(new.model_copy(update={"idempotency_key": None}))


class _ForgetfulKeys(Idempotency):
    async def claim(self, organisation_id: UUID, key: str, fingerprint: bytes) -> Claim:
        return await super().claim(organisation_id, f"{key}:{uuid4()}", fingerprint)


class StartTwice(Store):
    """A start that is sent again under its key is another start."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.interviews = _ForgetfulInterviews(self.database)
        self.idempotency = _ForgetfulKeys(self.database)


class _OnlyReport(Reports):
    _REWRITE = text(
        "UPDATE reports SET version = :version, payload = CAST(:payload AS jsonb)"
        " WHERE interview_id = :interview_id RETURNING id"
    )

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._at = database

    async def put(
        self, report_id: UUID, interview_id: UUID, version: int, payload: Mapping[str, Any]
    ) -> UUID:
        values = {"interview_id": interview_id, "version": version}
        row = await self._at.row(self._REWRITE, values | {"payload": json.dumps(payload)})
        if row is not None:
            return UUID(str(row["id"]))
        return await super().put(report_id, interview_id, version, payload)


class ReportOverwritten(Store):
    """A second try, and a version with a late grade, writes its report over the first one."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.reports = _OnlyReport(self.database)


class _LateStates(Interviews):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._later = Later()

    async def save_snapshot(self, snapshot: Snapshot) -> bool:
        save = super().save_snapshot
        self._later.put_off(lambda: save(snapshot))
        return True


class DeliveredBeforeSent(Store):
    """A state counts as delivered to its readers before it is."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.interviews = _LateStates(self.database)
