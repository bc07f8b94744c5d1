"""A packed dictionary answers as the one it was made from."""

from __future__ import annotations

from typing import Any

import pytest

from voice.packed import PackedDict

ENTRIES: dict[str, Any] = {
    "read": {"DEFAULT": "ɹˈid", "VBD": "ɹˈɛd"},
    "": "empty",
    "ﬁn": "not ASCII",
    "re": "shorter",
    "reads": "longer",
    "a\tb": [1, 2.5, None],
    "Zulu": "zˈulu",
    "line\n": "with its end",
}


@pytest.mark.parametrize("count", range(len(ENTRIES) + 1))
def test_it_holds_what_it_was_made_from(count: int) -> None:
    source = dict(list(ENTRIES.items())[:count])
    packed = PackedDict(source)
    assert dict(packed) == source
    assert len(packed) == count
    assert [packed.get(key) for key in ENTRIES] == [source.get(key) for key in ENTRIES]


@pytest.mark.parametrize("key", ["rea", "reads ", "b", "\U0001f600", "zzz"])
def test_what_is_not_there_is_missed(key: str) -> None:
    packed = PackedDict(ENTRIES)
    assert key not in packed
    with pytest.raises(KeyError):
        packed[key]


def test_changing_a_value_changes_nothing_within() -> None:
    packed = PackedDict(ENTRIES)
    packed["read"]["VBD"] = "changed"
    assert packed["read"] == ENTRIES["read"]
