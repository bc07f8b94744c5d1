"""What the pages with sound may reach."""

from __future__ import annotations

import pytest

from api.headers import PAGE_POLICY
from web.pages import Ways


def test_without_livekit_a_page_reaches_this_service_alone() -> None:
    assert Ways().policy == PAGE_POLICY


@pytest.mark.parametrize(
    ("url", "reached"),
    [
        ("wss://livekit.example.org", "wss://livekit.example.org https://livekit.example.org"),
        ("ws://127.0.0.1:7880/path", "ws://127.0.0.1:7880 http://127.0.0.1:7880"),
    ],
)
def test_livekit_is_reached_and_nothing_else(url: str, reached: str) -> None:
    policy = Ways(livekit_url=url).policy
    assert f"connect-src 'self' {reached};" in policy
    assert policy.replace(f" {reached}", "") == PAGE_POLICY
