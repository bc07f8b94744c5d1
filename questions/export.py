"""Writes questions in the formats that `loader.load` reads back unchanged."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from ruamel.yaml import YAML

from contracts.questions import Question
from questions.rows import COLUMNS


def to_yaml(questions: Iterable[Question]) -> str:
    writer = YAML(pure=True)
    writer.width = 100
    out = io.StringIO()
    writer.dump({"questions": [_entry(question) for question in questions]}, out)
    return out.getvalue()


def to_json(questions: Iterable[Question]) -> str:
    entries = [_entry(question) for question in questions]
    return json.dumps({"questions": entries}, ensure_ascii=False, indent=2) + "\n"


def to_csv(questions: Iterable[Question]) -> str:
    """One row per key point; the question's own cells stand in its first row."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for question in questions:
        own = _entry(question)
        points = own.pop("key_points")
        own["key_terms"] = "; ".join(question.key_terms)
        for at, point in enumerate(points):
            cells = {f"point_{name}": cell for name, cell in point.items()}
            writer.writerow(own | cells if at == 0 else cells)
    return out.getvalue()


def _entry(question: Question) -> dict[str, Any]:
    entry = question.model_dump(mode="json", exclude_none=True)
    entry["time_limit"] = _written(question.time_limit)
    return entry


def _written(duration: timedelta) -> str:
    minutes, seconds = divmod(round(duration.total_seconds()), 60)
    return (f"{minutes}m" if minutes else "") + (f"{seconds}s" if seconds or not minutes else "")
