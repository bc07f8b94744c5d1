"""A quote is found where it stands, and only there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.quotes import Words

SAID = "So, um, the hash of the key picks a bucket.\nAnd uh two keys may not share it, I think."


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("the hash of the key picks a bucket", "the hash of the key picks a bucket"),
        ("So the HASH of the key...", "So, um, the hash of the key"),
        ("the hash of the kee picks a bucket", "the hash of the key picks a bucket"),
        ("picks a bucket, and two keys", "picks a bucket.\nAnd uh two keys"),
        ("two keys may not share it", "two keys may not share it"),
    ],
)
def test_a_quote_is_found_whatever_its_case_punctuation_and_fillers(quote: str, found: str) -> None:
    span = Words(SAID).find(quote)
    assert span is not None
    assert SAID[slice(*span)] == found


@pytest.mark.parametrize(
    "quote",
    [
        "",
        "um, uh",
        "...",
        "the hash of the key picks a node",
        "the bucket picks a hash of the key",
        "two keys may share it, I think",
        "two keys may not share it, I do not think",
        "kee",
        SAID * 2,
    ],
)
def test_what_was_not_said_is_not_found(quote: str) -> None:
    assert Words(SAID).find(quote) is None


def test_words_of_every_script_are_compared() -> None:
    said = "Die Größe ist \u2264 n, 栈 是 后进先出 の構造."
    span = Words(said).find("栈 是 后进先出")
    assert span is not None
    assert said[slice(*span)] == "栈 是 后进先出"


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_span_is_within_the_text_and_begins_and_ends_with_a_word(text: str, quote: str) -> None:
    span = Words(text).find(quote)
    if span is not None:
        assert 0 <= span[0] < span[1] <= len(text)
        assert text[slice(*span)].strip() == text[slice(*span)]


@given(
    st.lists(st.sampled_from(["stack", "heap", "not", "um", "push,", "Pop!"]), min_size=1),
    st.data(),
)
def test_every_stretch_of_what_was_said_is_found(words: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(words) - 1))
    stretch = words[first : data.draw(st.integers(first + 1, len(words)))]
    found = Words(" ".join(words)).holds(" ".join(stretch))
    assert found == any(word != "um" for word in stretch)
