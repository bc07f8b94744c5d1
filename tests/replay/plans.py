"""Plans for interviews that are rehearsed without a bank."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from contracts.interview import FollowUp, InterviewStart, PlannedQuestion
from contracts.questions import Difficulty, KeyPoint, Question

POINTS = ("first-point", "second-point", "third-point")


def a_plan(*difficulties: Difficulty, follow_ups: int = 3) -> tuple[PlannedQuestion, ...]:
    return tuple(
        PlannedQuestion(
            question_id=uuid4(),
            difficulty=difficulty,
            time_limit=timedelta(minutes=4),
            follow_ups=tuple(FollowUp(key_point_id=point) for point in POINTS[:follow_ups]),
        )
        for difficulty in difficulties
    )


def a_start(*difficulties: Difficulty, follow_ups: int = 3, **changes: Any) -> InterviewStart:
    """Three easy questions unless told otherwise; open for a day, thirty minutes long."""
    wanted = difficulties or (Difficulty.EASY,) * 3
    fields: dict[str, Any] = {
        "interview_id": uuid4(),
        "organisation_id": uuid4(),
        "questions": a_plan(*wanted, follow_ups=follow_ups),
        "expires_at": datetime.now(UTC) + timedelta(days=1),
    }
    return InterviewStart.model_validate(fields | changes)


def a_bank_question(interview_id: UUID, number: int) -> Question:
    """The words behind a planned question. None of them may turn up in a history."""
    return Question(
        slug=f"question-{number}",
        topic=str(interview_id),
        difficulty=Difficulty.EASY,
        prompt="CANARY prompt that no history holds",
        rephrased="CANARY prompt in other words",
        key_points=tuple(
            KeyPoint(id=p, text="CANARY key point", follow_up="Go on?") for p in POINTS
        ),
        model_answer="CANARY model answer of the bank",
    )
