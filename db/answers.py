"""Answers: a candidate's turns for one question, composed and sealed here."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, text

from contracts.errors import Conflict, NotFound
from contracts.interview import Fence, Outcome
from contracts.turns import Turn
from db import tables
from db.database import Database
from db.fencing import fence_values, guarded, refused
from db.rows import Answer, AnswerText

_PUT = guarded(
    """
    WITH holder AS (
        SELECT id FROM interviews WHERE id = :interview_id AND {writer_is_current} FOR SHARE
    ), spoken AS (
        SELECT coalesce(string_agg(text, E'\\n' ORDER BY number), '') AS text,
            coalesce(max(number), 0) AS last_turn
        FROM turns
        WHERE interview_id = :interview_id AND question_id = :question_id
            AND revision <= :revision AND speaker = 'candidate' AND purpose = 'answer'
    )
    INSERT INTO answers (id, interview_id, question_id, revision, outcome, text, last_turn)
    SELECT :id, holder.id, :question_id, :revision, :outcome, spoken.text, spoken.last_turn
    FROM holder, spoken
    ON CONFLICT (interview_id, question_id, revision) DO UPDATE
    SET text = excluded.text,
        last_turn = CASE WHEN answers.sealed_at IS NULL
            THEN excluded.last_turn ELSE answers.last_turn END,
        outcome = CASE WHEN answers.sealed_at IS NULL
            THEN excluded.outcome ELSE answers.outcome END
    WHERE answers.sealed_at IS NULL OR answers.text = excluded.text
    RETURNING id
    """
)
_HOLDER = guarded("SELECT id FROM interviews WHERE id = :interview_id AND {writer_is_current}")
_SEAL = text(
    "UPDATE answers SET sealed_at = coalesce(sealed_at, now()) WHERE id = :id"
    " RETURNING id, interview_id, question_id, revision, text, last_turn"
)
_TURNS = text(
    "SELECT * FROM turns WHERE interview_id = :interview_id AND question_id = :question_id"
    " AND revision <= :revision AND number <= :last_turn"
    " AND speaker = 'candidate' AND purpose = 'answer' ORDER BY number"
)


class Answers:
    def __init__(self, database: Database) -> None:
        self._database = database

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
        """Composes the answer of the question's turns up to this revision and keeps it.

        Returns the row's id: that of the first try, whatever `answer_id` a repeat brings. A row
        that was read for grading stands: raises Conflict when turns have come since. Raises
        StaleFence, NotFound.
        """
        values = {
            "id": answer_id,
            "interview_id": interview_id,
            "question_id": question_id,
            "revision": revision,
            "outcome": outcome.value,
            **fence_values(fence),
        }
        row = await self._database.row(_PUT, values)
        if row is not None:
            return UUID(str(row["id"]))
        if await self._database.row(_HOLDER, values) is None:
            await refused(self._database, interview_id)
        raise Conflict("This answer is being graded: what follows makes a new revision")

    async def seal(self, answer_id: UUID) -> AnswerText:
        """Reads the answer for grading; from now on it does not change. Raises NotFound."""
        row = await self._database.row(_SEAL, {"id": answer_id})
        if row is None:
            raise NotFound("There is no such answer")
        turns = await self._database.rows(_TURNS, dict(row))
        return AnswerText.model_validate(
            {**row, "turns": tuple(Turn.model_validate(dict(turn)) for turn in turns)}
        )

    async def of_interview(self, interview_id: UUID) -> tuple[Answer, ...]:
        """Every revision, in the order they were made."""
        answer = tables.Answers
        rows = await self._database.rows(
            select(answer)
            .where(answer.interview_id == interview_id)
            .order_by(answer.created_at, answer.revision)
        )
        return tuple(Answer.model_validate(dict(row)) for row in rows)
