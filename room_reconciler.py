"""Compares LiveKit's rooms with the interviews that are held in them; closes, or raises.

The workflow closes its room at the end, in a minute of tries; webhooks are late or never come. So a
LiveKit that was away just then, or an interview that was ended by hand, leaves a room behind, and
whoever is in it.

A room's name alone says that it is ours: an id as we make them. So one of no interview, which may
be another installation's on the same server, is closed only when nobody is in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from temporalio.client import Client

from contracts.errors import Unavailable
from contracts.rooms import BOT, CANDIDATE, LISTENER
from db.store import Store
from findings import MOST, Finding, Kind, each_of
from workflows.standing import standing_of

if TYPE_CHECKING:
    from livekit_rooms import LiveKitRooms

#: A workflow that runs closes the room itself, once these are done.
_AT_IT: Final = frozenset({"hold_conversation", "open_room", "close_room"})
#: An interview has its row before its room; the clocks of LiveKit and of this machine may differ.
YOUNG: Final = timedelta(minutes=2)
#: A bot whose room is gone ends itself, and the next one opens it, within this.
BACK_WITHIN_S: Final = 15.0


class RoomReconciler:
    """One round at a time. A room that is `young` may be of an interview to come; one that is
    missing is looked for again after `back_within_s`.
    """

    def __init__(
        self,
        store: Store,
        temporal: Client,
        rooms: LiveKitRooms,
        *,
        young: timedelta = YOUNG,
        back_within_s: float = BACK_WITHIN_S,
    ) -> None:
        self._store = store
        self._temporal = temporal
        self._rooms = rooms
        self._young, self._back_within_s = young, back_within_s
        self._away = False

    async def findings(self, calls: int) -> AsyncIterator[Finding]:
        """One listing, or two, and at most `calls` looks of each kind. From the first call that
        LiveKit leaves unanswered on it is asked nothing more in this round.

        Raises Unavailable for the database, RPCError.
        """
        self._away = False
        rooms = await self._standing()
        over = await self._store.discrepancies.rooms_over(rooms)
        before = datetime.now(UTC) - self._young
        unknown = (each for each in rooms if each not in over and rooms[each] < before)
        looks: tuple[tuple[Iterator[UUID], Callable[[UUID], Awaitable[Finding | None]]], ...] = (
            ((each for each in rooms if over.get(each)), self._left),
            (unknown, self._unknown),
            ((each for each in rooms if not over.get(each, True)), self._strangers),
        )
        for subjects, look in looks:
            async for found in each_of(subjects, look, calls):
                yield found
        async for found in self._missing(rooms, calls):
            yield found
        if self._away:
            yield Finding(Kind.LIVEKIT_AWAY, None)

    async def _standing(self) -> dict[UUID, datetime]:
        try:
            return await self._rooms.standing()
        except Unavailable:
            self._away = True
            return {}

    async def _left(self, interview_id: UUID) -> Finding | None:
        """A workflow that holds a conversation there though its row has ended is raised as such:
        the room is its own to close."""
        standing = await standing_of(self._temporal, interview_id)
        if self._away or (standing and standing.running and standing.pending & _AT_IT):
            return None
        try:
            if interview_id in await self._rooms.standing(interview_id):
                await self._rooms.close(interview_id)
                return Finding(Kind.ROOM_LEFT, interview_id, healed=True)
        except Unavailable:
            self._away = True
        return None

    async def _unknown(self, interview_id: UUID) -> Finding | None:
        if self._away or await self._store.discrepancies.rooms_over([interview_id]):
            return None
        try:
            if interview_id not in await self._rooms.standing(interview_id):
                return None
            empty = not await self._rooms.inside(interview_id)
            if empty:
                await self._rooms.close(interview_id)
            return Finding(Kind.ROOM_UNKNOWN, interview_id, healed=empty)
        except Unavailable:
            self._away = True
        return None

    async def _strangers(self, interview_id: UUID) -> Finding | None:
        """Candidate and bot have a name each. A listener's name has the id of a row."""
        if self._away:
            return None
        try:
            others = await self._rooms.inside(interview_id) - {CANDIDATE, BOT}
        except Unavailable:
            self._away = True
            return None
        if others:
            admitted = await self._store.live_listeners.of_interview(interview_id)
            others -= {f"{LISTENER}{each.id}" for each in admitted}
        return Finding(Kind.ROOM_STRANGER, interview_id) if others else None

    async def _missing(self, rooms: Mapping[UUID, Any], calls: int) -> AsyncIterator[Finding]:
        """After a restart of LiveKit every room is missing for a while."""
        if self._away:
            return
        missing = await self._store.discrepancies.held_in_rooms(MOST) - rooms.keys()
        if not missing:
            return
        await asyncio.sleep(self._back_within_s)
        rooms = await self._standing()
        held = await self._store.discrepancies.held_in_rooms(MOST)
        if not self._away:
            for interview_id in sorted((missing & held) - rooms.keys())[:calls]:
                yield Finding(Kind.ROOM_MISSING, interview_id)
