"""What a simulated candidate answers: well at first, then with gaps, so that scores tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from contracts.questions import KeyPoint, Question
from questions.loader import starter_bank

UNSURE: Final = "I am not sure about that one, to be honest."
#: Of each new question one more point is unknown, up to this many; then all are known again.
MOST_UNKNOWN: Final = 2


class Respondent:
    """Knows the bank by the words it is asked in. The same question gets the same answer."""

    def __init__(self) -> None:
        self._by_prompt = {question.prompt: question for question in starter_bank()}
        self._by_follow_up = {
            point.follow_up: point
            for question in starter_bank()
            for point in question.key_points
            if point.follow_up
        }
        self._known: dict[str, Sequence[KeyPoint]] = {}

    def answer(self, prompt: str) -> str:
        """To a question what it knows but for one point; to a follow-up that point, if known."""
        if point := self._by_follow_up.get(prompt):
            known = any(point in points for points in self._known.values())
            return spoken(point) if known else UNSURE
        question = self._by_prompt.get(prompt)
        if question is None:
            return UNSURE
        kept_back = _kept_back(question)
        said = [spoken(point) for point in self._knows(question) if point is not kept_back]
        return " ".join(said)

    def _knows(self, question: Question) -> Sequence[KeyPoint]:
        if question.prompt not in self._known:
            unknown = len(self._known) % (MOST_UNKNOWN + 1)
            kept_back = _kept_back(question)
            hardest_last = sorted(question.key_points, key=lambda point: point is kept_back)
            self._known[question.prompt] = hardest_last[: max(1, len(hardest_last) - unknown)]
        return self._known[question.prompt]


def _kept_back(question: Question) -> KeyPoint | None:
    askable = [point for point in question.key_points if point.follow_up]
    return askable[-1] if askable and len(question.key_points) > 1 else None


def spoken(point: KeyPoint) -> str:
    return point.text if point.text.endswith(".") else f"{point.text}."
