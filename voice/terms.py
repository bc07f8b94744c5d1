"""Puts the question's key terms back where the recogniser heard something that sounds like them.

A general recogniser writes "item potent" for "idempotent". The question says which technical words
an answer may hold, and the voice's own pronunciation tables say how they sound, so the stretch of
words that sounds most like a missing term is replaced by it.

Measured on a third of the bank's model answers that no rule was chosen on, each sentence with its
question's terms: recall of terms said 89.5 to 99.5 % (Hibari), 86.9 to 97.9 % (shifted Hibari),
77.5 to 91.6 % (Piper). Of 642 terms offered but not said, 8 to 10 were put in; most were another
form of a word that was said ("follower", "followers"), so a repaired text alone proves little.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from voice.sounds import unlikeness

#: A term is looked for in stretches of one word fewer to two words more than it has.
FEWER_WORDS, MORE_WORDS = 1, 2

#: Parts in which two words differ that mean the opposite. Such a pair sounds alike and is never
#: exchanged: "mutable" stays "mutable" when the term is "immutable".
OPPOSITES: Final = frozenset(
    frozenset(pair)
    for pair in [
        *(
            ("", prefix)
            for prefix in ("a", "un", "in", "im", "ir", "il", "non", "de", "dis", "not")
        ),
        ("ful", "less"),
        ("pre", "post"),
        ("en", "de"),
        ("in", "de"),
        ("in", "out"),
        ("inn", "out"),
        ("up", "down"),
        ("left", "right"),
        ("min", "max"),
        ("ra", "er"),  # intra, inter
        ("first", "last"),
    ]
)

#: Whole words of which one never stands for the other inside a term.
OPPOSITE_WORDS: Final = frozenset(
    frozenset(pair)
    for pair in [
        ("first", "last"),
        ("breadth", "depth"),
        ("read", "write"),
        ("inner", "outer"),
        ("left", "right"),
        ("horizontal", "vertical"),
        ("before", "after"),
        ("strong", "weak"),
        ("public", "private"),
    ]
)

_NOT_SPOKEN = re.compile(r"[^\w']+")
_STRESS = re.compile(r"[ˈˌ\s.,?!;:]")


@dataclass(frozen=True)
class _Stretch:
    term: str
    start: int
    end: int
    unlikeness: float


class TermRepair:
    """Repairs transcripts. `phonemes` pronounces a word; it is asked once for each."""

    def __init__(self, phonemes: Callable[[str], str]) -> None:
        self._phonemes = phonemes
        self._known: dict[str, str] = {}

    def repair(self, text: str, terms: Sequence[str]) -> str:
        """`text` with each missing term in place of the words that sound most like it, if any do.

        A term that is there already is left alone, and so are its words. Punctuation that follows
        a replaced stretch stays.
        """
        words = text.split()
        while (best := self._best(words, terms)) is not None:
            after = _trailing_punctuation(words[best.end - 1])
            *front, last = best.term.split()
            words[best.start : best.end] = [*front, last + after]
        return " ".join(words)

    def _best(self, words: list[str], terms: Sequence[str]) -> _Stretch | None:
        """The likeliest of all replacements: a stretch goes to the term it sounds most like."""
        settled = self._settled(words, terms)
        whole = squashed(" ".join(words))
        missing = [term for term in terms if squashed(term) and squashed(term) not in whole]
        found = [self._closest(words, term, settled) for term in missing]
        return min(filter(None, found), key=lambda stretch: stretch.unlikeness, default=None)

    def _closest(self, words: list[str], term: str, settled: set[int]) -> _Stretch | None:
        sounds = self._sounds(term.split())
        spoken = [self._sounds([word]) for word in words]
        found: _Stretch | None = None
        for start, end in _stretches(len(words), len(term.split())):
            if settled.intersection(range(start, end)):
                continue
            unlike = unlikeness(sounds, "".join(spoken[start:end]))
            if unlike is None or (found is not None and unlike >= found.unlikeness):
                continue
            if not self._differs_in_a_word(words[start:end], term) and not _means_the_opposite(
                words[start:end], term
            ):
                found = _Stretch(term, start, end, unlike)
        return found

    def _differs_in_a_word(self, stretch: list[str], term: str) -> bool:
        """They begin or end with the same words and what is left sounds different, or is not there:
        "symmetric key" is no "session key", and "fan out on" no "fan out on write".
        """
        wanted, said = term.split(), list(stretch)
        count = len(wanted)
        while wanted and said and squashed(wanted[0]) == squashed(said[0]):
            wanted, said = wanted[1:], said[1:]
        while wanted and said and squashed(wanted[-1]) == squashed(said[-1]):
            wanted, said = wanted[:-1], said[:-1]
        shared = len(wanted) < count
        return shared and unlikeness(self._sounds(wanted), self._sounds(said)) is None

    def _settled(self, words: list[str], terms: Sequence[str]) -> set[int]:
        """Places of words that are already part of a term."""
        places: set[int] = set()
        bare = [squashed(word) for word in words]
        for term in terms:
            size, wanted = len(term.split()), squashed(term)
            for start in range(len(words) - size + 1):
                if "".join(bare[start : start + size]) == wanted:
                    places.update(range(start, start + size))
        return places

    def _sounds(self, words: Sequence[str]) -> str:
        parts = (part for word in words for part in word.split("-"))
        return "".join(self._word(_spoken(part)) for part in parts)

    def _word(self, word: str) -> str:
        sounds = self._known.get(word)
        if sounds is None:
            sounds = self._known[word] = _STRESS.sub("", self._phonemes(word)) if word else ""
        return sounds


def squashed(text: str) -> str:
    """Letters and digits alone, in lower case: "B-tree" and "b tree" are the same."""
    return re.sub(r"[\W_]+", "", text.lower())


def _spoken(word: str) -> str:
    return _NOT_SPOKEN.sub("", word.lower())


def _stretches(count: int, size: int) -> Iterator[tuple[int, int]]:
    """Where a term of `size` words may stand among `count` words."""
    for length in range(max(1, size - FEWER_WORDS), size + MORE_WORDS + 1):
        for start in range(count - length + 1):
            yield start, start + length


def _means_the_opposite(stretch: list[str], term: str) -> bool:
    """The stretch, or an end of it, differs from the term by a part that turns its meaning."""
    if _exchanges_opposites(stretch, term):
        return True
    wanted = squashed(term)
    ends = [stretch[place:] for place in range(len(stretch))]
    starts = [stretch[:place] for place in range(1, len(stretch))]
    return any(_opposed(squashed(" ".join(part)), wanted) for part in [*ends, *starts])


def _exchanges_opposites(stretch: list[str], term: str) -> bool:
    said, wanted = (Counter(map(squashed, words)) for words in (stretch, term.split()))
    return any(
        frozenset((one, other)) in OPPOSITE_WORDS
        for one in said - wanted
        for other in wanted - said
    )


def _opposed(one: str, other: str) -> bool:
    shared = _shared_prefix(one, other)
    one, other = one[shared:], other[shared:]
    shared_end = _shared_prefix(one[::-1], other[::-1])
    rest = frozenset((one[: len(one) - shared_end], other[: len(other) - shared_end]))
    return rest in OPPOSITES


def _shared_prefix(one: str, other: str) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _trailing_punctuation(word: str) -> str:
    kept = _NOT_SPOKEN.search(word + " ", len(word.rstrip(".,;:!?")))
    return word[kept.start() :] if kept else ""
