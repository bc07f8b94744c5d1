"""How unlike two pronunciations are: strings of the voice's phonemes, without stress."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from rapidfuzz.distance import Levenshtein

VOWELS: Final = frozenset("aeiouæɑɒɔəɚɛɜɪʊʌᵊᵻAIOWYQɐ")
#: Consonants that recognisers take for one another.
_KIN: Final = frozenset(
    frozenset((one, other))
    for group in ("pb", "tdɾ", "kɡ", "fvθ", "szʃʒ", "ʃʒʧʤ", "θð", "ðd", "mnŋ", "lɹr", "jw", "vb")
    for one in group
    for other in group
    if one != other
)
#: An edit's cost: a vowel for a vowel or kin for kin, and a vowel more or less.
_KIN_COST: Final = 0.5
_VOWEL_COST: Final = 0.7

#: Share of the sounds that may differ when every difference counts whole. Measured: 0.25 leaves
#: terms unrepaired, 0.40 begins to insert terms nobody said.
PLAIN_LIMIT: Final = 0.33
#: The same when kindred sounds differ less, for words long enough whose ends agree. Chosen on 24
#: sentences, where it finds 3 % more of the terms; on unseen answers it found 0 to 2 % more.
KIN_LIMIT: Final = 0.33
KIN_LENGTH: Final = 6
#: Above this plain distance the dearer one is not computed.
_HOPELESS: Final = 0.6


@lru_cache(maxsize=16_384)
def unlikeness(one: str, other: str) -> float | None:
    """0 (the same) to 1; None when they are too unlike to be taken for one another."""
    longer = max(len(one), len(other))
    if not longer:
        return None
    plain = Levenshtein.distance(one, other, score_cutoff=int(_HOPELESS * longer)) / longer
    if plain > _HOPELESS:
        return None
    kin = _weighted(one, other) / longer
    close = len(one) >= KIN_LENGTH and _akin(one[0], other[:1]) and _akin(one[-1], other[-1:])
    return kin if plain <= PLAIN_LIMIT or (close and kin <= KIN_LIMIT) else None


def _akin(one: str, other: str) -> bool:
    both_vowels = one in VOWELS and other in VOWELS
    return one == other or both_vowels or frozenset((one, other)) in _KIN


def _weighted(one: str, other: str) -> float:
    """Levenshtein's distance with the costs above."""
    row = [0.0]
    for sound in other:
        row.append(row[-1] + _cost(sound))
    for sound in one:
        below = [row[0] + _cost(sound)]
        for place, wanted in enumerate(other, 1):
            instead = 0.0 if sound == wanted else _KIN_COST if _akin(sound, wanted) else 1.0
            below.append(
                min(
                    row[place] + _cost(sound),
                    below[-1] + _cost(wanted),
                    row[place - 1] + instead,
                )
            )
        row = below
    return row[-1]


def _cost(sound: str) -> float:
    return _VOWEL_COST if sound in VOWELS else 1.0
