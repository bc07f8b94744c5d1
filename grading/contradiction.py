"""A key point said nearly word for word, but negated.

Similarity cannot tell "is" from "is not". Looser rules than this one were tried on human-graded
answers and fired as often on right answers as on wrong ones. This one asks for a place in one
sentence that holds the key point's own words and hardly any other, with a negation the key point
does not have. A key point that itself negates is left alone: right answers say those without "not"
("omitting the base case" for "the base case is not included").
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from grading.words import STOP, WORD, stem

#: Share of the key point's stems that have to stand there; and of the stems there, of its own.
_SHARE: Final = 0.8
_LEAST_STEMS: Final = 3
#: How many function words, the negation among them, may stand before what is negated.
_REACH: Final = 4

_NEGATION: Final = re.compile(
    r"not|never|no|cannot|without|neither|nor|none|nobody|nothing|hardly|\w+n't|\w+n’t"
)
_ENDS_SENTENCE: Final = re.compile(r"[.!?;\n]")
#: "not only", "not just": said of what holds. "or not": of what may hold.
_NO_NEGATION_BEFORE: Final = frozenset({"only", "just", "merely", "necessarily", "matter"})


@dataclass(frozen=True)
class _Word:
    start: int
    end: int
    stem: str | None  # None for function words
    negates: bool


def negated_at(point: str, answer: str) -> tuple[int, int] | None:
    """Where the answer negates the point, as (start, end); None where it does not.

    None also where another sentence says the point as it is.
    """
    wanted = _words_of(point)
    stems = {word.stem for word in wanted if word.stem is not None}
    if len(stems) < _LEAST_STEMS or any(word.negates for word in wanted):
        return None
    found = None
    for sentence in _sentences(answer):
        run = _repetition(sentence, stems, longest=len(wanted) + len(wanted) // 2 + 2)
        if run is None:
            continue
        first, last = _with_lead(sentence, run[0], stems), run[1]
        if sum(word.negates for word in sentence[first : last + 1]) % 2 == 0:
            return None
        found = sentence[first].start, sentence[last].end
    return found


def _sentences(text: str) -> list[list[_Word]]:
    sentences: list[list[_Word]] = [[]]
    for word in _words_of(text):
        last = sentences[-1][-1].end if sentences[-1] else word.start
        if _ENDS_SENTENCE.search(text, last, word.start):
            sentences.append([])
        sentences[-1].append(word)
    return sentences


def _words_of(text: str) -> list[_Word]:
    matches = list(WORD.finditer(text))
    words = [match.group().lower() for match in matches]
    return [
        _Word(*match.span(), _stem(word), _negates(words, index))
        for index, (match, word) in enumerate(zip(matches, words, strict=True))
    ]


def _stem(word: str) -> str | None:
    return None if word in STOP or _NEGATION.fullmatch(word) else stem(word)


def _negates(words: list[str], index: int) -> bool:
    if not _NEGATION.fullmatch(words[index]):
        return False
    after = words[index + 1] if index + 1 < len(words) else ""
    before = words[index - 1] if index else ""
    return after not in _NO_NEGATION_BEFORE and before != "or"


def _repetition(sentence: list[_Word], stems: set[str], longest: int) -> tuple[int, int] | None:
    """First and last word of the shortest run that repeats the stems and says little else."""
    enough = max(_LEAST_STEMS, math.ceil(_SHARE * len(stems)))
    runs = [
        (last - first, first, last)
        for first, last in _runs_with(sentence, stems, enough)
        if last - first < longest and _own_share(sentence[first : last + 1], stems) >= _SHARE
    ]
    return min(runs)[1:] if runs else None


def _runs_with(sentence: list[_Word], stems: set[str], enough: int) -> Iterator[tuple[int, int]]:
    """For each word that repeats a stem: the shortest run up to it that holds enough of them."""
    places: dict[str, int] = {}
    for last, word in enumerate(sentence):
        if word.stem is None or word.stem not in stems:
            continue
        places[word.stem] = last
        if len(places) >= enough:
            yield sorted(places.values())[-enough], last


def _with_lead(sentence: list[_Word], first: int, stems: set[str]) -> int:
    """Where a run begins with the point's other words and the function words in front of it."""
    lead, gap = first, 0
    while lead > 0 and gap < _REACH:
        before = sentence[lead - 1].stem
        if before is not None and before not in stems:
            break
        gap = gap + 1 if before is None else 0
        lead -= 1
    return lead


def _own_share(run: list[_Word], stems: set[str]) -> float:
    said = {word.stem for word in run if word.stem is not None}
    return len(said & stems) / len(said)
