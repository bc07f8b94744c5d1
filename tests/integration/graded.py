"""One question, words that hold its key points, and the grader that asks a served model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from contracts.grades import Grade, PointGrade
from grading.embedded import EmbeddedGrader
from grading.language_model import LanguageModelGrader
from language_models import LanguageModel
from tests.builders import a_question
from tests.fakes.graders import verdicts
from tests.fakes.openai_server import KEY, MODEL, OpenAIServer

QUESTION = a_question()
SAID = "The hash of the key picks, um, a bucket. And two keys may share one, which is a collision."
BUCKET = "The hash of the key picks a bucket"
COLLISION = "two keys may share one, which is a collision"
FULL = verdicts({"bucket": ("covered", BUCKET), "collision": ("covered", COLLISION)})

#: Loaded once for all tests of a run.
_embedded = cache(EmbeddedGrader)


@asynccontextmanager
async def grader_at(
    server: OpenAIServer, within_s: float = 5.0, **changes: str
) -> AsyncIterator[LanguageModelGrader]:
    fields = {"base_url": server.base_url, "api_key": KEY, "model": MODEL} | changes
    model = LanguageModel(**fields, within_s=within_s)
    try:
        yield LanguageModelGrader(model, _embedded())
    finally:
        await model.close()


def points_of(grade: Grade) -> dict[str, PointGrade]:
    return {point.key_point_id: point for point in grade.points}
