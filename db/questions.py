"""The bank in the database: an edit makes a version, and interviews pin versions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.questions import Question
from db import tables
from db.database import Database
from db.ids import new_id
from db.rows import StoredQuestion
from db.text import keepable_json

_ONE_LOADER = text("SELECT pg_advisory_xact_lock(hashtext('codevoice questions'))")
_NEWEST = text(
    """
    SELECT DISTINCT ON (questions.id) questions.slug, questions.id AS question_id,
        versions.id, versions.version, versions.content, versions.content_sha256
    FROM questions JOIN question_versions AS versions ON versions.question_id = questions.id
    ORDER BY questions.id, versions.version DESC
    """
)


class Questions:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, bank: Iterable[Question]) -> int:
        """Makes a version of each question that is new or reads differently; returns how many.

        The version is counted here: the one a file names is not kept. Nothing is taken away.
        """
        async with self._database.begin() as connection:
            await connection.execute(_ONE_LOADER)
            known = {row["slug"]: row for row in (await connection.execute(_NEWEST)).mappings()}
            changed = [each for each in bank if _differs(each, known.get(each.slug))]
            for question in changed:
                await _add_version(connection, question, known.get(question.slug))
        return len(changed)

    async def current(self) -> tuple[StoredQuestion, ...]:
        """The newest version of each, by slug."""
        rows = await self._database.rows(_NEWEST)
        return tuple(sorted(map(_stored, rows), key=lambda stored: stored.question.slug))

    async def by_ids(self, ids: Iterable[UUID]) -> dict[UUID, Question]:
        """Those that exist, by the version's id."""
        version = tables.QuestionVersions
        rows = await self._database.rows(
            select(version.id, version.content).where(version.id.in_(list(ids)))
        )
        return {row["id"]: Question.model_validate(row["content"]) for row in rows}


async def _add_version(
    connection: AsyncConnection, question: Question, before: Mapping[Any, Any] | None
) -> None:
    question_id = before["question_id"] if before else new_id()
    version = before["version"] + 1 if before else 1
    if before is None:
        made = {"id": question_id, "slug": question.slug}
        await connection.execute(insert(tables.Questions).values(made))
    numbered = question.model_copy(update={"version": version})
    row = {
        "id": new_id(),
        "question_id": question_id,
        "version": version,
        "content": keepable_json(numbered.model_dump(mode="json")),
        "content_sha256": _digest(question),
    }
    await connection.execute(insert(tables.QuestionVersions).values(row))


def _differs(question: Question, before: Mapping[Any, Any] | None) -> bool:
    return before is None or bytes(before["content_sha256"]) != _digest(question)


def _digest(question: Question) -> bytes:
    words = question.model_copy(update={"version": 1}).model_dump_json()
    return hashlib.sha256(words.encode()).digest()


def _stored(row: Mapping[Any, Any]) -> StoredQuestion:
    return StoredQuestion(id=row["id"], question=Question.model_validate(row["content"]))
