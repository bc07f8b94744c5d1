"""What can be said about a question's words by code: leaks, gaps, and what a voice cannot say."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Final

import snowballstemmer

from contracts.questions import KeyPoint, Question

#: A follow-up may share this much of what is new in its key point; more gives the point away.
#: One word of a usual key point (8 to 14 content words) is a tenth; a third is its idea.
LEAK_SHARE: Final = 0.3

#: A model answer that has less of a key point's words than this does not say it.
COVER_SHARE: Final = 0.5

_STOP: Final = frozenset(
    re.findall(
        r"\w+",
        """
        a about after all also an and any are as at be because been before being between both
        but by can could did do does doing done down each else even every few for from further
        get gets give given gives go goes had has have having he her here hers him his how i if
        in into is it its itself just keep keeps kind know let lets like make makes many may
        might more most much must need needs no nor not of off on once one only or other our out
        over own part per put rather same say says she should since so some still such take
        takes tell than that the their them then there these they thing things this those
        through to too two under until up us use used uses using very want was way we well were
        what when where whether which while who whom whose why will with within without would
        you your
        """,
    )
)
_SPEAKABLE: Final = re.compile(r"[A-Za-z\s.,;:?!'’\"“”—–-]")
_CAPITALS: Final = re.compile(r"\b[A-Z]{2,}s?\b")


@cache
def _stem(word: str) -> str:
    stemmed: str = snowballstemmer.stemmer("english").stemWord(word)
    return stemmed


def content_stems(text: str) -> frozenset[str]:
    """Stems of the words that carry meaning."""
    words = re.findall(r"[^\W_]+", text.lower().replace("'s", ""))
    return frozenset(_stem(word) for word in words if word not in _STOP)


def leak_share(question: Question, point: KeyPoint) -> float:
    """The part of what a key point adds to the prompt that its follow-up says: 0 to 1."""
    if point.follow_up is None:
        return 0.0
    known = content_stems(question.prompt) | content_stems(question.rephrased)
    new = content_stems(point.text) - known
    return len(new & content_stems(point.follow_up)) / len(new) if new else 0.0


def cover_share(question: Question, point: KeyPoint) -> float:
    """The part of a key point's words that the model answer has: 0 to 1."""
    stems = content_stems(point.text)
    return len(stems & content_stems(question.model_answer)) / len(stems) if stems else 1.0


def occurs(term: str, question: Question) -> bool:
    """Whether the term is said by the prompt, a key point or the model answer."""
    points = " ".join(point.text for point in question.key_points)
    return _plain(term) in _plain(f"{question.prompt} {points} {question.model_answer}")


def _plain(text: str) -> str:
    words = re.findall(r"[^\W_]+", text.casefold())
    return f" {' '.join(words)} "


def texts(question: Question) -> Iterator[str]:
    """Everything a person wrote into the question."""
    yield from (question.topic, question.prompt, question.rephrased, question.model_answer)
    yield from question.key_terms
    for point in question.key_points:
        yield from (point.text, point.follow_up or "")


def has_control(text: str) -> bool:
    """Whether a character breaks a store or a voice; line ends and tabs do not."""
    return any(unicodedata.category(sign) == "Cc" and sign not in "\n\t" for sign in text)


def unspeakable(text: str) -> str | None:
    """What a voice cannot read as meant, in words, the first such thing; None when all can be."""
    if strange := next((sign for sign in text if not _SPEAKABLE.match(sign)), None):
        return f"'{strange}' cannot be read aloud; write it as a word"
    if capitals := _CAPITALS.search(text):
        spelled = " ".join(capitals.group().rstrip("s"))
        return f"'{capitals.group()}' is read as a word; to have it spelled write '{spelled}'"
    return None
