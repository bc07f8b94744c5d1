"""Grading: seconds for an answer by its length, and agreement with human graders where data is."""

from __future__ import annotations

import time
from pathlib import Path

from bench.figures import Figure, spread
from grading.embedded import EmbeddedGrader
from grading.evaluate import evaluate
from questions.loader import starter_bank


async def measure_grading(data: list[Path], *, rounds: int) -> list[Figure]:
    """The bank's model answers, cut or repeated to stated lengths, with the rubric cached."""
    grader = EmbeddedGrader()
    questions = starter_bank()[:rounds]
    figures: list[Figure] = []
    for words in (30, 80, 170, 390):
        took = []
        for question in questions:
            text = " ".join((question.model_answer.split() * 20)[:words])
            await grader.grade(question, text)
            began = time.perf_counter()
            await grader.grade(question, text)
            took.append(1000 * (time.perf_counter() - began))
        figures += spread(f"grading {words} words", took, "ms")
    for file in data:
        figures += await _agreement(file, grader)
    return figures


async def _agreement(file: Path, grader: EmbeddedGrader) -> list[Figure]:
    """With the people who graded the file's answers; intervals where it has questions enough."""
    found = (await evaluate(file, grader)).raw
    named = {"r": found.r, "RMSE": found.rmse, "QWK": found.qwk}
    return [
        Figure(
            name=f"{file.stem}: {name}",
            value=each.value,
            unit="",
            low=each.low,
            high=each.high,
            count=found.answers,
        )
        for name, each in named.items()
        if each.value is not None
    ]
