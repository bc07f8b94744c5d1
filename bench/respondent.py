"""What a simulated candidate answers: the key points, one held back for the follow-up."""

from __future__ import annotations

from contracts.questions import KeyPoint, Question
from questions.loader import starter_bank


class Respondent:
    """Knows the bank by the words it is asked in."""

    def __init__(self) -> None:
        self._by_prompt = {question.prompt: question for question in starter_bank()}
        self._by_follow_up = {
            point.follow_up: point
            for question in starter_bank()
            for point in question.key_points
            if point.follow_up
        }

    def answer(self, prompt: str) -> str:
        """To a question all but its last askable point; to a follow-up the point it is about."""
        if point := self._by_follow_up.get(prompt):
            return spoken(point)
        question = self._by_prompt.get(prompt)
        if question is None:
            return "I am not sure about that one, to be honest."
        kept_back = _kept_back(question)
        said = [spoken(point) for point in question.key_points if point is not kept_back]
        return " ".join(said)


def _kept_back(question: Question) -> KeyPoint | None:
    askable = [point for point in question.key_points if point.follow_up]
    return askable[-1] if askable and len(question.key_points) > 1 else None


def spoken(point: KeyPoint) -> str:
    return point.text if point.text.endswith(".") else f"{point.text}."
