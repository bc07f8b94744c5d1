"""Answers graded by people, read from CSV files in the layouts of Mohler 2011 and SAF."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from contracts.errors import InvalidInput
from grading.rubric import Rubric, RubricPoint
from grading.words import content_stems, words

#: Longest field read: an answer of 30 minutes several times over.
_LONGEST_FIELD: Final = 1_000_000
_SENTENCE_END: Final = re.compile(r"(?<=[.!?;])\s+|\n+")
_BULLET: Final = " \t-•●*"


class Layout(StrEnum):
    MOHLER = "mohler"
    SAF = "saf"


@dataclass(frozen=True)
class _Columns:
    reference: str
    score: str
    best: float  # the best mark people gave; the worst is 0
    graders: tuple[str, ...]


_COLUMNS: Final = {
    Layout.MOHLER: _Columns("desired_answer", "score_avg", 5.0, ("score_grader1", "score_grader2")),
    Layout.SAF: _Columns("reference_answer", "score", 1.0, ()),
}
_COMMON: Final = ("question_id", "question", "student_answer")


@dataclass(frozen=True)
class GradedAnswer:
    """`question_id` is text: "11.1" and "11.10" are two questions.

    Where a file uses one id for several questions, they are told apart as "2.1", "2.1 (2)", ...
    `marks` are the single graders', where the file has them.
    """

    question_id: str
    rubric: Rubric
    answer: str
    score: float
    marks: tuple[float, ...]


@dataclass(frozen=True)
class GradedAnswers:
    """`left_out`: rows marked as no open question (a choice, a computed value)."""

    layout: Layout
    best: float
    answers: tuple[GradedAnswer, ...]
    left_out: int


def read_graded_answers(path: Path) -> GradedAnswers:
    """InvalidInput for a file that cannot be read, naming the column and the line."""
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            layout = _layout(list(reader.fieldnames or ()))
            return _answers(layout, _rows(reader))
    except OSError as failure:
        raise InvalidInput(f"cannot read {path.name}: {failure.strerror}", field="data") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path.name} is not UTF-8 text", field="data") from None
    except csv.Error as failure:
        raise InvalidInput(f"{path.name} is not a CSV file: {failure}", field="data") from None


def key_points(reference: str) -> tuple[RubricPoint, ...]:
    """A reference answer as key points: its sentences and list entries, each weighing the same.

    A heading or a fragment of one word goes in front of what follows it.
    """
    pieces: list[str] = []
    pending = ""
    for piece in _SENTENCE_END.split(reference):
        text = f"{pending} {piece.strip(_BULLET)}".strip()
        pending = text if text.endswith(":") or len(content_stems(text)) < 2 else ""
        if text and not pending:
            pieces.append(text)
    if words(pending):
        pieces.append(pending)
    return tuple(RubricPoint(f"point-{index}", text) for index, text in enumerate(pieces, 1))


def _layout(header: list[str]) -> Layout:
    for layout, columns in _COLUMNS.items():
        if columns.reference in header and columns.score in header:
            wanted = (*_COMMON, *columns.graders)
            missing = [name for name in wanted if name not in header]
            if missing:
                raise InvalidInput(f"line 1: no column {missing[0]}", field=missing[0])
            return layout
    known = " or ".join(f"{c.reference} with {c.score}" for c in _COLUMNS.values())
    raise InvalidInput(f"line 1: no column {known}", field="data")


def _rows(reader: csv.DictReader[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows with the line each ends at; fields missing at a row's end are refused."""
    for row in reader:
        missing = [name for name, value in row.items() if value is None]
        if missing:
            raise InvalidInput(f"line {reader.line_num}: no {missing[0]}", field=missing[0])
        if None in row:
            raise InvalidInput(f"line {reader.line_num}: more fields than columns", field="data")
        yield reader.line_num, row


def _answers(layout: Layout, rows: Iterator[tuple[int, dict[str, str]]]) -> GradedAnswers:
    columns, names = _COLUMNS[layout], _Names()
    rubrics: dict[str, Rubric] = {}
    answers: list[GradedAnswer] = []
    left_out = 0
    for line, row in rows:
        if row.get("open_ended", "1").strip() not in {"1", "1.0", "true", "True"}:
            left_out += 1
            continue
        name = names.of(row["question_id"].strip(), row["question"])
        if name not in rubrics:
            rubrics[name] = _rubric(line, row, columns)
        answers.append(_answer(line, row, columns, name, rubrics[name]))
    if not answers:
        raise InvalidInput("the file holds no graded answer", field="data")
    return GradedAnswers(layout, columns.best, tuple(answers), left_out)


class _Names:
    """Tells questions that share an id apart."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}

    def of(self, question_id: str, text: str) -> str:
        texts = self._texts.setdefault(question_id, [])
        if text not in texts:
            texts.append(text)
        place = texts.index(text)
        return question_id if place == 0 else f"{question_id} ({place + 1})"


def _rubric(line: int, row: dict[str, str], columns: _Columns) -> Rubric:
    points = key_points(row[columns.reference])
    if not points:
        raise InvalidInput(f"line {line}: {columns.reference} is empty", field=columns.reference)
    return Rubric(row["question"], points)


def _answer(
    line: int, row: dict[str, str], columns: _Columns, name: str, rubric: Rubric
) -> GradedAnswer:
    if not name:
        raise InvalidInput(f"line {line}: question_id is empty", field="question_id")
    return GradedAnswer(
        question_id=name,
        rubric=rubric,
        answer=row["student_answer"],
        score=_mark(line, row, columns.score, columns.best),
        marks=tuple(_mark(line, row, column, columns.best) for column in columns.graders),
    )


def _mark(line: int, row: dict[str, str], column: str, best: float) -> float:
    try:
        mark = float(row[column])
    except ValueError:
        mark = math.nan
    if not 0 <= mark <= best:
        raise InvalidInput(
            f"line {line}: {column} is not a number from 0 to {best:g}", field=column
        )
    return mark
