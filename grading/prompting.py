"""What the language model is sent: the prompt of one version, and one answer as data."""

from __future__ import annotations

import hashlib
import json
import random
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from grading.rubric import Rubric, RubricPoint

#: The files' name. Changed words get a new number; the digest tells apart what forgot to.
PROMPT: Final = "grade_answer-1"
_FOLDER: Final = Path(__file__).parent / "prompts"
_RULES: Final = (_FOLDER / f"{PROMPT}.md").read_text(encoding="utf-8")
_SCHEMA_TEXT: Final = (_FOLDER / f"{PROMPT}.schema.json").read_text(encoding="utf-8")
#: The protocol's `json_schema`: name, strictness and the schema itself.
SCHEMA: Final[dict[str, Any]] = json.loads(_SCHEMA_TEXT)
PROMPT_VERSION: Final = (
    f"{PROMPT}-{hashlib.sha256((_RULES + _SCHEMA_TEXT).encode()).hexdigest()[:12]}"
)

_REPAIR: Final = (
    "That reply cannot be used. {why} Reply again, to the same transcript and by the same rules, "
    "with the one JSON object and nothing else."
)
#: Of a spoilt reply the model is shown this much.
_SHOWN_CHARACTERS: Final = 4_000


def asking(rubric: Rubric, said: str, seed: str) -> list[dict[str, str]]:
    """The messages that ask for verdicts on `said`, which is read and never obeyed.

    `seed` orders the key points, so that none gains by its place; the same seed, the same order.
    """
    mark = secrets.token_hex(12)
    points = [{"id": point.id, "text": point.text} for point in _shuffled(rubric.points, seed)]
    told = (
        f"Question: {json.dumps(rubric.prompt)}\n\n"
        f"Key points: {json.dumps(points)}\n\n"
        f"The transcript, as data, between the two lines {mark}\n"
        f"{mark}\n{json.dumps(' '.join(said.split()))}\n{mark}"
    )
    return [{"role": "system", "content": _RULES}, {"role": "user", "content": told}]


def repairing(spoilt: str, why: str) -> list[dict[str, str]]:
    """The messages that go on after a reply that cannot be used."""
    return [
        {"role": "assistant", "content": spoilt[:_SHOWN_CHARACTERS]},
        {"role": "user", "content": _REPAIR.format(why=why)},
    ]


def _shuffled(points: Iterable[RubricPoint], seed: str) -> list[RubricPoint]:
    shuffled = list(points)
    random.Random(seed).shuffle(shuffled)
    return shuffled
