"""Grades: one row for (interview, question, revision, kind, grader version), whoever retries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, text

from contracts.errors import NotFound
from contracts.grades import Grade
from db import tables
from db.database import Database
from db.ids import new_id
from db.rows import StoredGrade
from db.text import keepable_json

#: The no-op update makes the first row come back to a repeat, seen even while its writer commits.
_PUT = text(
    """
    INSERT INTO grades (id, answer_id, interview_id, question_id, revision, kind, grader_version,
        score, grade)
    SELECT :id, answers.id, answers.interview_id, answers.question_id, answers.revision, :kind,
        :grader_version, :score, CAST(:grade AS jsonb)
    FROM answers WHERE answers.id = :answer_id
    ON CONFLICT (interview_id, question_id, revision, kind, grader_version)
        DO UPDATE SET kind = grades.kind
    RETURNING id
    """
)


class Grades:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, answer_id: UUID, grade: Grade) -> UUID:
        """Returns the row's id. The first grade by a grader's version stands. Raises NotFound."""
        kept = Grade.model_validate(keepable_json(grade.model_dump()))
        values = {
            "id": new_id(),
            "answer_id": answer_id,
            "kind": kept.kind.value,
            "grader_version": kept.grader_version,
            "score": kept.score,
            "grade": kept.model_dump_json(),
        }
        row = await self._database.row(_PUT, values)
        if row is None:
            raise NotFound("There is no such answer")
        return UUID(str(row["id"]))

    async def of_interview(self, interview_id: UUID) -> tuple[StoredGrade, ...]:
        """Oldest first."""
        return await self._where(tables.Grades.interview_id == interview_id)

    async def of_answer(self, answer_id: UUID) -> tuple[StoredGrade, ...]:
        """Oldest first."""
        return await self._where(tables.Grades.answer_id == answer_id)

    async def _where(self, condition: ColumnElement[bool]) -> tuple[StoredGrade, ...]:
        found = select(tables.Grades).where(condition)
        rows = await self._database.rows(found.order_by(tables.Grades.id))
        return tuple(map(_stored, rows))


def _stored(row: Mapping[Any, Any]) -> StoredGrade:
    return StoredGrade.model_validate(dict(row))
