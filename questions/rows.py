"""Reads CSV: one row per key point; a row with an empty slug belongs to the question above it."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

from questions.sources import Source

QUESTION_COLUMNS: Final = (
    "slug",
    "version",
    "topic",
    "difficulty",
    "prompt",
    "rephrased",
    "model_answer",
    "key_terms",
    "time_limit",
)
POINT_COLUMNS: Final = ("point_id", "point_text", "point_weight", "point_follow_up")
COLUMNS: Final = QUESTION_COLUMNS + POINT_COLUMNS
_OPTIONAL: Final = {"version", "key_terms", "time_limit", "point_weight", "point_follow_up"}


def read_csv(text: str, file: str) -> Source:
    """The same shape of value as `read_yaml` gives, with the line of every question and point."""
    source = Source(file)
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        header = set(rows.fieldnames or ())
        for name in sorted(header - set(COLUMNS)):
            source.blame((), f"unknown column '{name}'")
        for name in sorted(set(COLUMNS) - _OPTIONAL - header):
            source.blame((), f"column '{name}' is missing")
        if not source.problems:
            source.value = {"questions": _questions(rows, source)}
    except csv.Error as error:
        source.blame_line(rows.line_num, f"not CSV: {error}")
    return source


def _questions(rows: csv.DictReader[str], source: Source) -> list[dict[str, Any]]:
    questions: list[dict[str, Any]] = []
    for row in rows:
        if None in row:
            source.blame_line(rows.line_num, "more cells than columns")
            continue
        cells = {name: (cell or "").strip() for name, cell in row.items()}
        if cells["slug"]:
            source.lines["questions", len(questions)] = rows.line_num
            questions.append(_question(cells))
        if not questions:
            source.blame_line(rows.line_num, "a key point stands before the first slug")
        elif point := _point(cells):
            points = questions[-1]["key_points"]
            place = ("questions", len(questions) - 1, "key_points", len(points))
            source.lines[place] = rows.line_num
            points.append(point)
    return questions


def _question(cells: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {name: cells[name] for name in QUESTION_COLUMNS if cells.get(name)}
    terms = (term.strip() for term in cells.get("key_terms", "").split(";"))
    return found | {"key_terms": [term for term in terms if term], "key_points": []}


def _point(cells: dict[str, str]) -> dict[str, str]:
    return {name.removeprefix("point_"): cells[name] for name in POINT_COLUMNS if cells.get(name)}
