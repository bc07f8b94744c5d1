"""The edge in front of WebRTC: what a browser's offer may be, and where it may have audio sent.

One check for both sides: the API refuses what it would only store, the bot refuses and narrows
again what it is about to answer, since only the bot sends packets.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from contracts.errors import InvalidInput

#: Chromium's offer for one audio line and a data channel is about 3 kB, 80 lines and at most ten
#: candidates (2026); the caps leave room for several network interfaces and other browsers.
MAX_BYTES: Final = 32_768
MAX_LINES: Final = 400
MAX_LINE: Final = 2_000
MAX_CANDIDATES: Final = 64
MAX_MEDIA: Final = 4

#: Browsers take no port below this for media; DNS, NTP and SNMP listen there.
LOWEST_PORT: Final = 1024

_CANDIDATE: Final = "a=candidate:"
_END: Final = "a=end-of-candidates"
#: Where clouds serve credentials to their own machines, beside the link-local 169.254.0.0/16.
_METADATA: Final = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "fd20:ce::254")))
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Reach:
    """Where audio may be sent beside public addresses: this machine, and private networks with the
    `.local` names that browsers hide their addresses of them behind."""

    loopback: bool = True
    private: bool = True


#: As on a laptop, and for who only keeps an offer.
ANYWHERE: Final = Reach()


def admitted(sdp: str, reach: Reach = ANYWHERE) -> str:
    """The offer without the candidates that `reach` leaves out. Raises InvalidInput naming `sdp`.

    A candidate that nobody should be made to send packets to is dropped, not refused: a browser on
    such a network is still found by the checks it sends itself. `a=setup` must be `actpass`: with
    `active` this side would become the DTLS server, the side the ClientHello race attacks.
    """
    if len(sdp.encode("utf-8", "replace")) > MAX_BYTES:
        raise _refused(f"is longer than {MAX_BYTES} bytes")
    lines = sdp.splitlines()
    _check_form(sdp, lines)
    _check_security(lines)
    kept = [line for line in lines if _stays(line, reach)]
    return sdp if len(kept) == len(lines) else "".join(f"{line}\r\n" for line in kept)


def _check_form(sdp: str, lines: list[str]) -> None:
    if not sdp.isascii() or any(ord(sign) < 32 and sign not in "\r\n" for sign in sdp):
        raise _refused("is not plain text")
    if not lines or lines[0] != "v=0" or not any(map(_sends_audio, lines)):
        raise _refused("is not a session description with an audio line")
    if any(len(line) < 2 or line[1] != "=" for line in lines if line):
        raise _refused("has a line that is not of the form x=...")
    caps = (
        (len(lines), MAX_LINES, "lines"),
        (max(map(len, lines)), MAX_LINE, "characters in one line"),
        (_count(lines, _CANDIDATE), MAX_CANDIDATES, "candidates"),
        (_count(lines, "m="), MAX_MEDIA, "media lines"),
    )
    for found, cap, what in caps:
        if found > cap:
            raise _refused(f"has more than {cap} {what}")


def _sends_audio(line: str) -> bool:
    """Port 0 is how a line is declined."""
    return line.startswith("m=audio ") and not line.startswith("m=audio 0 ")


def _check_security(lines: list[str]) -> None:
    setups = {line for line in lines if line.startswith("a=setup:")}
    if setups != {"a=setup:actpass"}:
        raise _refused("must say a=setup:actpass and nothing else there")
    for needed in ("a=fingerprint:", "a=ice-ufrag:", "a=ice-pwd:"):
        if not _count(lines, needed):
            raise _refused(f"lacks {needed[2:-1]}")


def _stays(line: str, reach: Reach) -> bool:
    """Without the mark that no more candidates come, ICE goes on waiting for the browser's own
    checks when nothing answers where the offer says."""
    if line.startswith(_CANDIDATE):
        return _reachable(line, reach)
    return not line.startswith(_END)


def _reachable(line: str, reach: Reach) -> bool:
    """Whether packets may go where this candidate says. What ICE could not read is left out too."""
    words = line.removeprefix(_CANDIDATE).split()
    if len(words) < 8 or words[2].lower() != "udp" or not _is_port(words[5]):
        return False
    if words[4].endswith(".local"):
        return reach.private
    try:
        return _permitted(ipaddress.ip_address(words[4]), reach)
    except ValueError:
        return False


def _is_port(word: str) -> bool:
    return word.isdecimal() and len(word) <= 5 and LOWEST_PORT <= int(word) < 65_536


def _permitted(address: _Address, reach: Reach) -> bool:
    inner = _inner(address)
    if inner.is_loopback:
        return reach.loopback
    never = (
        inner.is_multicast,
        inner.is_unspecified,
        inner.is_link_local,
        inner.is_reserved,  # the broadcast address among them
        inner in _METADATA,
        inner.version == 4 and int(inner) < 1 << 24,  # "this network"
    )
    return not any(never) and (inner.is_global or reach.private)


def _inner(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 one stands for, if it does: a gateway would send there."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _count(lines: Iterable[str], prefix: str) -> int:
    return sum(line.startswith(prefix) for line in lines)


def _refused(why: str) -> InvalidInput:
    return InvalidInput(f"sdp {why}.", field="sdp")
