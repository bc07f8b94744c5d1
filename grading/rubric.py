"""What an answer is compared with: the question and its weighted key points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from contracts.questions import Question
from grading.alignment import nearest
from grading.encoder import Encoder
from grading.passage import Passage, Target, normalised, read_passage, read_target
from grading.reading import legible
from grading.words import content_stems

#: A piece that the question or another key point says too keeps at least this part of its weight.
_LEAST_DISTINCTION: Final = 0.001


@dataclass(frozen=True)
class RubricPoint:
    id: str
    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class Rubric:
    """A question's wording and key points, in the bank's order."""

    prompt: str
    points: tuple[RubricPoint, ...]

    @classmethod
    def of(cls, question: Question) -> Rubric:
        points = tuple(RubricPoint(p.id, p.text, p.weight) for p in question.key_points)
        return cls(question.prompt, points)


@dataclass(frozen=True)
class PreparedPoint:
    """`baseline`, 0 to 1: how similar the question and the other key points are to this one.

    That much similarity says nothing about this point.
    """

    point: RubricPoint
    target: Target
    baseline: float


@dataclass(frozen=True)
class PreparedRubric:
    question_stems: frozenset[str]
    points: tuple[PreparedPoint, ...]


def prepare(encoder: Encoder, rubric: Rubric) -> PreparedRubric:
    asked = frozenset(content_stems(rubric.prompt))
    texts = [legible(text) for text in (rubric.prompt, *(point.text for point in rubric.points))]
    passages = [read_passage(encoder, text) if text.strip() else None for text in texts]
    points = []
    for index, (point, text) in enumerate(zip(rubric.points, texts[1:], strict=True), start=1):
        others = [p for at, p in enumerate(passages) if p is not None and at != index]
        points.append(_contrasted(point, read_target(encoder, text, asked), others))
    return PreparedRubric(asked, tuple(points))


def _contrasted(point: RubricPoint, target: Target, others: list[Passage]) -> PreparedPoint:
    """Moves the target's weight to the pieces that set it apart from everything else said.

    Without this an answer that makes the other points is credited with this one too: of key points
    an answer leaves out, the share called covered falls from .48 to .19 (SAF's references) and from
    .26 to .05 (the starter bank).
    """
    if not others:
        return PreparedPoint(point, target, 0.0)
    common = np.clip(np.max([nearest(target, other) for other in others], axis=0), 0.0, 1.0)
    weights = normalised(target.weights * ((1.0 - common) ** 2 + _LEAST_DISTINCTION))
    return PreparedPoint(point, replace(target, weights=weights), float(common @ weights))
