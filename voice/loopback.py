"""WebRTC between two processes of one machine without a network."""

from __future__ import annotations

import aioice.ice


def offer_loopback() -> None:
    """Makes ICE offer 127.0.0.1 and nothing else, for the whole process, from now on.

    aioice leaves loopback addresses out and has no setting for it. Called where a setting says so
    and by tests and bench; this is the only place that touches aioice.
    """
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
