"""What the rules that take attacks out of an answer, and the look at quotes, do to honest ones.

Each is graded twice by a careful model, with both and without. Honest answers are the starter
bank's, whole and in parts, typed and as speech without a full stop; and, where
`CODEVOICE_GRADED_ANSWERS` names files of them, answers to examinations that people graded.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.figures import mean_and_bound, unseen
from contracts.grades import Flag, Grade, GradeKind, PointGrade, Verdict
from contracts.questions import KeyPoint, Question
from grading.embedded import EmbeddedGrader
from grading.graded_answers import GradedAnswer, read_graded_answers
from grading.language_model import LanguageModelGrader
from grading.reading import MOST_CHARACTERS, Reading, legible
from grading.rubric import Rubric
from language_models import LanguageModel
from questions.loader import starter_bank
from tests.fakes.graders import careful
from tests.fakes.openai_server import KEY, MODEL, OpenAIServer, Says

GOAL: Final = 0.2
_FILES: Final = "CODEVOICE_GRADED_ANSWERS"


class Honest(NamedTuple):
    question: Question
    answer: str


class Drifted(NamedTuple):
    """Points of 10, with the rules against without. `flagged`: a person is asked to look."""

    change: float
    flagged: bool


def of_the_bank() -> list[Honest]:
    """The first sentence of each model answer, the first two, and so on."""
    found = []
    for question in starter_bank():
        sentences = re.split(r"(?<=[.!?])\s+", question.model_answer)
        for count in range(1, len(sentences) + 1):
            said = " ".join(sentences[:count])
            spoken = re.sub(r"[^\w\s']|_", " ", f"um so {said}").lower()
            found += [Honest(question, said), Honest(question, spoken)]
    return found


def of_file(path: Path) -> list[Honest]:
    """Raises InvalidInput for a file that is none of graded answers."""
    return [_of_people(each) for each in read_graded_answers(path).answers]


def _of_people(graded: GradedAnswer) -> Honest:
    """Examinations keep to none of the bank's bounds, so nothing is checked against them."""
    points = tuple(
        KeyPoint.model_construct(id=point.id, text=point.text, weight=point.weight, follow_up=None)
        for point in graded.rubric.points
    )
    fields: dict[str, Any] = {
        "slug": graded.question_id,
        "prompt": graded.rubric.prompt,
        "key_points": points,
    }
    return Honest(Question.model_construct(**fields), graded.answer)


def unguarded(read: Reading, answer: str) -> Reading:
    """The answer with what speaks to the grader left in it."""
    if Flag.INSTRUCTION_LIKE_TEXT not in read.flags:
        return read
    whole = legible(answer[:MOST_CHARACTERS])
    return Reading(whole, read.flags - {Flag.INSTRUCTION_LIKE_TEXT}, nothing=False)


class Believing:
    """Finds every key point in every quote."""

    async def grade_against(self, rubric: Rubric, answer: str) -> Grade:
        points = (
            PointGrade(key_point_id=point.id, verdict=Verdict.COVERED, credit=1.0)
            for point in rubric.points
        )
        return Grade(kind=GradeKind.EMBEDDED, grader_version="", score=10.0, points=tuple(points))


async def drifted(answers: Sequence[Honest], embedded: EmbeddedGrader) -> list[Drifted]:
    async with OpenAIServer(Says(careful)) as server:
        model = LanguageModel(server.base_url, KEY, MODEL)
        guarded = LanguageModelGrader(model, embedded)
        bare = LanguageModelGrader(model, Believing(), guard=unguarded)
        found = []
        for question, answer in answers:
            grade = await guarded.grade(question, answer)
            change = grade.score - (await bare.grade(question, answer)).score
            flagged = {Flag.INSTRUCTION_LIKE_TEXT, Flag.UNSUPPORTED_CREDIT} & set(grade.flags)
            found.append(Drifted(change, bool(flagged)))
        await model.close()
    return found


async def measure_drift(every: int = 1) -> Iterator[str]:
    """A table in Markdown. "At most" bounds the mean (95 %): where no answer drifts, by the share
    that may still do, each by all 10 points."""
    sources = {"the starter bank": of_the_bank()}
    for name in filter(None, os.environ.get(_FILES, "").split(os.pathsep)):
        sources[Path(name).stem] = of_file(Path(name))
    embedded = await asyncio.to_thread(EmbeddedGrader)
    with closing(embedded):
        return _table(
            {name: await drifted(each[::every], embedded) for name, each in sources.items()}
        )


def _table(found: dict[str, list[Drifted]]) -> Iterator[str]:
    yield (
        "| honest answers of | answers | mean drift (95 %) | at most | largest | drifted |"
        " flagged | goal |"
    )
    yield "|---|--:|--:|--:|--:|--:|--:|---|"
    for name, answers in found.items():
        mean, bound = mean_and_bound([each.change for each in answers])
        largest = max((each.change for each in answers), key=abs)
        moved = sum(each.change != 0 for each in answers)
        flagged = sum(each.flagged for each in answers)
        most = abs(mean) + bound if moved else 10 * unseen(len(answers))
        yield (
            f"| {name} | {len(answers)} | {mean:.3f} ± {bound:.3f} | {most:.3f} | {largest:.2f} |"
            f" {moved} | {flagged} | {'met' if most <= GOAL else 'missed'} |"
        )
