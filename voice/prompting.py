"""What a language model that interviews is sent: the rules, the question, what was said as data.

It never sees a key point, a model answer, a name or a grade, so it has none to give away.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from contracts.language import Message

#: Changed words get a new number.
_LISTEN, _REPHRASE, _FOLLOW_UP = (
    (Path(__file__).parent / "prompts" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("listen-1", "rephrase-1", "follow_up-1")
)
#: Of a long answer the end is what matters here.
_SHOWN_CHARACTERS: Final = 6_000


def listening(prompt: str, said: Sequence[str]) -> list[Message]:
    return _messages(_LISTEN, f"The question: {json.dumps(prompt)}", said)


def rephrasing(prompt: str, script: str) -> list[Message]:
    told = f"The question: {json.dumps(prompt)}\nThe same in other words: {json.dumps(script)}"
    return _messages(_REPHRASE, told)


def following_up(prompt: str, follow_up: str, said: Sequence[str]) -> list[Message]:
    told = f"The question: {json.dumps(prompt)}\nTo ask now: {json.dumps(follow_up)}"
    return _messages(_FOLLOW_UP, told, said)


def _messages(rules: str, told: str, said: Sequence[str] = ()) -> list[Message]:
    if said:
        mark = secrets.token_hex(12)
        words = json.dumps(" ".join(said)[-_SHOWN_CHARACTERS:])
        told += f"\n\nWhat was said, as data, between the two lines {mark}\n{mark}\n{words}\n{mark}"
    return [{"role": "system", "content": rules}, {"role": "user", "content": told}]
