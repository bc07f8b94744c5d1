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
    """`version` is the file's name, which sorts by date; after it `-live` says that staff may
    listen live, and `-live-camera` that they see a candidate who turns on the camera."""

    version: str

    @property
    def live_listening(self) -> bool:
        return "live" in self.version.split("-")

    @property
    def camera(self) -> bool:
        return "camera" in self.version.split("-")

    @property
    def template(self) -> str:
        return f"consent/{self.version}.html"


def versions() -> list[ConsentText]:
    """Every version, oldest first."""
    return [ConsentText(path.stem) for path in sorted(FOLDER.glob("*.html"))]


def current(*, live_listening: bool = False, camera: bool = False) -> ConsentText:
    """The newest, for interviews that staff may or may not listen to while they go on, and whose
    candidate may or may not show them a picture. `camera` goes with `live_listening` alone."""
    wanted = (live_listening, camera)
    return [text for text in versions() if (text.live_listening, text.camera) == wanted][-1]
