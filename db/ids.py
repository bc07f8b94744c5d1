"""Keys made by callers, in the order of their making."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A UUIDv7. Never called inside a workflow: it reads the clock and draws at random."""
    return uuid7()
