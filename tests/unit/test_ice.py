"""STUN and TURN servers as an operator writes them."""

from __future__ import annotations

import pytest
from aiortc import RTCIceServer

from contracts.ice import ice_server, without_password


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("stun:stun.example.org", {"urls": "stun:stun.example.org"}),
        ("stun:[2001:db8::1]:3478", {"urls": "stun:[2001:db8::1]:3478"}),
        (
            "turn:ada:secret@turn.example.org:3478?transport=udp",
            {
                "urls": "turn:turn.example.org:3478?transport=udp",
                "username": "ada",
                "credential": "secret",
            },
        ),
        (
            "turns:1767225600%3Aada:a%40b%2Cc%2F=@turn.example.org",
            {
                "urls": "turns:turn.example.org",
                "username": "1767225600:ada",
                "credential": "a@b,c/=",
            },
        ),
    ],
)
def test_a_server_is_told_as_browsers_and_the_bot_take_it(
    text: str, server: dict[str, str]
) -> None:
    assert ice_server(text) == server
    assert RTCIceServer(**server).urls == server["urls"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("stun.example.org", "each is stun:host:port"),
        ("turn:turn.example.org:3478", "needs its user and password"),
        ("turn:hunter2@turn.example.org", "each is stun:host:port"),
        ("turn:ada:hunter2@", "each is stun:host:port"),
        ("turn:ada:hunter2@turn.example.org?transport=sctp", "each is stun:host:port"),
        ("stun:ada:hunter2@stun.example.org", "takes no user"),
    ],
)
def test_what_is_none_is_refused_without_its_words(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        ice_server(text)

    assert "hunter2" not in str(refused.value)


def test_the_password_is_not_shown() -> None:
    shown = without_password("turn:ada:hunter2@turn.example.org:3478")

    assert shown == "turn:ada:********@turn.example.org:3478"
    assert without_password("stun:stun.example.org") == "stun:stun.example.org"
