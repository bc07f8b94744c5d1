"""What may pass as a browser's offer, and where it may have audio sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import InvalidInput
from contracts.sdp import MAX_BYTES, MAX_CANDIDATES, Reach, admitted
from tests.integration.test_api.test_conduct import OFFER

PUBLIC = Reach(loopback=False, private=False)


def offer_of(candidate: str) -> str:
    return f"{OFFER}a=candidate:{candidate}\r\n"


@pytest.mark.parametrize(
    "candidate",
    [
        "1 1 udp 2122260223 0b9c1d1e-1111-4222-8333-444455556666.local 54321 typ host",
        "1 1 UDP 2122260223 2606:4700::1111 54321 typ host generation 0 network-id 1",
        "3 1 udp 1686052607 203.0.113.5 61665 typ srflx raddr 192.168.1.7 rport 54321",
        "1 1 udp 1 127.0.0.1 40000 typ host",
    ],
)
def test_what_browsers_offer_passes(candidate: str) -> None:
    offer = offer_of(candidate)
    assert admitted(offer) == offer


@pytest.mark.parametrize(
    "candidate",
    [
        "1 1 udp 1 0.0.0.0 40000 typ host",
        "1 1 udp 1 0.1.2.3 40000 typ host",
        "1 1 udp 1 255.255.255.255 40000 typ host",
        "1 1 udp 1 240.0.0.1 40000 typ host",
        "1 1 udp 1 224.0.0.251 5353 typ host",
        "1 1 udp 1 ff02::1 40000 typ host",
        "1 1 udp 1 fe80::1 40000 typ host",
        "1 1 udp 1 169.254.169.254 40000 typ host",
        "1 1 udp 1 169.254.170.2 40000 typ host",
        "1 1 udp 1 ::ffff:169.254.169.254 40000 typ host",
        "1 1 udp 1 64:ff9b::a9fe:a9fe 40000 typ host",
        "1 1 udp 1 2002:a9fe:a9fe::1 40000 typ host",
        "1 1 udp 1 fd00:ec2::254 40000 typ host",
        "1 1 udp 1 8.8.8.8 53 typ host",
        "1 1 udp 1 8.8.8.8 65536 typ host",
        "1 1 tcp 1518280447 8.8.8.8 40000 typ host tcptype active",
        "1 1 udp 1 evil.example 40000 typ host",
        "1 1 udp 1 10.0.0.1 x typ host",
        "1",
        "",
    ],
)
def test_a_candidate_that_nobody_should_send_to_is_dropped_and_the_others_stay(
    candidate: str,
) -> None:
    assert admitted(offer_of(candidate) + "a=end-of-candidates\r\n") == OFFER


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("127.0.0.1", Reach(loopback=False)),
        ("::1", Reach(loopback=False)),
        ("::ffff:127.0.0.1", Reach(loopback=False)),
        ("10.0.0.7", Reach(private=False)),
        ("172.17.0.2", Reach(private=False)),
        ("100.64.0.1", Reach(private=False)),
        ("fd12::1", Reach(private=False)),
        ("64:ff9b::a00:7", Reach(private=False)),
        ("0b9c1d1e-1111-4222-8333-444455556666.local", Reach(private=False)),
    ],
)
def test_a_setting_says_whether_this_machine_and_its_network_are_reached(
    address: str, reach: Reach
) -> None:
    public = OFFER.replace("192.168.1.7", "8.8.8.8")
    offer = f"{public}a=candidate:1 1 udp 1 {address} 40000 typ host\r\n"
    assert admitted(offer) == offer
    assert admitted(offer, reach) == public


def test_an_offer_may_be_left_without_any_candidate() -> None:
    """The browser's own checks find the bot, and the bot answers them."""
    assert "a=candidate" not in admitted(OFFER, PUBLIC)


@pytest.mark.parametrize(
    ("sdp", "why"),
    [
        (OFFER + "a=x:" + MAX_BYTES * "y", "bytes"),
        (OFFER + (MAX_CANDIDATES + 1) * "a=candidate:1 1 udp 1 8.8.8.8 9999 typ host\r\n", "cand"),
        (OFFER + 5 * "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "media"),
        (OFFER.replace("m=audio 9", "m=audio 0"), "audio"),
        (OFFER.replace("a=fingerprint:", "a=print:"), "fingerprint"),
        (OFFER.replace("a=ice-ufrag:", "a=ufrag:"), "ice-ufrag"),
        (OFFER + "a=setup:active\r\n", "actpass"),
        *((OFFER.replace("actpass", role), "actpass") for role in ("active", "passive")),
    ],
)
def test_what_no_browser_offers_is_refused_and_not_repeated(sdp: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as refused:
        admitted(sdp)
    assert refused.value.field == "sdp"
    assert len(refused.value.detail) < 100


@given(st.text(max_size=300))
def test_no_text_breaks_the_check(text: str) -> None:
    with pytest.raises(InvalidInput):
        admitted(text)
    with pytest.raises(InvalidInput):
        admitted(OFFER + "m=" + text + "\x01")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_no_candidate_breaks_the_check(text: str) -> None:
    narrowed = admitted(offer_of(text), PUBLIC)
    assert admitted(narrowed, PUBLIC) == narrowed
