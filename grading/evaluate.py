"""`codevoice grade eval`: how far a grader agrees with people, and how long it takes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict

from contracts.grades import Grade
from grading.agreement import Figure, Figures, Marks, calibrated, figures
from grading.graded_answers import GradedAnswer, GradedAnswers, read_graded_answers
from grading.rubric import Rubric

#: Marks are compared by kappa in this many equal steps above 0, as the Mohler graders gave them.
_STEPS: Final = 5
#: Fewer answers to one question give no interval worth printing.
_LEAST_ANSWERS: Final = 10


class RubricGrader(Protocol):
    """What an evaluation needs of a grader."""

    @property
    def version(self) -> str: ...

    async def grade_against(self, rubric: Rubric, answer: str) -> Grade: ...


class QuestionAgreement(BaseModel):
    model_config = ConfigDict(frozen=True)

    question_id: str
    figures: Figures


class Latency(BaseModel):
    """Per answer, in milliseconds, one answer after the other."""

    model_config = ConfigDict(frozen=True)

    p50_ms: float
    p95_ms: float
    words_median: float


class Agreement(BaseModel):
    """Agreement of one grader with people on one file. All marks are on 0 to `scale`.

    `raw` is the grader as it is, nothing fitted to the file. `calibrated` maps its scores by a
    rising curve learnt on all other questions: how well it ranks, apart from how strict it is.
    `people` compares the file's two graders, and `grader_to_mean` each with the published mean:
    that one flatters, since each is half of the mean. None where a file has one mark only.
    Kappa counts marks in steps of `step`; intervals are 95 %, from resampling questions, and for a
    single question of ten answers or more from resampling its answers.
    """

    model_config = ConfigDict(frozen=True)

    layout: str
    grader_version: str
    scale: float
    step: float
    answers: int
    questions: int
    left_out: int
    raw: Figures
    calibrated: Figures
    people: Figures | None
    grader_to_mean: tuple[Figures, ...] = ()
    by_question: tuple[QuestionAgreement, ...]
    latency: Latency

    def rows(self) -> list[tuple[str, ...]]:
        """A table with its header: the overall figures with intervals, then each question's."""
        overall = [("raw", self.raw), ("calibrated", self.calibrated)]
        if self.people is not None:
            overall.append(("grader and grader", self.people))
        overall += [
            (f"grader {place} and mean", figures)
            for place, figures in enumerate(self.grader_to_mean, 1)
        ]
        single = [(f"question {q.question_id}", q.figures) for q in self.by_question]
        header = ("", "answers", "r", "RMSE", "QWK", "mean", "human mean")
        return [header, *(_row(name, figures) for name, figures in (*overall, *single))]


async def evaluate(path: Path, grader: RubricGrader) -> Agreement:
    """Grades every answer in the file. InvalidInput for a file in neither layout.

    Rows marked as no open question are left out and counted.
    """
    data = read_graded_answers(path)
    ours, seconds = await _graded(data, grader)
    human = np.array([answer.score for answer in data.answers])
    names = [answer.question_id for answer in data.answers]
    step = data.best / _STEPS
    return Agreement(
        layout=data.layout,
        grader_version=grader.version,
        scale=data.best,
        step=step,
        answers=len(data.answers),
        questions=len(set(names)),
        left_out=data.left_out,
        raw=figures(ours, human, step, names),
        calibrated=figures(calibrated(ours, human, names), human, step, names),
        people=_people(data.answers, step, names),
        grader_to_mean=_to_mean(data.answers, human, step, names),
        by_question=_by_question(ours, human, step, names),
        latency=_latency(seconds, data.answers),
    )


async def _graded(data: GradedAnswers, grader: RubricGrader) -> tuple[Marks, Marks]:
    """Scores on the file's scale, and the seconds each took with its rubric prepared."""
    scores, seconds = [], []
    for rubric in dict.fromkeys(answer.rubric for answer in data.answers):
        await grader.grade_against(rubric, "")
    for answer in data.answers:
        began = time.perf_counter()
        grade = await grader.grade_against(answer.rubric, answer.answer)
        seconds.append(time.perf_counter() - began)
        scores.append(grade.score / 10 * data.best)
    return np.array(scores), np.array(seconds)


def _people(answers: tuple[GradedAnswer, ...], step: float, names: list[str]) -> Figures | None:
    if len(answers[0].marks) != 2:
        return None
    first, second = np.array([answer.marks for answer in answers]).T
    return figures(first, second, step, names)


def _to_mean(
    answers: tuple[GradedAnswer, ...], human: Marks, step: float, names: list[str]
) -> tuple[Figures, ...]:
    marks = np.array([answer.marks for answer in answers])
    return tuple(figures(column, human, step, names) for column in marks.T)


def _by_question(
    ours: Marks, human: Marks, step: float, names: list[str]
) -> tuple[QuestionAgreement, ...]:
    order = np.array(names)
    found = []
    for name in dict.fromkeys(names):
        rows = np.flatnonzero(order == name)
        alone = len(rows) >= _LEAST_ANSWERS
        groups = list(map(str, rows)) if alone else [name] * len(rows)
        single = figures(ours[rows], human[rows], step, groups)
        found.append(QuestionAgreement(question_id=name, figures=single))
    return tuple(found)


def _latency(seconds: Marks, answers: tuple[GradedAnswer, ...]) -> Latency:
    p50, p95 = np.percentile(seconds * 1000, [50, 95])
    words = np.median([len(answer.answer.split()) for answer in answers])
    return Latency(p50_ms=round(p50, 1), p95_ms=round(p95, 1), words_median=float(words))


def _row(name: str, figures: Figures) -> tuple[str, ...]:
    return (
        name,
        str(figures.answers),
        _shown(figures.r),
        _shown(figures.rmse),
        _shown(figures.qwk),
        f"{figures.mean:.2f}",
        f"{figures.human_mean:.2f}",
    )


def _shown(figure: Figure) -> str:
    if figure.value is None:
        return "-"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
