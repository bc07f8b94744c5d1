"""What the product changes in aioice: the only place that touches it.

aioice takes whatever arrives at a socket: it queues each datagram that is no STUN message, from
anywhere and without bound, hands an empty one on to a reader that dies of it, answers every STUN
request, and lets errors of its parser out into the event loop. A media port is open to anybody who
finds it, so `GuardedProtocol` stands in front.
"""

from __future__ import annotations

import struct
import time
from contextlib import suppress
from typing import Any, Final

import aioice.ice
import aioice.stun

#: Of media, keys and data: a packet of audio has about 100 bytes, and none is larger than an MTU.
LARGEST_DATAGRAM: Final = 2_048
#: Datagrams that wait to be read. Audio comes at 50 a second and is read at once.
LONGEST_QUEUE: Final = 256
#: STUN messages a second from addresses that have not shown the password: a browser's checks come
#: from each of its addresses every 50 ms at most.
STRANGERS_A_SECOND: Final = 100
#: Addresses that may become candidates of one browser, with those it has offered.
MOST_ADDRESSES: Final = 100
_COOKIE: Final = b"\x21\x12\xa4\x42"
#: What aioice's parser raises.
_MALFORMED: Final = (ValueError, LookupError, TypeError, struct.error)


def offer_loopback() -> None:
    """Makes ICE offer 127.0.0.1 and nothing else, for the whole process, from now on.

    aioice leaves loopback addresses out and has no setting for it. Called where a setting says so
    and by tests and bench.
    """
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


def guard_sockets() -> None:
    """Puts `GuardedProtocol` in front of every socket that ICE opens from now on, and has a
    connection that was closed in the moment it came up stay closed. Safe to repeat."""
    aioice.ice.StunProtocol = GuardedProtocol  # type: ignore[misc]  # a class is replaced
    aioice.ice.Connection.query_consent = _consent_while_open  # type: ignore


_query_consent = aioice.ice.Connection.query_consent


async def _consent_while_open(connection: aioice.ice.Connection) -> None:
    """aioice begins to ask for consent after `close` too, and then never ends: each such line
    would leave a task and all that hangs on it behind."""
    if not connection._closing:
        await _query_consent(connection)


class GuardedProtocol(aioice.ice.StunProtocol):
    """Media only from where the candidate was found to be, STUN in measure, nothing malformed."""

    def __init__(self, receiver: aioice.ice.Connection) -> None:
        super().__init__(receiver)
        self._second = 0
        self._strangers = 0

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        if not isinstance(data, bytes) or not 0 < len(data) <= LARGEST_DATAGRAM:
            return
        if not self._welcome(data, (addr[0], addr[1])):
            return
        with suppress(*_MALFORMED):
            super().datagram_received(data, addr)

    def _welcome(self, data: bytes, source: tuple[str, int]) -> bool:
        if self._is_found(source):
            return self.receiver._queue.qsize() < LONGEST_QUEUE
        # While the line comes up, and when the browser changes its address, checks come first.
        looks = data[4:8] == _COOKIE
        return looks and (self._is_known(source) or self._in_measure()) and _is_stun(data)

    def _is_found(self, source: tuple[str, int]) -> bool:
        """A check that only the candidate's browser could make has been answered from there."""
        return any(
            pair.protocol is self and pair.remote_addr == source
            for pair in (*self.receiver._nominated.values(), *self.receiver._check_list)
            if pair.state is _FOUND
        )

    def _is_known(self, source: tuple[str, int]) -> bool:
        """Offered by the browser, or shown by a check with the password."""
        return any(
            (each._network_host, each.port) == source for each in self.receiver._remote_candidates
        )

    def _in_measure(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._strangers = second, 0
        self._strangers += 1
        few = len(self.receiver._remote_candidates) < MOST_ADDRESSES
        return few and self._strangers <= STRANGERS_A_SECOND


_FOUND: Final = aioice.ice.CandidatePair.State.SUCCEEDED


def _is_stun(data: bytes) -> bool:
    try:
        aioice.stun.parse_message(data)
    except _MALFORMED:
        return False
    return True
