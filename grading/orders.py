"""What in an answer speaks to a grader, or carries what nobody can read: not shown to a model.

A model may obey what it reads, and no check of its reply can tell an obedient verdict from an
honest one where the quote is genuine. So what looks like an order is taken out beforehand, whole.
Each rule names words that nobody needs to explain a data structure: of 2,679 answers to
examinations that people graded, none is touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from contracts.grades import Flag
from grading.reading import GAP, MOST_CHARACTERS, SENTENCE, Reading, legible, without
from grading.words import STOP, content_stems, is_known, listed

#: Recognised speech has no full stops: of a long piece this many words around are taken out.
_LONG_WORDS: Final = 40
_WORDS_AROUND: Final = 12
_TOKEN: Final = re.compile(r"\S+")
_LEET: Final = str.maketrans("013457@$", "oieastas")

_MARKED: Final = r"\b(?:covered|satisfied|met|fulfilled|complete|correct|answered|passed)\b"
_MARKS: Final = r"(?:marks?|scores?|points?|credits?|grades?|ratings?|verdicts?)\b"
_GRADED: Final = r"\b(?:key\ points?|points?|verdicts?|everything|answers?|response|candidate)\b"
_ORDER: Final = re.compile(
    rf"""
      \b(?:ignore|disregard|forget|override)\b .{{0,40}}
        \b(?:instruct\w*|prompt|rubric|rules?|guidelines?|key\ points?)\b
    | \b(?:mark|count|treat|consider|rate|grade|judge|set|record|score|output)\b
        (?=.{{0,80}}{_GRADED}) .{{0,60}} {_MARKED}
    | \b(?:say|output|verdict)\ covered\b
    | \b(?:key\ points?|(?:every|each|all)\ (?:the\ |of\ the\ )?points?)\b .{{0,40}} {_MARKED}
    | \b(?:full|maximum|max|perfect|top|highest)\ {_MARKS}
    | \b(?:rubric|autograder|grader|examiner)\b
    | \b(?:system|your)\ prompt\b
    | \bverbatim\ evidence\b | \bevidence\ (?:for|that)\b .{{0,30}} \bpoints?\b | \bquote\ this\b
    | \bkey\ points?\b .{{0,40}} \b(?:word\ for\ word|given)\b
    | \b(?:print|repeat|reveal|list|show|write\ down)\b .{{0,40}}
        \b(?:key\ points?|your\ instructions)\b
    | \b(?:end|finish|skip|stop)\b .{{0,20}} \b(?:interview|next\ questions?)\b
    | \btell\ the\ interviewer\b | \bcandidate\ has\ passed\b | \bneed\ this\ job\b
    | \bplease\ (?:be|pass|help)\b .{{0,20}} \b(?:kind|generous|nice|lenient|me)\b
    | \bsee\ the\ word\b | \bmeans\b .{{0,30}} \b(?:key|every|each)\ points?\b
    | ^\W*(?:thought\ process|solution|final\ answer|reasoning)\W*(?:$|the\ answer\ is)
    | \bsolve\ this\ (?:problem\ )?step\ by\ step\b
    | (?:\#|//|/\*|--) .{{0,60}} \b(?:all\ tests\ pass(?:ed)?|full\ credit|override\s*=)
    | ^\W*(?:system|assistant|developer|instruction)\s*:
    | </?(?:system|transcript|assistant|user|answer)> | <\|[a-z_]+\|> | \[/?inst\] | \#\#\#
    | "?(?:verdict|off_topic|instruction_like_text|evidence)"?\s*[:=]
    """,
    re.IGNORECASE | re.VERBOSE,
)
#: 24 letters and digits in one go, of both cases or with an equals sign.
_ENCODED: Final = re.compile(r"(?=\S*[a-z])(?=\S*[A-Z])(?=\S*\d)[A-Za-z0-9+/]{24,}={0,2}")
_SPACED: Final = re.compile(r"(?:\b\w\s+){10,}\w\b")
#: Four letters of another script in a row; not letters of mathematics, which some write words in.
_FOREIGN_SCRIPT: Final = re.compile(r"[^\W\d_a-zA-Z\u00c0-\u024f\U0001d400-\U0001d7ff]{4,}")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
#: Words that carry other languages of the Latin script, and no English.
_CARRIERS: Final = listed(
    """la las los el y que para por con una del como todas todos und der das ist nicht alle wie als
    jeden bitte les des et est vous pour dans toutes cette mais e os cada não della che per sono
    aur hai ko ke ki mein bhi sab"""
)


def without_orders(answered: Reading, answer: str) -> Reading:
    """The same reading with the orders in `answer` taken out as well."""
    spans = list(orders(legible(answer[:MOST_CHARACTERS])))
    if not spans:
        return answered
    marked = without(answered.marked, spans)
    flags = answered.flags | {Flag.INSTRUCTION_LIKE_TEXT}
    nothing = answered.nothing or not content_stems(marked.replace(GAP, " "))
    return Reading(marked, flags, nothing)


def orders(text: str) -> Iterator[tuple[int, int]]:
    """Where they stand, as (start, end); some overlap."""
    for piece in SENTENCE.finditer(text):
        yield from _orders_in(piece.group(), piece.start())


def _orders_in(piece: str, at: int) -> Iterator[tuple[int, int]]:
    plain = piece.translate(_LEET) if any(mark.isdigit() for mark in piece) else piece
    found = [match.span() for read in {piece, plain} for match in _ORDER.finditer(read)]
    for pattern in (_ENCODED, _SPACED, _FOREIGN_SCRIPT):
        found += [match.span() for match in pattern.finditer(piece)]
    for start, end in found:
        first, last = _around(piece, start, end)
        yield at + first, at + last
    if _is_foreign(piece):
        yield at, at + len(piece)


def _around(piece: str, start: int, end: int) -> tuple[int, int]:
    """The whole piece, or of a long one the words about the match."""
    tokens = [match.span() for match in _TOKEN.finditer(piece)]
    if len(tokens) <= _LONG_WORDS:
        return 0, len(piece)
    first = next(index for index, token in enumerate(tokens) if token[1] > start)
    last = next((index for index, token in enumerate(tokens) if token[1] >= end), len(tokens) - 1)
    return (
        tokens[max(0, first - _WORDS_AROUND)][0],
        tokens[min(len(tokens) - 1, last + _WORDS_AROUND)][1],
    )


def _is_foreign(piece: str) -> bool:
    words = [word.casefold() for word in _WORD.findall(piece)]
    if len(words) < 6:
        return False
    carriers = sum(word in _CARRIERS for word in words)
    if carriers >= 3 and carriers >= 0.2 * len(words):
        return True
    return not any(word in STOP for word in words) and sum(map(is_known, words)) < 0.2 * len(words)
