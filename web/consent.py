"""The consent's text. A text that was once shown is never edited: a change is a new file.

A decision is stored with the version's name, and each version's digest is pinned by a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "consent"


@dataclass(frozen=True)
class ConsentText:
    """`version` is the file's name, which sorts by date."""

    version: str

    @property
    def template(self) -> str:
        return f"consent/{self.version}.html"


def versions() -> list[ConsentText]:
    """Every version, oldest first."""
    return [ConsentText(path.stem) for path in sorted(FOLDER.glob("*.html"))]


def current() -> ConsentText:
    return versions()[-1]
