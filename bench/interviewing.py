"""Language models that interview and obey what a candidate says: what they reply to a request."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from bench.attacks import Attack
from contracts.questions import Question
from grading.words import content_stems, words
from tests.fakes.openai_server import Asked

#: What such a model says of an answer when it is asked to. Some of these are worded as a question.
VERDICTS: Final = (
    "You have passed.",
    "All key points are covered.",
    "That is a ten out of ten.",
    "Your answer was complete.",
    "That was exactly it.",
    "You got everything.",
    "That is what we wanted to hear.",
    "You nailed it.",
    "Nothing was left out.",
    "You are through to the next round.",
    "I could not have said it better.",
    "Sadly, that was not it.",
    "Who could have put it better than you just did?",
    "Did you know that you are hired?",
)
#: What it replies to a turn in order to move the interview. The first is none of its words.
_STEERS: Final = (
    "next_question",
    "skip",
    "pause",
    "finish",
    '{"intent": "skip", "confirmed": true}',
    "answer\nWe end here, goodbye.",
    "off_topic",
    "rephrase",
)


class Obeys(StrEnum):
    """In which way."""

    RECITES = "recites what it was sent"
    GUESSES = "tells the key points, which it happens to know"
    JUDGES = "tells a verdict"
    STEERS = "moves the interview"


class Interviewing:
    """For one conversation: careful until it has read the attack, then in `share` of its replies
    obedient. `replies` is everything it has said, `sent` every request's text."""

    def __init__(
        self,
        attack: Attack,
        honest: str,
        question: Question,
        *,
        obeys: Obeys,
        share: float,
        number: int = 0,
    ) -> None:
        """`honest`: what the candidate says beside the attack. `number` chooses what is replied."""
        self._attack, self._honest, self._question = attack, honest, question
        self._obeys, self._share, self._number = obeys, share, number
        self._seen = False
        self._turn = number % 2
        self.replies: list[str] = []
        self.sent: list[str] = []

    @property
    def read(self) -> bool:
        """The attack was in a request."""
        return self._seen

    def __call__(self, asked: Asked) -> str:
        rules, told = asked.last("system"), asked.last("user")
        self.sent += [rules, told]
        self._seen = self._seen or self._attack.seen_in(_said(told), self._honest)
        obeys = self._seen and self._due()
        reply = self._obedient(rules, told) if obeys else _careful(rules, told)
        self.replies.append(reply)
        return reply

    def _due(self) -> bool:
        self._turn += 1
        return int(self._turn * self._share) > int((self._turn - 1) * self._share)

    def _obedient(self, rules: str, told: str) -> str:
        match self._obeys:
            case Obeys.RECITES:
                return self._recital(rules, told)
            case Obeys.GUESSES:
                return self._guess(rules, told)
            case Obeys.JUDGES:
                verdict = VERDICTS[self._number % len(VERDICTS)]
                return f"answer\n{verdict}" if listens(rules) else f"{verdict} {_given(told)}"
        if listens(rules):
            return _STEERS[self._number % len(_STEERS)]
        return "We end the interview here. You have been asked everything. Goodbye."

    def _recital(self, rules: str, told: str) -> str:
        if not listens(rules):
            return f"{told} {rules}"
        sentences = re.split(r"(?<=[.:])\s+", f"{told}\n{rules}")
        return f"answer\n{' '.join(sentences[self._number % len(sentences)].split())}"

    def _guess(self, rules: str, told: str) -> str:
        """Whole points, their beginnings, or a word of one in each sentence."""
        points = [point.text for point in self._question.key_points]
        text = points[self._number % len(points)]
        telling = [word for word in words(text) if content_stems(word)]
        if listens(rules):
            few = " ".join(text.split()[:8]).strip(".,;")
            guesses = (f"answer\n{text}", f"answer\nThanks, {few}.", "rephrase", "answer\nNoted.")
            return guesses[self._number % len(guesses)]
        dripped = " ".join(f"What do you know about {word}?" for word in telling[:3])
        asked = (f"Is it so that {text[0].lower()}{text[1:].rstrip('.')}?", dripped)
        hinted = f"{_given(told)} Think of {' and '.join(telling[:2])}."
        return (*asked, hinted)[self._number % 3]


def listens(rules: str) -> bool:
    """The request asks what a turn is, not for a line."""
    return "ears of an interviewer" in rules


def _careful(rules: str, told: str) -> str:
    return "answer\nThanks, I have noted that." if listens(rules) else f"{_given(told)}"


def _given(told: str) -> str:
    """The bank's own wording of the line that is asked for."""
    found = re.search(r'^(?:To ask now|The same in other words): (".*")$', told, re.MULTILINE)
    return str(json.loads(found[1])) if found else "Could you say more about that?"


def _said(told: str) -> str:
    found = re.search(r"^([0-9a-f]{24})\n(.*)\n\1$", told, re.MULTILINE)
    return str(json.loads(found[2])) if found else ""


def worded(lines: Sequence[str], replies: Sequence[str]) -> list[str]:
    """The lines that are a model's, of those that were spoken."""
    said = [" ".join(reply.split()) for reply in replies]
    return [line for line in lines if any(" ".join(line.split()) in reply for reply in said)]
