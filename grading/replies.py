"""A language model's verdicts, read with distrust: all of the form asked for, or none of it."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.grades import Verdict
from grading.words import STOP, is_known

#: More than every key point with the longest quote and reason takes.
MOST_CHARACTERS: Final = 20_000

_LETTER: Final = re.compile(r"[^\W\d_]")
_LATIN: Final = re.compile(r"[A-Za-z\u00c0-\u024f]")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
#: Fewer words show no language.
_TELLING_WORDS: Final = 6
_LEAST_KNOWN: Final = 0.6
_LEAST_CARRIERS: Final = 0.1
#: The words that carry English, but for those that other languages write too.
_CARRIERS: Final = STOP - {*"iastd", "am", "an", "in", "so", "was", "has", "do", "no"}


class Unusable(Exception):
    """Why a reply cannot be used, in words of ours that the model may be told."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Judged(_Strict):
    """One key point as the model sees it. Nothing of it is believed yet."""

    id: str
    evidence: Annotated[str, Field(max_length=600)] | None
    reason: str = Field(max_length=600)
    verdict: Verdict


class Verdicts(_Strict):
    points: tuple[Judged, ...]
    off_topic: bool
    instruction_like_text: bool
    feedback: str = Field(max_length=2000)


def read_verdicts(text: str, ids: Collection[str]) -> Verdicts:
    """Raises Unusable for whatever is not a verdict on each of `ids`, in English."""
    if len(text) > MOST_CHARACTERS:
        raise Unusable("The reply was far too long.")
    # Hosts that know no schema wrap the object into prose or a fence.
    found = text[text.find("{") : text.rfind("}") + 1]
    try:
        verdicts = Verdicts.model_validate_json(found)
    except ValidationError:
        raise Unusable("The reply was not the one JSON object that was asked for.") from None
    if sorted(point.id for point in verdicts.points) != sorted(ids):
        raise Unusable("The reply did not judge each key point once, by its id.")
    reasons = " ".join(point.reason for point in verdicts.points)
    if not (is_english(reasons) and is_english(verdicts.feedback)):
        raise Unusable("The reply was not in English.")
    return verdicts


def is_english(text: str) -> bool:
    """Whether it may be: too little text, or much of it technical, counts as English."""
    letters = _LETTER.findall(text)
    if sum(_LATIN.match(letter) is not None for letter in letters) < 0.8 * len(letters):
        return False
    words = [word.casefold() for word in _WORD.findall(text)]
    if len(words) < _TELLING_WORDS:
        return True
    if sum(word in _CARRIERS for word in words) >= _LEAST_CARRIERS * len(words):
        return True
    return sum(map(is_known, words)) >= _LEAST_KNOWN * len(words)
