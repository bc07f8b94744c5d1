"""LiveKit's rooms, one for each interview, and the tokens that open them.

What a token allows is the least that its holder needs, for one room, and it serves for two minutes:
the time counts when somebody joins, and LiveKit sends whoever is inside a fresh one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import aiohttp
from livekit import api
from uuid_utils.compat import uuid7

from contracts.errors import NotAuthenticated, SettingError, Unavailable
from contracts.rooms import (
    BOT,
    CANDIDATE,
    GRACE,
    LISTENER,
    STAMP,
    TICKET,
    Entry,
    RoomEvent,
    RoomPass,
    Ticket,
)

#: Calls take a few milliseconds; who joins waits for two of them.
_WITHIN: Final = aiohttp.ClientTimeout(total=4)
#: A room that nobody has entered.
_EMPTY_FOR: Final = timedelta(minutes=5)
_TOKEN_FOR: Final = timedelta(minutes=2)
#: The version of the UUIDs that interviews are made with (`db.ids`).
_OUR_IDS: Final = 7


class LiveKitRooms:
    """Rooms on the server at `url`, which browsers reach at `public_url`."""

    def __init__(self, url: str, public_url: str, api_key: str, api_secret: str) -> None:
        self._url = url
        self._public_url = public_url
        self._key, self._secret = api_key, api_secret
        self._receiver = api.WebhookReceiver(api.TokenVerifier(api_key, api_secret))

    async def open(self, interview_id: UUID) -> None:
        """Makes the room unless it is there. Raises Unavailable."""
        async with self._told() as livekit:
            await livekit.room.create_room(
                api.CreateRoomRequest(
                    name=str(interview_id),
                    empty_timeout=int(_EMPTY_FOR.total_seconds()),
                    departure_timeout=int(GRACE.total_seconds()),
                )
            )

    async def close(self, interview_id: UUID) -> None:
        """Sends everybody out; nothing happens when the room is not there. Raises Unavailable."""
        async with self._told() as livekit:
            try:
                await livekit.room.delete_room(api.DeleteRoomRequest(room=str(interview_id)))
            except api.TwirpError as failure:
                if failure.code != api.TwirpErrorCode.NOT_FOUND:
                    raise

    async def standing(self, interview_id: UUID | None = None) -> dict[UUID, datetime]:
        """The rooms whose names are ids of ours, or that one alone, and when they were made, by
        LiveKit's clock. Raises Unavailable."""
        names = [str(interview_id)] if interview_id else []
        async with self._told() as livekit:
            listed = await livekit.room.list_rooms(api.ListRoomsRequest(names=names))
        found = {}
        for room in listed.rooms:
            with suppress(ValueError):
                named = UUID(room.name)
                if named.version == _OUR_IDS and room.name == str(named):
                    found[named] = datetime.fromtimestamp(room.creation_time, UTC)
        return found

    async def inside(self, interview_id: UUID) -> frozenset[str]:
        """The names of everybody in the room, hidden ones too; nobody where it is not there.
        Raises Unavailable."""
        room = api.ListParticipantsRequest(room=str(interview_id))
        async with self._told() as livekit:
            try:
                listed = await livekit.room.list_participants(room)
            except api.TwirpError as failure:
                if failure.code != api.TwirpErrorCode.NOT_FOUND:
                    raise
                return frozenset()
        return frozenset(who.identity for who in listed.participants)

    async def check(self) -> None:
        """Raises SettingError that names what is wrong: the address, or the key and its secret."""
        try:
            async with self._livekit() as livekit:
                await livekit.room.list_rooms(api.ListRoomsRequest(names=["none"]))
        except api.TwirpError as failure:
            raise SettingError(
                "LIVEKIT_API_KEY",
                f"LiveKit refuses this key and secret ({failure.code})",
                "Set LIVEKIT_API_KEY and LIVEKIT_API_SECRET to a pair of that server's",
            ) from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise SettingError(
                "LIVEKIT_URL", f"no LiveKit answers at {self._url}", "Start it there, or correct it"
            ) from None

    def candidates_pass(
        self, interview_id: UUID, epoch: int, admission: int, *, camera: bool = False
    ) -> RoomPass:
        """For the browser: one microphone out, the interviewer in, and the buttons' messages; with
        `camera` a picture out as well, which a bot does not take.

        A bot lets it serve once, and not at all when a newer admission was used before it.
        """
        grants = api.VideoGrants(
            room_join=True,
            room=str(interview_id),
            can_publish=True,
            can_publish_sources=["microphone", *(["camera"] if camera else [])],
            can_publish_data=True,
            can_subscribe=True,
        )
        ticket = Entry(Ticket(admission, uuid7()))
        told = {"epoch": str(epoch), TICKET: str(ticket)}
        token = self._token(CANDIDATE, grants).with_attributes(told)
        return RoomPass(self._public_url, token.to_jwt())

    def bots_pass(self, interview_id: UUID) -> RoomPass:
        """For the interviewer. Whoever has its name last is the one in the room; it keeps no room
        open, so that one whose candidate has gone closes by itself."""
        grants = api.VideoGrants(
            room_join=True,
            room=str(interview_id),
            can_publish=True,
            can_publish_sources=["microphone"],
            can_publish_data=True,
            can_subscribe=True,
            agent=True,
        )
        return RoomPass(self._url, self._token(BOT, grants).to_jwt())

    def listeners_pass(self, interview_id: UUID, listener_id: UUID) -> RoomPass:
        """For staff: hears both sides, reads the captions, and sees the candidate whose camera is
        on. Nobody in the room is told of them, and they can neither speak nor send."""
        grants = api.VideoGrants(
            room_join=True,
            room=str(interview_id),
            can_publish=False,
            can_publish_data=False,
            can_subscribe=True,
            hidden=True,
        )
        token = self._token(f"{LISTENER}{listener_id}", grants)
        return RoomPass(self._public_url, token.to_jwt())

    async def stamp(self, interview_id: UUID, sid: str, entry: Entry) -> bool:
        """Raises Unavailable, also when the candidate has left again. LiveKit stamps by name alone,
        and says who that was. A bot that dies on the way leaves the token noted as used up."""
        room = str(interview_id)
        async with self._told() as livekit:
            await _note(livekit, room, entry.used_up())
            who = await livekit.room.update_participant(
                api.UpdateParticipantRequest(
                    room=room, identity=CANDIDATE, attributes={STAMP: entry.stamp}
                )
            )
            if who.sid != sid:
                return False
            await _note(livekit, room, entry)
        return True

    async def send_out(self, interview_id: UUID, sid: str) -> None:
        """Raises Unavailable. LiveKit sends out by name alone: so it is asked first who has it, and
        an owner who is back within a millisecond of that goes in the thief's place."""
        who = api.RoomParticipantIdentity(room=str(interview_id), identity=CANDIDATE)
        async with self._told() as livekit:
            try:
                if (await livekit.room.get_participant(who)).sid == sid:
                    await livekit.room.remove_participant(who)
            except api.TwirpError as failure:
                if failure.code != api.TwirpErrorCode.NOT_FOUND:
                    raise

    def told(self, body: bytes, signature: str) -> RoomEvent:
        """What a webhook says. Raises NotAuthenticated unless LiveKit signed these very bytes."""
        try:
            event = self._receiver.receive(body.decode(), signature)
        except Exception:
            raise NotAuthenticated from None
        return RoomEvent(event.id, event.event, event.room.name)

    def _token(self, identity: str, grants: api.VideoGrants) -> api.AccessToken:
        token = api.AccessToken(self._key, self._secret).with_identity(identity)
        return token.with_ttl(_TOKEN_FOR).with_grants(grants)

    def _livekit(self) -> api.LiveKitAPI:
        return api.LiveKitAPI(self._url, self._key, self._secret, timeout=_WITHIN)

    @asynccontextmanager
    async def _told(self) -> AsyncIterator[api.LiveKitAPI]:
        """Its errors quote what was sent, tokens too: none of their words goes on."""
        try:
            async with self._livekit() as livekit:
                yield livekit
        except api.TwirpError as failure:
            raise Unavailable(f"LiveKit refuses ({failure.code})") from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise Unavailable("LiveKit cannot be reached") from None


async def _note(livekit: api.LiveKitAPI, room: str, entry: Entry) -> None:
    """In the room's metadata, for its next bot."""
    note = api.UpdateRoomMetadataRequest(room=room, metadata=str(entry))
    await livekit.room.update_room_metadata(note)
