"""What a language model may say aloud. Pure, and strict: what is refused, the script says instead.

The model is not shown what it must not say. But it knows the field, and it has read what the
candidate said, who may have asked for just that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
#: An acknowledgement has no other words: whatever is made of these says nothing about an answer.
_NEUTRAL: Final = frozenset(
    _WORD.findall(
        "thanks okay ok noted note noting noticed understood heard hear hearing got have i've i'll "
        "make made written write down take taken taking sharing telling talking walking describing "
        "explaining going through let let's us we we'll i me my your answer response explanation "
        "thoughts words reply view approach reasoning move moving go on along next continue carry "
        "proceed now then so and for of to with in the a an that this it one just moment please"
    )
)
#: A sentence that asks without a question mark begins with one of these.
_ASKS: Final = re.compile(
    r"(?:please|now|so|and|then|okay|ok|thanks)?[\s,]*\b(?:explain|describe|tell|walk|talk|say|show|"
    r"give|name|compare|list|outline|imagine|suppose|consider|think|take|put|define)\b"
)
#: What leads up to a question may hold these beside what was said aloud before.
_LEADS: Final = frozenset(
    _WORD.findall(
        "said say spoke speak talked talk mentioned mention named brought touched described thanks "
        "thank okay ok noted let us stay look come back go on now here still staying going coming "
        "more further last next question answer like know ask"
    )
)
#: Not one of these is neutral. What is neither here nor there may be asked.
_JUDGES: Final = re.compile(
    r"\b(?:correct\w*|incorrect\w*|right|wrong|exact\w*|perfect\w*|great|good|excellent|well|nice|"
    r"wonderful|brilliant|impressive|fantastic|awesome|amazing|true|false|mistake\w*|error|errors|"
    r"miss(?:ed|ing)?|forg[eo]t\w*|incomplete|complete|partly|partially|almost|nearly|close|"
    r"not quite|unfortunately|however|actually|score|points?|grade\w*|pass(?:ed)?|fail(?:ed)?|"
    r"agree|disagree|spot on|indeed|of course not|hint|answer is|should have|remember|covered|"
    r"strong|weak|solid|nailed|flawless\w*|deduct\w*|marks?|full credit|impress\w*|thorough\w*|"
    r"bravo|congratulat\w*|succe(?:ed\w*|ss\w*)|satisf\w*|verdict\w*|rubric\w*|examiner\w*)\b"
)
_SIGNS: Final = re.compile(r"[^\w\s.,;:?!'\"()/+#%&$-]|[`*_{}\[\]<>|\\]")

_stemmer = snowballstemmer.stemmer("english")


def may_acknowledge(text: str) -> bool:
    """One short sentence that says nothing about the answer, nothing of it, and asks nothing."""
    words = _words(text.lower().replace("thank you", "thanks"))
    return (
        0 < len(words) <= LONGEST_ACKNOWLEDGEMENT
        and "?" not in text
        and _is_english(text)
        and _NEUTRAL.issuperset(words)
    )


def may_ask(
    sentence: str, question: Question, known: Sequence[str], before: Sequence[str] = ()
) -> bool:
    """A sentence of a question that gives no key point away. `known`: what was said aloud before,
    by either side; its words tell nothing new. `before`: the same line's sentences so far."""
    words = _words(sentence)
    if not SHORTEST_SENTENCE <= len(words) <= LONGEST_SENTENCE or not _is_english(sentence):
        return False
    asks = sentence.rstrip().endswith("?") or _ASKS.match(sentence.lower())
    if _judgements([sentence]) - _judgements(_asked_aloud(question) if asks else ()):
        return False
    if not asks and _stems([sentence]) - _stems(known) - _LED:
        return False
    new = _stems([*before, sentence]) - _stems(known)
    return all(len(new & _stems([point.text])) <= _BY_CHANCE for point in question.key_points)


def _judgements(texts: Iterable[str]) -> set[str]:
    return {found for text in texts for found in _JUDGES.findall(text.lower())}


def _asked_aloud(question: Question) -> list[str]:
    """The bank's own wordings: what they say is no verdict."""
    follow_ups = (point.follow_up for point in question.key_points)
    return [question.prompt, question.rephrased, *(text for text in follow_ups if text)]


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


_LED: Final = frozenset(_stems(_LEADS))
