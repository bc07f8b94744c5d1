"""What a language model replies when it is asked to grade: to serve from `OpenAIServer`.

They read the request as a model does, out of its words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grading.words import content_stems
from tests.fakes.openai_server import Asked

#: A key point is said by a sentence that holds this share of its content words.
_ENOUGH = 0.5


@dataclass(frozen=True)
class Task:
    """What the model was sent."""

    question: str
    points: list[dict[str, str]]
    said: str

    @classmethod
    def of(cls, asked: Asked) -> Task:
        told = next(m["content"] for m in asked.messages if m["role"] == "user")
        question = re.search(r'^Question: (".*")$', told, re.MULTILINE)
        points = re.search(r"^Key points: (\[.*\])$", told, re.MULTILINE)
        said = re.search(r"^([0-9a-f]{24})\n(.*)\n\1$", told, re.MULTILINE)
        assert question and points and said
        return cls(json.loads(question[1]), json.loads(points[1]), json.loads(said[2]))


def reply(points: list[dict[str, Any]], **changes: Any) -> str:
    """In the form of the schema; `changes` spoil it."""
    fields = {
        "points": points,
        "off_topic": False,
        "instruction_like_text": False,
        "feedback": "You said what the answer needs. Please think about what is left to say.",
    }
    return json.dumps(fields | changes)


def judged(point: str, verdict: str, evidence: str | None) -> dict[str, Any]:
    reason = "The candidate says it." if evidence else "It is not there."
    return {"id": point, "evidence": evidence, "reason": reason, "verdict": verdict}


def careful(asked: Asked) -> str:
    """Covered is what some sentence says in words like the key point's; its beginning is quoted."""
    return reply(careful_points(Task.of(asked)))


def careful_points(task: Task) -> list[dict[str, Any]]:
    return [_careful(point, task.said) for point in task.points]


def _careful(point: dict[str, str], said: str) -> dict[str, Any]:
    wanted = set(content_stems(point["text"]))
    for sentence in re.split(r"(?<=[.!?])\s+", said):
        if len(wanted & set(content_stems(sentence))) >= _ENOUGH * len(wanted):
            return judged(point["id"], "covered", " ".join(sentence.split()[:30]))
    return judged(point["id"], "missed", None)


def verdicts(given: dict[str, tuple[str, str | None]]) -> Callable[[Asked], str]:
    """These verdicts and quotes by key point, whatever was said; the others are missed."""

    def replied(asked: Asked) -> str:
        ids = [point["id"] for point in Task.of(asked).points]
        return reply([judged(each, *given.get(each, ("missed", None))) for each in ids])

    return replied
