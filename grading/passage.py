"""Texts made ready for comparison: a passage that is searched, a target that is looked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from grading.encoder import Encoder, Floats, Ints, TokenVectors, unit
from grading.steps import Steps, at_once
from grading.words import STOP, WORD, information, stem

#: Text without spaces (other scripts, a stuck key) is cut so that quotes stay short.
_CHUNK: Final = re.compile(r"\S{1,48}")
#: A target needs this much weight left after the question's words are taken out; else they count.
_LEAST_WEIGHT: Final = 0.3


@dataclass(frozen=True)
class Passage:
    """A text that is not blank: its words and the vectors of the word pieces in them."""

    text: str
    words: Ints  # (words, 2): start and end in `text`; those alone that hold a piece
    first_piece: Ints  # (words,): the first piece of each word
    vectors: Floats  # (pieces, 384), unit length
    whole: bool  # false: too long, read up to a limit

    @property
    def direction(self) -> Floats:
        return direction_of(self.vectors)


@dataclass(frozen=True)
class Target:
    """What is looked for in a passage: vectors of its pieces and how much each one counts."""

    vectors: Floats  # (pieces, 384), unit length
    weights: Floats  # (pieces,), sum 1
    direction: Floats  # (384,), unit length


def read_passage(encoder: Encoder, text: str) -> Passage:
    return at_once(read_in_steps(encoder, text))


def read_in_steps(encoder: Encoder, text: str) -> Steps[Passage]:
    encoded = yield from encoder.encode_in_steps(text)
    words = np.array([m.span() for m in _CHUNK.finditer(text)], dtype=np.int64).reshape(-1, 2)
    owner = np.searchsorted(words[:, 0], encoded.spans[:, 0], side="right") - 1
    used, first_piece = np.unique(owner, return_index=True)
    return Passage(text, words[used], first_piece, encoded.vectors, encoded.whole)


def read_target(encoder: Encoder, text: str, question_stems: frozenset[str]) -> Target:
    """Words of the question weigh nothing, unless the text consists of little else."""
    encoded = encoder.encode(text)
    plain, demoted = _weights(text, encoded, question_stems)
    weights = demoted if demoted.sum() >= _LEAST_WEIGHT else plain
    return Target(encoded.vectors, normalised(weights), direction_of(encoded.vectors))


def normalised(weights: Floats) -> Floats:
    """The same proportions with sum 1 (all 0 stays all 0)."""
    return weights / np.float32(max(float(weights.sum()), 1e-6))


def direction_of(vectors: Floats) -> Floats:
    """Where a text points as a whole: the mean of its pieces, unit length."""
    mean = vectors.mean(axis=0) if len(vectors) else np.zeros(384, dtype=np.float32)
    return unit(mean)


def _weights(
    text: str, encoded: TokenVectors, question_stems: frozenset[str]
) -> tuple[Floats, Floats]:
    """Per piece the information of the word it belongs to; and the same, question words at 0."""
    owner = {
        position: match.group().lower()
        for match in WORD.finditer(text)
        for position in range(*match.span())
    }
    words = [owner.get(start, "") for start in encoded.spans[:, 0].tolist()]
    plain = np.array([information(word) if word else 0.0 for word in words], dtype=np.float32)
    asked = np.array([word not in STOP and stem(word) in question_stems for word in words], bool)
    return plain, np.where(asked, np.float32(0), plain)
