"""Which characters the fonts on this machine can print, asked of the renderer itself.

PDF/UA refuses a text with a character that no font has. typst tells only by refusing, so a few
words are set on a page of their own: about one millisecond, remembered for the process.
"""

from __future__ import annotations

import json
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Final

from reports.legible import legible

if TYPE_CHECKING:
    import typst

#: Stands for what cannot be printed; in typst's own fonts.
MARK: Final = "□"

#: One report asks at most so often, about half a second; what is unknown then counts as missing.
MOST_QUESTIONS: Final = 300

_PAGE: Final = b"""
#set document(title: "glyphs")
#set text(font: "Libertinus Serif")
#for word in json(bytes(sys.inputs.words)) { par(text(word)); par(text(weight: "semibold", word)) }
"""
#: Characters that every typst brings a font for: Latin with its accents, and common punctuation.
_SURE: Final = frozenset(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0x180), 0x0A, 0x09])) | set(
    "–—‘’“”„…·•□"
)


class Glyphs:
    """A set of fonts and what is known so far of their characters. Threads may share one."""

    def __init__(self, fonts: typst.Fonts) -> None:
        self.fonts = fonts
        self._printable: dict[str, bool] = {}
        self._lock = threading.Lock()

    def marked(self, texts: Iterable[str]) -> dict[str, str]:
        """Each text, made legible, with `MARK` for every character that cannot be printed."""
        split = {text: list(_clusters(legible(text))) for text in texts}
        wanted = {cluster for clusters in split.values() for cluster in clusters}
        with self._lock:
            self._learn({cluster for cluster in wanted if not _SURE.issuperset(cluster)})
            return {
                text: "".join(self._print(cluster) for cluster in clusters)
                for text, clusters in split.items()
            }

    def plainer(self, marked: Mapping[str, str]) -> dict[str, str]:
        """What `marked` gave, with only ASCII left of a text that cannot be printed as a whole:
        what can be printed alone may still not be printed beside something else.
        """
        return {
            text: printed if _SURE.issuperset(printed) or self._set([printed]) else plain(text)
            for text, printed in marked.items()
        }

    def _print(self, cluster: str) -> str:
        if _SURE.issuperset(cluster):
            return cluster
        return cluster if self._printable.get(cluster) and not _joined(cluster[0]) else MARK

    def _learn(self, clusters: set[str]) -> None:
        """Asks for all at once, then for each script, then, where there are gaps, one by one."""
        unknown = sorted(clusters - self._printable.keys())
        if not unknown or self._ask(unknown):
            return
        asked = 1
        for _, block in groupby(unknown, key=lambda cluster: ord(cluster[0]) >> 7):
            group = list(block)
            asked += 1
            if asked > MOST_QUESTIONS:
                return
            if self._ask(group) or len(group) == 1:
                continue
            for cluster in group[: MOST_QUESTIONS - asked]:
                asked += 1
                self._ask([cluster])

    def _ask(self, words: list[str]) -> bool:
        """Whether all can be printed; what that says of each is remembered."""
        printed = self._set(words)
        if printed or len(words) == 1:
            self._printable.update(dict.fromkeys(words, printed))
        return printed

    def _set(self, words: list[str]) -> bool:
        import typst

        inputs = {"words": json.dumps(words)}
        try:
            typst.compile(_PAGE, font_paths=self.fonts, sys_inputs=inputs, pdf_standards="ua-1")
        except typst.TypstError:
            return False
        return True


def plain(text: str) -> str:
    """ASCII, with `MARK` for the rest: every font prints it."""
    return "".join(sign if sign.isascii() else MARK for sign in legible(text))


@cache
def glyphs(*, system_fonts: bool) -> Glyphs:
    """typst's own fonts, with the machine's beside them if wanted: read once for the process."""
    import typst

    return Glyphs(typst.Fonts(include_system_fonts=system_fonts))


def _joined(sign: str) -> bool:
    """Whether it is drawn onto what stands before it."""
    return unicodedata.category(sign).startswith("M") or sign in "\u200c\u200d"


def _clusters(text: str) -> Iterator[str]:
    """Characters with the marks and joiners that are drawn onto them: printed together or not."""
    cluster = ""
    for sign in text:
        if cluster and (_joined(sign) or cluster.endswith("\u200d")) and len(cluster) < 16:
            cluster += sign
            continue
        if cluster:
            yield cluster
        cluster = sign
    if cluster:
        yield cluster
