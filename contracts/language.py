"""Language models, as those who ask one see it. `language_models.LanguageModel` does it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from contracts.usage import Book, Purpose, Usage

#: `role` and `content`, as the protocol has them.
Message = dict[str, str]


class Said(NamedTuple):
    """`cut`: the tokens ran out before the end; `refused`: it would not answer."""

    text: str
    cut: bool
    refused: bool
    usage: Usage


class AsksModels(Protocol):
    """One model. May be asked by many tasks at once, and never retries: who asks does.

    Both raise Unavailable and TooMany for what may pass, with the least wait where one is told, and
    Ungradable for what will not.
    """

    @property
    def model(self) -> str: ...

    async def ask(
        self, messages: Sequence[Message], schema: Mapping[str, Any], most_tokens: int
    ) -> Said:
        """`schema` is the protocol's `json_schema`; a host that refuses it is asked for JSON."""

    def stream(
        self, messages: Sequence[Message], most_tokens: int, purpose: Purpose, book: Book
    ) -> AsyncGenerator[str, None]:
        """The reply in pieces, as they come. Close it (`aclosing`) when no more is wanted."""
