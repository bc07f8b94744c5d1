"""The bank, as it would be drawn from now. Only for organisations: it holds what will be asked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.auth import ServerOnly
from api.bodies import QuestionList, QuestionOut
from api.openapi import READ_REFUSALS
from api.parts import OurParts
from contracts.questions import Difficulty
from db.rows import StoredQuestion

router = APIRouter(prefix="/api/v1/questions", tags=["questions"], responses=READ_REFUSALS)


@router.get("", response_model=QuestionList)
async def questions(
    server: ServerOnly,
    parts: OurParts,
    topic: Annotated[str | None, Query(max_length=60)] = None,
    difficulty: Difficulty | None = None,
) -> Response:
    """The newest version of each question, without what a good answer says."""
    found = await parts.store.questions.current()
    items = [_out(each) for each in found if _wanted(each, topic, difficulty)]
    return Response(QuestionList(items=items).model_dump_json(), media_type="application/json")


def _wanted(stored: StoredQuestion, topic: str | None, difficulty: Difficulty | None) -> bool:
    same_topic = topic is None or stored.question.topic.casefold() == topic.casefold()
    return same_topic and difficulty in (None, stored.question.difficulty)


def _out(stored: StoredQuestion) -> QuestionOut:
    question = stored.question
    return QuestionOut(
        question_id=stored.id,
        slug=question.slug,
        version=question.version,
        topic=question.topic,
        difficulty=question.difficulty,
        prompt=question.prompt,
        time_limit_s=int(question.time_limit.total_seconds()),
    )
