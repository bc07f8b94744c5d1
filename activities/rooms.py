"""The interview's LiveKit room, made and closed because the workflow says so."""

from __future__ import annotations

from temporalio import activity

from activities.failures import told_to_temporal
from contracts.activities import RoomOf
from contracts.errors import Unavailable
from contracts.rooms import OpensRooms


class RoomActivities:
    """Both are idempotent. Without `rooms` this service has no LiveKit (any more)."""

    def __init__(self, rooms: OpensRooms | None) -> None:
        self._rooms = rooms

    @activity.defn(name="open_room")
    async def open_room(self, room: RoomOf) -> None:
        """Also when LiveKit was restarted and has forgotten its rooms."""
        with told_to_temporal():
            await self._given.open(room.interview_id)

    @activity.defn(name="close_room")
    async def close_room(self, room: RoomOf) -> None:
        with told_to_temporal():
            await self._given.close(room.interview_id)

    @property
    def _given(self) -> OpensRooms:
        if self._rooms is None:
            raise Unavailable("LIVEKIT_URL is not set, and this interview is held in a room")
        return self._rooms
