"""Texts that every store and every renderer takes, whatever somebody said."""

from __future__ import annotations

import unicodedata
from typing import Final

#: Joiners that scripts and emoji need; every other invisible format character goes, the ones that
#: turn the direction of what follows among them.
_KEPT_FORMATS: Final = {"\u200c", "\u200d"}


def legible(text: str) -> str:
    """`text` without control, format and private characters, lone surrogates and non-characters.

    Line ends and tabs stay; all line ends become "\\n". Twice is the same as once.
    """
    ends = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(sign for sign in ends if _kept(sign))


def _kept(sign: str) -> bool:
    if sign in "\n\t" or sign in _KEPT_FORMATS:
        return True
    return unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Cn", "Co")
