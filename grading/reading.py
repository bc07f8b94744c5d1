"""An answer as the grader reads it: flagged, and with what is no answer taken out.

Nothing is ever moved: a character that is taken out becomes a blank, so every position in
`Reading.text` is the same position in the answer, and quotes stay verbatim.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from contracts.grades import Flag
from grading.words import SMALL_TALK, STOP, WORD, content_stems, words

#: Characters read of one answer: 30 minutes of quick speech are about 30,000.
MOST_CHARACTERS: Final = 40_000
#: Stands in `Reading.marked` where something was taken out. No quote crosses it.
GAP: Final = "\0"

_QUOTABLE: Final = re.compile(rf"[^{GAP}\s](?:[^{GAP}]*[^{GAP}\s])?")
#: A line, or a sentence in it.
SENTENCE: Final = re.compile(r"[^.!?\n]+(?:[.!?](?!\s)[^.!?\n]*)*[.!?]*")
_DO_NOT_KNOW: Final = re.compile(
    r"\b(?:i )?(?:do not|don'?t|didn'?t) (?:really )?"
    r"(?:know|remember|recall|have an? (?:answer|idea))"
    r"|\bno (?:idea|clue|answer)\b|\bnot (?:sure|answered|familiar)\b|\bidk\b"
    r"|\bi forgot\b|\bnever heard\b|\bno submission\b",
    re.IGNORECASE,
)
_SKIP: Final = re.compile(
    r"\W*(?:pass|skip(?: (?:it|this))?|next(?: question)?|n/?a|none|nothing|nope|sorry"
    r"|can we (?:skip|move on).{0,40}|i(?:'d| would)? (?:like to )?(?:pass|skip).{0,40})\W*",
    re.IGNORECASE,
)
_INSTRUCTION: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.!?\n]{0,40}"
    r"\b(?:instructions?|prompts?|rubrics?|rules|guidelines|key points?"
    r"|(?:everything|anything|all) (?:above|before|previous|prior|you (?:were|have been) told))\b"
    r"|\b(?:give|award|assign|grant|mark)\b[^.!?\n]{0,40}"
    r"\b(?:full|maximum|max|perfect|top|highest|10|ten|hundred|100)"
    r"(?:\s*/\s*\d+|\s*%| ?(?:marks?|scores?|points?|credits?|grades?|percent|out of \w+)\b)"
    r"|\byou are (?:now )?(?:a|an|the|my) (?:\w+ )?(?:grader|evaluator|assistant|ai|examiner)\b"
    r"|\bsystem prompt\b|\bas an ai\b|</?(?:system|answer|transcript|assistant)>",
    re.IGNORECASE,
)
#: An answer that talks to the grader and then says less than this many things of its own is none.
_OWN_STEMS: Final = 3
#: "I don't know" ends an answer only where this few things are said beside it.
_KNOWN_STEMS: Final = 5
_LIST_STEMS: Final = 8
_LIST_FUNCTION_WORDS: Final = 0.10


def _legible_or_gap(character: int) -> int:
    kept = chr(character) in "\t\n\r" or unicodedata.category(chr(character))[0] != "C"
    return character if kept else ord(GAP)


class _Legible(dict[int, int]):
    """For `str.translate`: controls, surrogates and invisible format characters become gaps.

    Holds the Latin characters; what is rarer is looked up each time, so that it never grows.
    """

    def __missing__(self, character: int) -> int:
        return _legible_or_gap(character)


_LEGIBLE: Final = _Legible({character: _legible_or_gap(character) for character in range(0x250)})


def sentences(text: str) -> list[str]:
    return [match.group() for match in SENTENCE.finditer(text)]


def legible(text: str) -> str:
    """The text with every character no tokenizer can take replaced by a space."""
    return text.translate(_LEGIBLE).replace(GAP, " ")


@dataclass(frozen=True)
class Reading:
    """`marked` is the answer with GAP for what is not read; as long as what was read of it.

    `nothing` is true where there is nothing to grade: every point is missed.
    """

    marked: str
    flags: frozenset[Flag]
    nothing: bool

    @property
    def text(self) -> str:
        return self.marked.replace(GAP, " ")

    def quotable(self, start: int, end: int) -> tuple[int, int]:
        """The longest part of a span in which nothing was taken out, without outer blanks."""
        pieces = (match.span() for match in _QUOTABLE.finditer(self.marked, start, end))
        return max(pieces, key=lambda piece: piece[1] - piece[0], default=(start, start))


def read(answer: str, question_stems: frozenset[str]) -> Reading:
    """Never raises, whatever the answer holds."""
    marked = answer[:MOST_CHARACTERS].translate(_LEGIBLE)
    flags = {Flag.TRUNCATED} if len(answer) > MOST_CHARACTERS else set()
    fault = _unanswerable(marked, question_stems)
    if fault is not None:
        return Reading(marked, frozenset(flags | {fault}), nothing=True)
    if _mostly_other_script(marked):
        flags.add(Flag.UNREADABLE_SCRIPT)
    if _INSTRUCTION.search(marked):
        flags.add(Flag.INSTRUCTION_LIKE_TEXT)
        marked = without(marked, (m.span() for m in _INSTRUCTION.finditer(marked)))
        if len(_own_stems(marked, question_stems)) < _OWN_STEMS:
            return Reading(marked, frozenset(flags), nothing=True)
    echoes = list(_echoes(marked, question_stems))
    if echoes:
        flags.add(Flag.QUESTION_ECHO)
        marked = without(marked, echoes)
        if not _own_stems(marked, question_stems):
            return Reading(marked, frozenset(flags), nothing=True)
    if _keyword_list(marked):
        flags.add(Flag.KEYWORD_LIST)
    return Reading(marked, frozenset(flags), nothing=False)


def _unanswerable(text: str, question_stems: frozenset[str]) -> Flag | None:
    if not text.replace(GAP, " ").strip():
        return Flag.EMPTY
    if not words(text):
        return Flag.UNREADABLE_SCRIPT
    unknown = _DO_NOT_KNOW.search(text) is not None
    if unknown and len(_own_stems(text, question_stems)) < _KNOWN_STEMS:
        return Flag.NO_ANSWER
    return Flag.NO_ANSWER if _SKIP.fullmatch(text) else None


def _own_stems(text: str, question_stems: frozenset[str]) -> set[str]:
    """What the text says beyond the question's words and small talk."""
    return set(content_stems(text)) - question_stems - SMALL_TALK


def _mostly_other_script(text: str) -> bool:
    letters = sum(character.isalpha() for character in text)
    latin = sum(character.isalpha() for match in WORD.finditer(text) for character in match.group())
    return letters > 2 * latin


def _echoes(text: str, question_stems: frozenset[str]) -> Iterable[tuple[int, int]]:
    """Sentences that repeat the question and add nothing at all."""
    for match in SENTENCE.finditer(text):
        said = set(content_stems(match.group()))
        repeated = len(said & question_stems)
        if repeated >= max(2, 0.6 * len(question_stems)) and not said - question_stems - SMALL_TALK:
            yield match.span()


def _keyword_list(text: str) -> bool:
    said = words(text)
    function_words = sum(word in STOP for word in said)
    return len(
        set(content_stems(text))
    ) >= _LIST_STEMS and function_words < _LIST_FUNCTION_WORDS * len(said)


def without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with GAP in these places."""
    for start, end in spans:
        text = text[:start] + GAP * (end - start) + text[end:]
    return text
