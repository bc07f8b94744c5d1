"""The addresses that help two ends of a line find each other, as an operator writes them."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

_SERVER: Final = re.compile(
    r"(?P<scheme>stun|turns?):"
    r"(?:(?P<user>[^:@\s]+):(?P<password>[^@\s]+)@)?"
    r"(?P<place>(?:\[[0-9A-Fa-f:.]+\]|[^:@/?\[\]\s]+)(?::\d{1,5})?)"
    r"(?P<transport>\?transport=(?:udp|tcp))?"
)


def ice_server(text: str) -> dict[str, str]:
    """`stun:host:port` or `turn:user:password@host:port?transport=udp`, as browsers take it.

    User and password are percent-encoded where they hold `:`, `@` or a comma. Raises ValueError,
    whose words repeat nothing of `text`.
    """
    found = _SERVER.fullmatch(text)
    if found is None:
        raise ValueError(
            "each is stun:host:port, turn:user:password@host:port or turns:user:password@host:port"
        )
    relays = found["scheme"] != "stun"
    if relays and not found["user"]:
        raise ValueError("a turn: server needs its user and password, turn:user:password@host:port")
    if not relays and (found["user"] or found["transport"]):
        raise ValueError("a stun: server takes no user, password or transport")
    server = {"urls": f"{found['scheme']}:{found['place']}{found['transport'] or ''}"}
    if relays:
        server |= {"username": unquote(found["user"]), "credential": unquote(found["password"])}
    return server


def without_password(text: str) -> str:
    """The address as it may be shown."""
    return re.sub(r"^(turns?:[^:@\s]*:)[^@\s]*@", r"\1********@", text)
