"""Where a quote stands in what was said: word for word, or nearly, for speech was recognised."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import Final

from rapidfuzz import fuzz

#: Words of any script, with what programmers write inside one.
_WORD: Final = re.compile(r"[^\W_][\w+#'’]*")
_FILLERS: Final = frozenset({"um", "uhm", "uh", "er", "erm", "ah", "eh", "hm", "hmm", "mhm", "mm"})
_NEGATION: Final = re.compile(r"not|never|no|cannot|without|neither|nor|none|\w+n't")
#: Likeness in characters, in hundredths.
_NEARLY: Final = 90.0
#: A shorter quote is alike to too much; it has to stand there word for word.
_LEAST_WORDS: Final = 4


class Words:
    """A text as it is compared: its words without case, punctuation and fillers."""

    def __init__(self, text: str) -> None:
        self.spans: list[tuple[int, int]] = []
        self.words: list[str] = []
        for match in _WORD.finditer(text):
            word = match.group().casefold().replace("’", "'").strip("'")
            if word and word not in _FILLERS:
                self.words.append(word)
                self.spans.append(match.span())
        self.joined = f" {' '.join(self.words)} "
        self.starts: list[int] = []
        at = 1
        for word in self.words:
            self.starts.append(at)
            at += len(word) + 1

    def holds(self, quote: str) -> bool:
        return self.find(quote) is not None

    def find(self, quote: str) -> tuple[int, int] | None:
        """Where the quote stands in the text, as (start, end) in it; None where it does not.

        Nearly counts where no negation was left out or put in.
        """
        wanted = Words(quote)
        if not wanted.words:
            return None
        at = self.joined.find(wanted.joined)
        if at >= 0:
            first = bisect_left(self.starts, at + 1)
            return self._span(first, first + len(wanted.words) - 1)
        return self._nearly(wanted) if len(wanted.words) >= _LEAST_WORDS else None

    def _nearly(self, wanted: Words) -> tuple[int, int] | None:
        sought = wanted.joined.strip()
        if len(sought) > len(self.joined):
            return None
        best = fuzz.partial_ratio_alignment(sought, self.joined, score_cutoff=_NEARLY)
        if best is None or best.dest_end <= best.dest_start:
            return None
        first = max(0, bisect_right(self.starts, best.dest_start) - 1)
        last = max(first, bisect_left(self.starts, best.dest_end - 1) - 1)
        found = self.words[first : last + 1]
        return self._span(first, last) if _negations(found) == _negations(wanted.words) else None

    def _span(self, first: int, last: int) -> tuple[int, int]:
        return self.spans[first][0], self.spans[last][1]


def _negations(words: list[str]) -> int:
    return sum(_NEGATION.fullmatch(word) is not None for word in words)
