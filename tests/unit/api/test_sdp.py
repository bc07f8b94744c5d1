"""What may pass as a browser's offer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.sdp import check_offer
from contracts.errors import InvalidInput
from tests.integration.test_api.test_conduct import OFFER


@pytest.mark.parametrize(
    "candidate",
    [
        "1 1 udp 2122260223 0b9c1d1e-1111-4222-8333-444455556666.local 54321 typ host",
        "1 1 UDP 2122260223 fe80::1 54321 typ host generation 0 network-id 1",
        "2 1 tcp 1518280447 192.168.1.7 9 typ host tcptype active",
        "3 1 udp 1686052607 203.0.113.5 61665 typ srflx raddr 192.168.1.7 rport 54321",
    ],
)
def test_what_browsers_offer_passes(candidate: str) -> None:
    offer = f"{OFFER}a=candidate:{candidate}\r\n"
    assert check_offer(offer) == offer


@pytest.mark.parametrize(
    "candidate",
    [
        "1 1 udp 1 0.0.0.0 1 typ host",
        "1 1 udp 1 255.255.255.255 1 typ host",
        "1 1 udp 1 ff02::1 1 typ host",
        "1 1 udp 1 fd00:ec2::254 1 typ host",
        "1 1 udp 1 evil.example 1 typ host",
        "1",
        "1 1 udp 1 10.0.0.1 x typ host",
    ],
)
def test_a_candidate_that_no_browser_has_is_refused(candidate: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_offer(f"{OFFER}a=candidate:{candidate}\r\n")
    assert refused.value.field == "sdp"
    assert candidate not in refused.value.detail


@given(st.text(max_size=300))
def test_no_text_breaks_the_check(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_offer(text)
    with pytest.raises(InvalidInput):
        check_offer(OFFER + "m=" + text + "\x01")
