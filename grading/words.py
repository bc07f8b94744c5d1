"""Words, their stems and how much each one tells."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import snowballstemmer
import wordfreq

#: A word in Latin script, with what programmers write inside one: C++, C#, don't, snake_case.
WORD: Final = re.compile(r"[A-Za-z0-9\u00c0-\u024f][A-Za-z0-9\u00c0-\u024f+#_'’]*")


def listed(text: str) -> frozenset[str]:
    """Words as they are written down here."""
    return frozenset(text.split())


#: Function words and fillers: they carry an answer but are no part of what it says.
STOP: Final = listed(
    """a an the of to in on at for from by with as is are was were be been being am do does did it
    its this that these those i you he she we they them their your our my me so if then than there
    here what which who whom when where why how and or but not no nor can could would should will
    shall may might must have has had having about into over out up down also just very more most
    such only own same too because while during each any all both few some other s t don um uh er
    erm hmm mhm yeah okay ok"""
)

_stemmer = snowballstemmer.stemmer("english")


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    stemmed: str = _stemmer.stemWord(word)
    return stemmed


#: Words of talking about the question instead of answering it.
SMALL_TALK: Final = frozenset(
    stem(word)
    for word in listed(
        """question good great interesting nice asked ask asking answer interviewer think
    say said well know mean like right sure thing talk tell explain explanation topic let start
    begin first actually basically please thank thanks sorry hello"""
    )
)


def words(text: str) -> list[str]:
    return [match.group().lower().replace("’", "'").strip("'") for match in WORD.finditer(text)]


def content_stems(text: str) -> list[str]:
    """The stems of all words but function words, in order."""
    return [stem(word) for word in words(text) if word not in STOP]


@lru_cache(maxsize=20_000)
def information(word: str) -> float:
    """How much meeting `word` tells, 0.05 to 1.2: rarer in English at large, more.

    An inverse document frequency from wordfreq's small list (Zipf scale: 7 is "the", below 3 is
    rare or unlisted). A token with a digit in it ("2nf", "404") is unlisted and counts most.
    """
    if word in STOP:
        return 0.05
    zipf: float = wordfreq.zipf_frequency(word, "en", wordlist="small")
    if zipf == 0 and any(character.isdigit() for character in word):
        return 1.2
    return max(0.15, min(1.0, (7.2 - (zipf or 2.5)) / 4.5))


#: Met more than three times in a million words of English (Zipf scale).
_KNOWN_ZIPF: Final = 3.5


def is_known(word: str) -> bool:
    """Whether it is common in English at large."""
    return bool(wordfreq.zipf_frequency(word, "en", wordlist="small") >= _KNOWN_ZIPF)
