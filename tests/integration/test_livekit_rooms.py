"""Rooms, tokens and webhooks against LiveKit's own server."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from livekit import api, rtc

from connections import OneLine
from contracts.errors import NotAuthenticated, SettingError, Unavailable
from contracts.rooms import Entry, RoomPass, Ticket
from livekit_rooms import LiveKitRooms
from local.livekit import KEY, free_ports
from tests.livekit import Guest, Running, livekit_server
from tests.waiting import eventually
from voice.admission import Admission

Reason = rtc.DisconnectReason


@pytest.fixture
async def room(livekit: Running) -> UUID:
    interview_id = uuid4()
    await livekit.rooms.open(interview_id)
    return interview_id


@pytest.fixture
async def guests() -> AsyncIterator[list[Guest]]:
    inside: list[Guest] = []
    yield inside
    for guest in inside:
        await guest.leave()


def signed(livekit: Running, body: bytes, secret: str | None = None) -> str:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return api.AccessToken(KEY, secret or livekit.server.secret).with_sha256(digest).to_jwt()


# ---------------------------------------------------------------- tokens


def claims(token: str) -> dict[str, object]:
    body = token.split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def test_a_candidates_token_grants_a_microphone_in_one_room_for_two_minutes(
    livekit: Running,
) -> None:
    interview_id = uuid4()
    token = livekit.rooms.candidates_pass(interview_id, epoch=7, admission=3).token
    told = claims(token)
    attributes = told["attributes"]
    assert isinstance(attributes, dict)
    assert (told["sub"], set(attributes)) == ("candidate", {"epoch", "ticket"})
    assert attributes["epoch"] == "7"
    shown = Entry.of(attributes)
    assert shown is not None
    assert (shown.ticket.admission, shown.stamp) == (3, "")
    assert int(str(told["exp"])) - int(str(told["nbf"])) == timedelta(minutes=2).total_seconds()
    assert told["video"] == {
        "roomJoin": True,
        "room": str(interview_id),
        "canPublish": True,
        "canSubscribe": True,
        "canPublishData": True,
        "canPublishSources": ["microphone"],
    }


def test_a_camera_is_granted_where_it_is_asked_for(livekit: Running) -> None:
    token = livekit.rooms.candidates_pass(uuid4(), 1, 1, camera=True).token
    video = claims(token)["video"]
    assert isinstance(video, dict)
    assert video["canPublishSources"] == ["microphone", "camera"]


async def test_a_token_opens_its_own_room_and_no_other(
    livekit: Running, room: UUID, guests: list[Guest]
) -> None:
    guests.append(await Guest().join(livekit.rooms.candidates_pass(room, 1, 1)))
    assert guests[0].room.name == str(room)
    with pytest.raises(rtc.ConnectError):  # its room was never opened
        await Guest().join(livekit.rooms.candidates_pass(uuid4(), 1, 1))


async def test_nobody_publishes_what_was_not_granted(
    livekit: Running, room: UUID, guests: list[Guest]
) -> None:
    guests.append(await Guest().join(livekit.rooms.candidates_pass(room, 1, 1)))
    await guests[0].publish(rtc.TrackSource.SOURCE_MICROPHONE)
    refused = await asyncio.gather(
        guests[0].publish(rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO),
        guests[0].show(),
        return_exceptions=True,
    )
    assert ["time" in str(each) for each in refused] == [True, True]


async def test_a_hidden_listener_is_sent_the_picture_and_nobody_is_told(
    livekit: Running, room: UUID, guests: list[Guest]
) -> None:
    listener, sent = Guest(), list[rtc.TrackKind.ValueType]()
    listener.room.on("track_subscribed", lambda track, *_: sent.append(track.kind))
    guests.append(await listener.join(livekit.rooms.listeners_pass(room, uuid4())))
    candidate = await Guest().join(livekit.rooms.candidates_pass(room, 1, 1, camera=True))
    guests.append(candidate)
    await candidate.show()
    await eventually(lambda: sent == [rtc.TrackKind.KIND_VIDEO])
    assert candidate.told == []


@pytest.mark.parametrize("kind", ["forged", "expired"])
async def test_a_refused_token_is_in_no_log(livekit: Running, room: UUID, kind: str) -> None:
    url = livekit.url
    grants = api.VideoGrants(room_join=True, room=str(room))
    secret = "x" * 43 if kind == "forged" else livekit.server.secret
    maker = api.AccessToken(KEY, secret).with_identity("candidate").with_grants(grants)
    token = maker.with_ttl(timedelta(minutes=-5 if kind == "expired" else 5)).to_jwt()
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(OneLine())
    for logger in (logging.getLogger("livekit"), logging.getLogger("codevoice.test")):
        logger.addHandler(handler)
    try:
        with pytest.raises(rtc.ConnectError) as refused:
            await Guest().join(RoomPass(url, token))
        logging.getLogger("codevoice.test").error("refused: %s", refused.value)
    finally:
        for logger in (logging.getLogger("livekit"), logging.getLogger("codevoice.test")):
            logger.removeHandler(handler)
    assert "refused" in written.getvalue()
    assert token.split(".")[2] not in written.getvalue()
    assert token.split(".")[1] not in written.getvalue()
    server_log = livekit.server.folder / "livekit.log"
    assert token.split(".")[2] not in server_log.read_text()


# ---------------------------------------------------------------- rooms


async def test_opening_twice_and_closing_twice_is_once(livekit: Running, room: UUID) -> None:
    await livekit.rooms.open(room)
    await livekit.rooms.close(room)
    await livekit.rooms.close(room)


async def test_who_was_stamped_is_sent_a_token_with_the_stamp_and_the_room_is_told(
    livekit: Running, room: UUID, guests: list[Guest]
) -> None:
    """Nobody in the room can stamp themselves."""
    guests.append(await Guest().join(livekit.rooms.candidates_pass(room, 1, 1)))
    me = guests[0].room.local_participant
    ticket = me.attributes["ticket"]
    with suppress(Exception):
        await me.set_attributes({"stamp": "mine", "other": "mine"})
    shown = Entry.of(me.attributes)
    assert shown is not None
    assert shown.stamp == ""
    entry = Entry(shown.ticket, "5f")
    assert await livekit.rooms.stamp(room, me.sid, entry)
    await eventually(lambda: me.attributes == {"epoch": "1", "ticket": ticket, "stamp": "5f"})
    await eventually(lambda: Entry.read(guests[0].room.metadata) == entry)
    another = Entry(shown.ticket, "60")
    assert not await livekit.rooms.stamp(room, "PA_another", another)
    await eventually(lambda: Entry.read(guests[0].room.metadata) == another.used_up())


async def shown_to(bot: Guest) -> dict[str, str]:
    """The candidate's attributes, once they are there."""
    await eventually(lambda: "candidate" in bot.room.remote_participants)
    return bot.room.remote_participants["candidate"].attributes


async def test_the_next_bot_knows_by_the_note_who_was_there_and_which_token_was_used(
    livekit: Running, room: UUID, guests: list[Guest]
) -> None:
    key = livekit.rooms.candidates_pass(room, 1, 1)
    first, candidate = await Guest().join(livekit.rooms.bots_pass(room)), await Guest().join(key)
    guests += [first, candidate]
    entry = Admission().admit(await shown_to(first), first.room.metadata)
    assert entry
    assert await livekit.rooms.stamp(room, candidate.room.local_participant.sid, entry)
    for enters, admitted in ((None, True), (key, False)):
        if enters:
            guests.append(await Guest().join(enters))
        second = await Guest().join(livekit.rooms.bots_pass(room))
        guests.append(second)
        found = Admission().admit(await shown_to(second), second.room.metadata)
        assert (found is not None) is admitted


async def test_who_is_sent_out_goes_and_nobody_else(livekit: Running, room: UUID) -> None:
    guest = await Guest().join(livekit.rooms.candidates_pass(room, 1, 1))
    await livekit.rooms.send_out(room, "PA_another")
    assert await livekit.inside(room) == {"candidate"}
    await livekit.rooms.send_out(room, guest.room.local_participant.sid)
    await asyncio.wait_for(guest.gone.wait(), 5)
    assert guest.reason == Reason.PARTICIPANT_REMOVED
    await livekit.rooms.send_out(room, guest.room.local_participant.sid)
    with pytest.raises(Unavailable):
        await livekit.rooms.stamp(room, "PA_x", Entry(Ticket(1, uuid4()), "5f"))


async def test_a_closed_room_sends_everybody_out_and_stays_closed(
    livekit: Running, room: UUID
) -> None:
    key = livekit.rooms.candidates_pass(room, 1, 1)
    guest = await Guest().join(key)
    await livekit.rooms.close(room)
    await asyncio.wait_for(guest.gone.wait(), 5)
    assert guest.reason == Reason.ROOM_DELETED
    with pytest.raises(rtc.ConnectError):
        await Guest().join(key)


async def test_who_joins_under_a_name_takes_its_place(
    livekit: Running, room: UUID, guests: list[Guest]
) -> None:
    first = await Guest().join(livekit.rooms.candidates_pass(room, 1, 1))
    guests.append(await Guest().join(livekit.rooms.candidates_pass(room, 1, 1)))
    await asyncio.wait_for(first.gone.wait(), 5)
    assert first.reason == Reason.DUPLICATE_IDENTITY
    assert not guests[0].gone.is_set()


async def test_candidate_and_bot_hear_each_others_messages(
    livekit: Running, room: UUID, guests: list[Guest]
) -> None:
    candidate = await Guest().join(livekit.rooms.candidates_pass(room, 1, 1))
    bot = await Guest().join(livekit.rooms.bots_pass(room))
    guests += [candidate, bot]
    await eventually(lambda: "bot is in" in candidate.told)
    await candidate.room.local_participant.publish_data(b"done")
    await bot.room.local_participant.publish_data(b"pulse")
    await eventually(lambda: candidate.said == [b"pulse"] and bot.said == [b"done"])


async def test_guests_come_back_to_a_restarted_server_once_the_room_is_opened_again() -> None:
    async with livekit_server() as livekit:
        interview_id = uuid4()
        await livekit.rooms.open(interview_id)
        candidate = await Guest().join(livekit.rooms.candidates_pass(interview_id, 1, 1))
        assert livekit.child.pid is not None
        os.kill(livekit.child.pid, signal.SIGKILL)

        async def opened() -> bool:
            try:
                await livekit.rooms.open(interview_id)
            except Unavailable:
                return False
            return livekit.child.restarts == 1

        await eventually(opened, within_s=10)
        await eventually(lambda: "reconnected" in candidate.told, within_s=20)
        await candidate.leave()


async def test_a_server_that_is_away_or_refuses_the_key_is_named(livekit: Running) -> None:
    port, _ = free_ports()
    away = LiveKitRooms(f"ws://127.0.0.1:{port}", "", KEY, "s" * 43)
    with pytest.raises(SettingError, match="LIVEKIT_URL"):
        await away.check()
    with pytest.raises(Unavailable):
        await away.open(uuid4())
    stranger = LiveKitRooms(livekit.url, "", KEY, "s" * 43)
    with pytest.raises(SettingError, match="LIVEKIT_API_KEY"):
        await stranger.check()
    with pytest.raises(Unavailable) as refused:
        await stranger.open(uuid4())
    assert "eyJ" not in refused.value.detail
    await livekit.rooms.check()


# ---------------------------------------------------------------- listeners


def test_a_listeners_token_grants_the_ear_and_nothing_else(livekit: Running) -> None:
    interview_id, listener_id = uuid4(), uuid4()
    told = claims(livekit.rooms.listeners_pass(interview_id, listener_id).token)
    assert told["sub"] == f"listener-{listener_id}"
    assert int(str(told["exp"])) - int(str(told["nbf"])) == timedelta(minutes=2).total_seconds()
    assert told["video"] == {
        "roomJoin": True,
        "room": str(interview_id),
        "hidden": True,
        "canPublish": False,
        "canSubscribe": True,
        "canPublishData": False,
    }


async def test_nobody_is_told_of_a_listener_who_says_nothing(
    livekit: Running, room: UUID, guests: list[Guest]
) -> None:
    candidate = await Guest().join(livekit.rooms.candidates_pass(room, 1, 1))
    listener = await Guest().join(livekit.rooms.listeners_pass(room, uuid4()))
    bot = await Guest().join(livekit.rooms.bots_pass(room))
    guests += [candidate, listener, bot]
    await eventually(lambda: {"bot is in"} <= set(candidate.told) & set(listener.told))
    with suppress(Exception):
        await listener.room.local_participant.publish_data(b"mine")
    await bot.room.local_participant.publish_data(b"pulse")
    await eventually(lambda: candidate.said == [b"pulse"] and listener.said == [b"pulse"])
    await candidate.room.local_participant.publish_data(b"done")
    await eventually(lambda: bot.said == [b"done"])
    assert set(candidate.room.remote_participants) == {"bot"}
    assert set(bot.room.remote_participants) == {"candidate"}
    assert candidate.told == ["bot is in"]


# ---------------------------------------------------------------- webhooks


def test_a_webhook_is_believed_when_livekit_signed_these_very_bytes(livekit: Running) -> None:
    body = json.dumps({"event": "room_started", "id": "EV_1", "room": {"name": "r"}}).encode()
    told = livekit.rooms.told(body, signed(livekit, body))
    assert told == ("EV_1", "room_started", "r")
    for spoilt, signature in (
        (body + b" ", signed(livekit, body)),
        (body, signed(livekit, body, "x" * 43)),
        (body, ""),
        (body, "Bearer " + signed(livekit, body)),
        (b"\xff", signed(livekit, b"\xff")),
    ):
        with pytest.raises(NotAuthenticated):
            livekit.rooms.told(spoilt, signature)
