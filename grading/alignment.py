"""Where in an answer a key point is said, and how closely.

Every word piece of the key point looks for its nearest piece in a window of the answer (cosine of
MiniLM's last layer); the weighted mean of those is the window's similarity. The best window counts:
a point is made in one place, not by words picked from all over a long answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from grading.encoder import Floats
from grading.passage import Passage, Target, direction_of

WINDOW_WORDS: Final = 32
STRIDE_WORDS: Final = 8
#: A quote keeps at least this share of its window's similarity, and up to this many words more on
#: each side, as far as its sentences go.
QUOTE_SHARE: Final = 0.94
QUOTE_MARGIN: Final = 2
#: Products of at most this many multiplications stay in the calling thread. For larger ones
#: OpenBLAS wakes threads of its own, which spin: three times the CPU per answer, taken from the
#: speech beside.
_ONE_THREAD: Final = 2**18


@dataclass(frozen=True)
class Match:
    """The best window for a target. `start` and `end` are the quote's characters in the text.

    `similarity` is 0 to 1; `relevance`, the window's direction against the target's, -1 to 1.
    """

    similarity: float
    relevance: float
    start: int
    end: int


def nearest(target: Target, passage: Passage) -> Floats:
    """Per piece of the target, the cosine of its nearest piece anywhere in the passage."""
    closest: Floats = _cosines(target, passage).max(axis=1)
    return closest


def best_match(target: Target, passage: Passage) -> Match:
    by_word = _nearest_by_word(target, passage)
    scored = [(_similarity(_window(by_word, at), target), -at) for at in _window_starts(by_word)]
    similarity, negative_start = max(scored)
    start = -negative_start
    window = _window(by_word, start)
    first, last = _quote(window, target.weights, similarity)
    first, last = _with_margins(passage, start + first, start + last)
    return Match(
        similarity=min(1.0, max(0.0, similarity)),
        relevance=float(_window_direction(passage, start, window.shape[1]) @ target.direction),
        start=int(passage.words[first, 0]),
        end=int(passage.words[last, 1]),
    )


def _nearest_by_word(target: Target, passage: Passage) -> Floats:
    """(pieces of the target, words of the passage): the closest piece within each word."""
    cosines = _cosines(target, passage)
    closest: Floats = np.maximum.reduceat(cosines, passage.first_piece, axis=1)
    return closest


def _cosines(target: Target, passage: Passage) -> Floats:
    step = max(1, _ONE_THREAD // max(1, target.vectors.size))
    parts = (passage.vectors[at : at + step] for at in range(0, len(passage.vectors), step))
    return np.concatenate([target.vectors @ part.T for part in parts], axis=1)


def _window_starts(by_word: Floats) -> range:
    words = by_word.shape[1]
    return range(1) if words <= WINDOW_WORDS else range(0, words - WINDOW_WORDS // 2, STRIDE_WORDS)


def _window(by_word: Floats, start: int) -> Floats:
    return by_word[:, start : start + WINDOW_WORDS]


def _similarity(window: Floats, target: Target) -> float:
    return float(window.max(axis=1) @ target.weights)


def _quote(window: Floats, weights: Floats, whole: float) -> tuple[int, int]:
    """First and last word of the shortest run that alone reaches nearly the window's similarity."""
    size = window.shape[1]
    best = (0, size - 1)
    for first in range(size):
        reached = weights @ np.maximum.accumulate(window[:, first:], axis=1)
        enough = np.flatnonzero(reached >= QUOTE_SHARE * whole)
        if len(enough) and enough[0] < best[1] - best[0]:
            best = (first, first + int(enough[0]))
    return best


def _with_margins(passage: Passage, first: int, last: int) -> tuple[int, int]:
    for _ in range(QUOTE_MARGIN):
        if first > 0 and not _ends_sentence(passage, first - 1):
            first -= 1
        if last < len(passage.words) - 1 and not _ends_sentence(passage, last):
            last += 1
    return first, last


def _ends_sentence(passage: Passage, word: int) -> bool:
    return passage.text[passage.words[word, 1] - 1] in ".!?"


def _window_direction(passage: Passage, start: int, size: int) -> Floats:
    bounds = np.append(passage.first_piece, len(passage.vectors))
    return direction_of(passage.vectors[bounds[start] : bounds[start + size]])
