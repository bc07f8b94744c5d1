"""A typed answer: its turn and its row first, then the workflow is told the row's id."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

from api.auth import Seen
from api.bodies import AnswerIn, AnswerOut
from api.parts import Parts
from contracts.errors import Conflict, WrongState
from contracts.interview import InterviewStatus, RecordAnswer, Snapshot
from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose
from db.ids import new_id
from db.text import keepable

_ANSWERABLE: Final = (InterviewStatus.IN_PROGRESS, InterviewStatus.INTERRUPTED)


async def record(parts: Parts, seen: Seen, body: AnswerIn) -> bytes:
    """An `AnswerOut`. May be repeated: turn, row and update each have one effect.

    Raises WrongState when this question or revision is not the present one, and Conflict when
    another answer was recorded for it; neither changes anything.
    """
    turn = _turn(seen.interview.id, body)
    await _check_place(parts, seen, body, turn)
    kept = await parts.store.turns.add(turn)
    if kept.text != keepable(body.text):
        raise Conflict("This turn_id was used for another text.", field="turn_id")
    answer_id = await parts.store.answers.put(
        seen.interview.id, body.question_id, body.revision, new_id()
    )
    snapshot = await parts.interviews.record_answer(
        seen.interview.id,
        RecordAnswer(question_id=body.question_id, revision=body.revision, answer_id=answer_id),
    )
    return AnswerOut(state_version=snapshot.state_version).model_dump_json().encode()


def _turn(interview_id: UUID, body: AnswerIn) -> Turn:
    """Without a `turn_id` the same text for the same revision is the same turn."""
    digest = hashlib.sha256(body.text.encode("utf-8", "replace")).hexdigest()
    made = uuid5(interview_id, f"{body.question_id}:{body.revision}:{digest}")
    now = datetime.now(UTC)
    return Turn(
        id=body.turn_id or made,
        interview_id=interview_id,
        question_id=body.question_id,
        revision=body.revision,
        speaker=Speaker.CANDIDATE,
        kind=TurnKind.TYPED,
        purpose=TurnPurpose.ANSWER,
        text=body.text,
        started_at=now,
        ended_at=now,
    )


async def _check_place(parts: Parts, seen: Seen, body: AnswerIn, turn: Turn) -> None:
    """The row may be a moment behind the workflow: only the workflow itself may refuse."""
    if _awaited(seen.interview.snapshot, body):
        return
    snapshot = await parts.interviews.snapshot(seen.interview.id)
    if _awaited(snapshot, body):
        return
    if not _recorded(snapshot, body):
        raise WrongState(_what_is_awaited(snapshot), field="question_id")
    if not await _is_repeat(parts, seen, body, turn):
        raise Conflict("Another answer is recorded for this revision.", field="revision")


def _awaited(snapshot: Snapshot, body: AnswerIn) -> bool:
    cursor = snapshot.cursor
    present = (cursor.question_id, cursor.revision) == (body.question_id, body.revision)
    return present and snapshot.status in _ANSWERABLE and not _recorded(snapshot, body)


def _recorded(snapshot: Snapshot, body: AnswerIn) -> bool:
    return any(
        each.question_id == body.question_id and each.revision >= body.revision
        for each in snapshot.questions
    )


async def _is_repeat(parts: Parts, seen: Seen, body: AnswerIn, turn: Turn) -> bool:
    said = await parts.store.turns.open(seen.interview.id, body.question_id, body.revision)
    return any(each.id == turn.id and each.text == keepable(body.text) for each in said)


def _what_is_awaited(snapshot: Snapshot) -> str:
    if snapshot.status not in _ANSWERABLE:
        return f"The interview is {snapshot.status.value}."
    return "That is not the question and revision being answered now."
