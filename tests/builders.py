"""Things to test with: a question, an interview's start, its row, a turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.interview import FollowUp, InterviewStart, PlannedQuestion
from contracts.questions import Difficulty, KeyPoint, Question
from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose
from db.ids import new_id
from db.rows import Interview, NewInterview, StoredQuestion
from db.store import Store


def a_question(slug: str = "hash-maps", **changes: Any) -> Question:
    fields: dict[str, Any] = {
        "slug": slug,
        "topic": "Data structures",
        "difficulty": Difficulty.EASY,
        "prompt": "How does a hash map find a value?",
        "rephrased": "What happens when a hash map looks up a key?",
        "key_points": (
            KeyPoint(
                id="bucket",
                text="The hash of the key picks a bucket",
                weight=2,
                follow_up="How does it know where to look?",
            ),
            KeyPoint(id="collision", text="Two keys may share a bucket, a collision"),
        ),
        "model_answer": "The key is hashed, the hash picks a bucket, collisions are resolved.",
    }
    return Question.model_validate(fields | changes)


def a_start(
    organisation_id: UUID, questions: tuple[StoredQuestion, ...], **changes: Any
) -> InterviewStart:
    planned = tuple(
        PlannedQuestion(
            question_id=stored.id,
            difficulty=stored.question.difficulty,
            time_limit=stored.question.time_limit,
            follow_ups=tuple(
                FollowUp(key_point_id=point.id)
                for point in stored.question.key_points
                if point.follow_up
            ),
        )
        for stored in questions
    )
    fields: dict[str, Any] = {
        "interview_id": new_id(),
        "organisation_id": organisation_id,
        "questions": planned,
        "expires_at": datetime.now(UTC) + timedelta(days=1),
    }
    return InterviewStart.model_validate(fields | changes)


async def a_new_interview(store: Store, **changes: Any) -> NewInterview:
    """Not yet in the database, but what it stands on is."""
    organisation = await store.access.default_organisation()
    slugs = ("hash-maps", "indexes", "locks")
    await store.questions.load(map(a_question, slugs))
    bank = await store.questions.current()
    start = a_start(organisation.id, tuple(each for each in bank if each.question.slug in slugs))
    return NewInterview.model_validate({"start": start} | changes)


async def an_interview(store: Store, **changes: Any) -> Interview:
    return await store.interviews.create(await a_new_interview(store, **changes))


def a_turn(interview: Interview, text: str, *, question: int = 0, **changes: Any) -> Turn:
    """By default a spoken part of the candidate's answer to the plan's question of that index."""
    now = datetime.now(UTC)
    fields: dict[str, Any] = {
        "id": new_id(),
        "interview_id": interview.id,
        "question_id": interview.start.questions[question].question_id,
        "revision": 1,
        "speaker": Speaker.CANDIDATE,
        "kind": TurnKind.SPOKEN,
        "purpose": TurnPurpose.ANSWER,
        "text": text,
        "started_at": now,
        "ended_at": now,
    }
    return Turn.model_validate(fields | changes)
