"""The edge in front of WebRTC: what a browser's offer may be before anything parses it for real."""

from __future__ import annotations

import ipaddress
from typing import Final

from contracts.errors import InvalidInput

#: Chromium's offer for one audio line and a data channel is about 3 kB, 80 lines and at most ten
#: candidates (2026); the caps leave room for several network interfaces and other browsers.
MAX_BYTES: Final = 32_768
MAX_LINES: Final = 400
MAX_LINE: Final = 2_000
MAX_CANDIDATES: Final = 64
MAX_MEDIA: Final = 4

#: Where clouds serve credentials to their own machines.
_METADATA: Final = frozenset(map(ipaddress.ip_address, ("169.254.169.254", "fd00:ec2::254")))


def check_offer(sdp: str) -> str:
    """`sdp` itself. Raises InvalidInput naming `sdp`.

    `a=setup` must be `actpass`: with `active` this side would become the DTLS server, the side the
    ClientHello race attacks.
    """
    if len(sdp.encode("utf-8", "replace")) > MAX_BYTES:
        raise _refused(f"is longer than {MAX_BYTES} bytes")
    lines = sdp.splitlines()
    _check_form(sdp, lines)
    _check_security(lines)
    for line in lines:
        if line.startswith("a=candidate:"):
            _check_candidate(line.split())
    return sdp


def _check_form(sdp: str, lines: list[str]) -> None:
    if not sdp.isascii() or any(ord(sign) < 32 and sign not in "\r\n" for sign in sdp):
        raise _refused("is not plain text")
    if not lines or lines[0] != "v=0" or not any(line.startswith("m=audio ") for line in lines):
        raise _refused("is not a session description with an audio line")
    if any(len(line) < 2 or line[1] != "=" for line in lines if line):
        raise _refused("has a line that is not of the form x=...")
    caps = (
        (len(lines), MAX_LINES, "lines"),
        (max(map(len, lines)), MAX_LINE, "characters in one line"),
        (_count(lines, "a=candidate:"), MAX_CANDIDATES, "candidates"),
        (_count(lines, "m="), MAX_MEDIA, "media lines"),
    )
    for found, cap, what in caps:
        if found > cap:
            raise _refused(f"has more than {cap} {what}")


def _check_security(lines: list[str]) -> None:
    setups = {line for line in lines if line.startswith("a=setup:")}
    if setups != {"a=setup:actpass"}:
        raise _refused("must say a=setup:actpass and nothing else there")
    for needed in ("a=fingerprint:", "a=ice-ufrag:", "a=ice-pwd:"):
        if not _count(lines, needed):
            raise _refused(f"lacks {needed[2:-1]}")


def _check_candidate(words: list[str]) -> None:
    """Refuses addresses that no browser has and that nobody should be made to send packets to."""
    if len(words) < 8 or words[6] != "typ" or not words[5].isdecimal():
        raise _refused("has a malformed candidate")
    try:
        address = ipaddress.ip_address(words[4])
    except ValueError:
        if words[4].endswith(".local"):  # the browser's own name for a hidden local address
            return
        raise _refused("has a candidate without an address") from None
    forbidden = address.is_multicast or address.is_unspecified or address in _METADATA
    if forbidden or str(address) == "255.255.255.255":
        raise _refused("has a candidate at an address that is not a browser's")


def _count(lines: list[str], prefix: str) -> int:
    return sum(line.startswith(prefix) for line in lines)


def _refused(why: str) -> InvalidInput:
    return InvalidInput(f"sdp {why}.", field="sdp")
