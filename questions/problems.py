"""What is wrong with a question file, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Weight(StrEnum):
    ERROR = "error"  # the bank is refused
    ADVICE = "advice"  # the bank loads; a person should look


@dataclass(frozen=True, order=True)
class Problem:
    """`line` counts from 1. `str()` is what a person reads: "databases.yaml:12: ..."."""

    file: str
    line: int
    text: str
    weight: Weight = Weight.ERROR

    def __str__(self) -> str:
        note = "" if self.weight is Weight.ERROR else "advice: "
        return f"{self.file}:{self.line}: {note}{self.text}"


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(problem for problem in problems if problem.weight is Weight.ERROR)
