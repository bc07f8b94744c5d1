"""Text that PostgreSQL can keep.

It refuses U+0000 in text and JSONB, and UTF-8 has no lone surrogates. Each becomes U+FFFD, one for
one, so that positions in a text stay valid.
"""

from __future__ import annotations

import re
from typing import Any

_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")


def keepable(text: str) -> str:
    return _UNKEEPABLE.sub("\ufffd", text)


def keepable_or_none(text: str | None) -> str | None:
    return None if text is None else keepable(text)


def keepable_json(value: Any) -> Any:
    """The same for every string, keys included, in what `json.dumps` accepts."""
    match value:
        case str():
            return keepable(value)
        case dict():
            return {keepable_json(key): keepable_json(item) for key, item in value.items()}
        case list() | tuple():
            return [keepable_json(item) for item in value]
        case _:
            return value
