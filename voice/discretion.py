"""What a language model may say aloud. Pure, and strict: what is refused, the script says instead.

The model is not shown what it must not say. But it knows the field, and it has read what the
candidate said, who may have asked for just that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import snowballstemmer

from contracts.questions import Question

LONGEST_ACKNOWLEDGEMENT: Final = 12
SHORTEST_SENTENCE, LONGEST_SENTENCE = 3, 40
#: New words of the key points that one sentence may use by chance; two make a point of it.
_BY_CHANCE: Final = 1

_WORD: Final = re.compile(r"[a-z0-9][a-z0-9+#']*")
_SMALL: Final = (
    "a about all also an and any are as at be been but by can could did do does each for from "
    "had has have how i if in into is it its may me more most my no not of on one only or "
    "other our out over own same should so some such than that the their them then there "
    "these they this those to two up us use used using very was we were what when where which "
    "while who why will with would you your "
)
_FUNCTION_WORDS: Final = frozenset(_WORD.findall(_SMALL))
#: Not one of these is neutral. What is neither here nor there may be said.
_JUDGES: Final = re.compile(
    r"\b(?:correct\w*|incorrect\w*|right|wrong|exact\w*|perfect\w*|great|good|excellent|well|nice|"
    r"wonderful|brilliant|impressive|fantastic|awesome|amazing|true|false|mistake\w*|error|errors|"
    r"miss(?:ed|ing)?|forg[eo]t\w*|incomplete|complete|partly|partially|almost|nearly|close|"
    r"not quite|unfortunately|however|actually|score|points?|grade\w*|pass(?:ed)?|fail(?:ed)?|"
    r"agree|disagree|spot on|indeed|of course not|hint|answer is|should have|remember)\b"
)
_SIGNS: Final = re.compile(r"[^\w\s.,;:?!'\"()/+#%&$-]|[`*_{}\[\]<>|\\]")

_stemmer = snowballstemmer.stemmer("english")


def may_acknowledge(text: str) -> bool:
    """One short sentence that says nothing about the answer and asks nothing."""
    words = _words(text)
    return (
        0 < len(words) <= LONGEST_ACKNOWLEDGEMENT
        and "?" not in text
        and _is_english(text)
        and not _JUDGES.search(text.lower())
    )


def may_ask(sentence: str, question: Question, known: Iterable[str]) -> bool:
    """A sentence of a question that gives no key point away. `known`: what was said aloud before,
    by either side; its words tell nothing new."""
    words = _words(sentence)
    if not SHORTEST_SENTENCE <= len(words) <= LONGEST_SENTENCE or not _is_english(sentence):
        return False
    if _JUDGES.search(" ".join(words)) and not _JUDGES.search(question.prompt.lower()):
        return False
    new = _stems([sentence]) - _stems(known)
    return all(len(new & _stems([point.text])) <= _BY_CHANCE for point in question.key_points)


def _is_english(text: str) -> bool:
    """Plain words, with the small words that every English sentence has."""
    words = _words(text)
    plain = text.isascii() and not _SIGNS.search(text)
    return plain and (len(words) < 5 or any(word in _FUNCTION_WORDS for word in words))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _stems(texts: Iterable[str]) -> set[str]:
    words = {word for text in texts for word in _words(text)} - _FUNCTION_WORDS
    return set(_stemmer.stemWords(sorted(words)))
