"""Spoken interviews in a LiveKit room: its own server, its own client, the real bot."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from livekit import rtc
from uuid_utils.compat import uuid7

from bench.voices import Voice
from contracts.conversation import ConversationEnd
from contracts.errors import Unavailable
from contracts.interview import JoinPurpose
from contracts.rooms import BOT, CANDIDATE, Entry, RoomPass
from contracts.turns import TurnPurpose
from livekit_rooms import LiveKitRooms
from local.livekit import KEY
from tests.livekit import Guest, Running, show
from tests.voice.livekit_room import InRoom
from tests.voice.rooms import CACHE, HASH, VOICED
from tests.waiting import eventually
from voice.conversation import Speech
from voice.livekit import SoundRoom

TABLE = "It is a table that maps keys to values with a hash function."
FASTER = "A cache keeps copies of data so that reading it again is faster."


@pytest.fixture
async def room(
    livekit: Running, speech: Speech, heart: Voice, tmp_path: Path
) -> AsyncIterator[InRoom]:
    made = InRoom(livekit, speech, heart, tmp_path, HASH, CACHE)
    for text in (TABLE, FASTER):
        made.candidate.rehearse(text)
    yield made
    await made.close()


async def test_an_interview_is_held_in_a_room_from_greeting_to_farewell(room: InRoom) -> None:
    bot = await room.hold()
    await room.candidate.join()
    await room.asked("What is a hash table?")
    assert room.candidate.joined_in_s is not None
    for answer in (TABLE, FASTER):
        await room.candidate.ask(answer)
    result = await asyncio.wait_for(bot, 30)
    assert (result.end, result.connected) == (ConversationEnd.FINISHED, True)
    assert room.candidate.ended == "finished"
    assert room.interview.calls == ["record 1", "record 1"]
    assert "maps keys to values" in " ".join(room.interview.texts(TurnPurpose.ANSWER))
    assert room.interview.texts()[-1].endswith("Goodbye.")
    (_, complete), *_ = room.interview.recordings.values()
    assert complete


async def test_the_next_bot_takes_the_place_and_the_old_one_writes_nothing_more(
    room: InRoom,
) -> None:
    first = await room.hold()
    await room.candidate.join()
    await room.asked("What is a hash table?")
    second = await room.hold(attempt=2)
    assert (await asyncio.wait_for(first, 10)).end is ConversationEnd.SUPERSEDED
    written = len(room.interview.turns)
    await eventually(lambda: "Welcome back" in room.said(), within_s=15)
    assert not second.done()
    assert room.candidate.lines[-1] is room.candidate.lines[0]
    resumed = room.interview.turns[written:]
    assert {turn.purpose for turn in resumed} <= {TurnPurpose.RESUME, TurnPurpose.QUESTION}


async def test_a_closed_room_ends_its_bot_as_a_failure(room: InRoom) -> None:
    bot = await room.hold()
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.livekit.rooms.close(room.interview.id)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(bot, 10)


async def test_who_leaves_and_is_back_at_once_hears_the_question_again(room: InRoom) -> None:
    bot = await room.hold()
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.leave()
    await room.another().join()
    again = "Welcome back. We were at question 1. What is a hash table?"
    await eventually(lambda: again in room.said(), within_s=15)
    assert not bot.done()


async def test_who_leaves_for_good_is_waited_for_no_longer_than_that(room: InRoom) -> None:
    bot = await room.hold()
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.leave()
    result = await asyncio.wait_for(bot, 15)
    assert (result.end, result.connected) == (ConversationEnd.LEFT, True)


async def gone(room: InRoom) -> bool:
    return CANDIDATE not in await room.livekit.inside(room.interview.id)


async def is_sent_out(room: InRoom, key: RoomPass) -> None:
    """Whoever enters by this token throws the candidate out, and is not let stay. Their client may
    be sent out before it knows that it is in."""
    thief = Guest()
    entering = asyncio.create_task(thief.join(key))
    await eventually(lambda: room.candidate.ended == "elsewhere")
    await eventually(lambda: gone(room))
    await asyncio.wait([entering], timeout=30)  # one that is cut off half-way enters all the same
    await thief.leave()


async def test_a_token_that_was_used_is_sent_out_and_its_owner_comes_back(room: InRoom) -> None:
    bot = await room.hold()
    await room.candidate.join()
    await room.asked("What is a hash table?")
    again = "Welcome back. We were at question 1. What is a hash table?"
    for _ in range(2):
        await is_sent_out(room, room.entered_by)
        await room.another().join()
        await eventually(lambda: again in room.said(), within_s=15)
    assert not bot.done()


async def test_neither_an_older_join_nor_the_next_bot_lets_a_used_token_in(room: InRoom) -> None:
    older = room.key()
    await room.hold()
    await room.candidate.join()
    await eventually(lambda: room.candidate.pulsed)
    bot = await room.hold(attempt=2)
    for key in (room.entered_by, older):
        await is_sent_out(room, key)
        await room.another().join()
        await eventually(lambda: room.candidate.pulsed)
    assert not bot.done()


class Dawdling(LiveKitRooms):
    """Stamps nobody before `go`."""

    go: asyncio.Event

    async def stamp(self, interview_id: UUID, sid: str, entry: Entry) -> bool:
        await self.go.wait()
        return await super().stamp(interview_id, sid, entry)


@pytest.fixture
def dawdling(livekit: Running) -> Dawdling:
    made = Dawdling(livekit.url, livekit.url, KEY, livekit.server.secret)
    made.go = asyncio.Event()
    return made


@pytest.fixture
async def slow_room(
    livekit: Running, dawdling: Dawdling, speech: Speech, heart: Voice, tmp_path: Path
) -> AsyncIterator[InRoom]:
    running = Running(livekit.server, livekit.child)
    running.rooms = dawdling
    made = InRoom(running, speech, heart, tmp_path, HASH)
    yield made
    await made.close()


async def test_a_stamp_that_goes_to_a_used_token_lets_nobody_in(
    slow_room: InRoom, dawdling: Dawdling
) -> None:
    room = slow_room
    await room.hold()
    await room.candidate.join()
    await eventually(lambda: room.candidate.pulsed)
    out = asyncio.create_task(is_sent_out(room, room.entered_by))
    await eventually(lambda: room.candidate.ended == "elsewhere")
    dawdling.go.set()
    await out
    await room.another().join()
    await eventually(lambda: room.candidate.pulsed)


async def test_who_leaves_while_another_stamp_is_waited_for_has_left(
    slow_room: InRoom, dawdling: Dawdling
) -> None:
    room = slow_room
    bot = await room.hold()
    await room.candidate.join()
    await eventually(lambda: room.candidate.pulsed)
    await room.another().join()
    await room.candidate.leave()
    await eventually(lambda: gone(room))
    dawdling.go.set()
    assert (await asyncio.wait_for(bot, 15)).end is ConversationEnd.LEFT


async def test_what_one_who_is_none_says_is_not_heeded(room: InRoom) -> None:
    """LiveKit hears of being asked to send somebody out a moment after they are in."""
    bot = await room.hold()
    await room.candidate.join()
    await room.asked("What is a hash table?")
    thief = Guest()
    press = {"label": "rtvi-ai", "type": "client-message", "id": "1", "data": {"t": "done"}}
    with suppress(Exception):
        async with asyncio.timeout(30):
            await thief.join(room.entered_by)
            await thief.room.local_participant.publish_data(json.dumps(press))
    await eventually(lambda: room.candidate.ended == "elsewhere")
    assert room.interview.calls == []
    assert not bot.done()
    await thief.leave()


class Listener(Guest):
    """Staff in the room: how loud the interviewer and the candidate were to them."""

    def __init__(self) -> None:
        super().__init__()
        self.loudest: dict[str, int] = {}
        self._listening: list[asyncio.Task[None]] = []
        self.room.on("track_subscribed", self._hear)

    def _hear(self, track: rtc.Track, _: object, who: rtc.RemoteParticipant) -> None:
        stream = rtc.AudioStream(track, sample_rate=16_000, num_channels=1)
        self._listening.append(asyncio.create_task(self._measure(stream, who.identity)))

    async def _measure(self, stream: rtc.AudioStream, who: str) -> None:
        async for event in stream:
            peak = int(np.abs(np.frombuffer(event.frame.data, np.int16).astype(np.int32)).max())
            self.loudest[who] = max(peak, self.loudest.get(who, 0))

    async def leave(self) -> None:
        await super().leave()
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)


async def test_a_listener_hears_both_and_is_neither_greeted_nor_missed(room: InRoom) -> None:
    bot = await room.hold()
    listener = await Listener().join(room.livekit.rooms.listeners_pass(room.interview.id, uuid7()))
    inside = await room.livekit.inside(room.interview.id)
    assert {each.partition("-")[0] for each in inside} == {"bot", "listener"}
    assert room.interview.turns == []  # nobody is greeted
    await room.candidate.join()
    await room.asked("What is a hash table?")
    seen_by_candidate = room.candidate.lines[-1].connection._room.remote_participants
    assert set(seen_by_candidate) == {"bot"}
    await room.candidate.say(TABLE)
    await eventually(lambda: "What is a cache used for?" in room.said(), within_s=30)
    assert listener.loudest["bot"] > VOICED
    assert listener.loudest["candidate"] > VOICED
    await listener.leave()
    await room.candidate.ask(FASTER)
    result = await asyncio.wait_for(bot, 30)
    assert (result.end, result.connected) == (ConversationEnd.FINISHED, True)


async def test_a_listener_alone_does_not_keep_the_bot(room: InRoom) -> None:
    bot = await room.hold()
    await room.candidate.join()
    await room.asked("What is a hash table?")
    key = room.livekit.rooms.listeners_pass(room.interview.id, uuid7())
    listener = await Guest().join(key)
    await room.candidate.leave()
    result = await asyncio.wait_for(bot, 15)
    assert (result.end, result.connected) == (ConversationEnd.LEFT, True)
    await listener.leave()


SOUND_ALONE = {rtc.TrackKind.KIND_AUDIO: True, rtc.TrackKind.KIND_VIDEO: False}


def view(room: rtc.Room) -> dict[rtc.TrackKind.ValueType, bool]:
    """What of the candidate's is sent to whoever is in the room by this client, and what not."""
    candidate = room.remote_participants.get(CANDIDATE)
    published = candidate.track_publications.values() if candidate else ()
    return {each.kind: each.subscribed for each in published}


def room_of_the_bot(interview_id: UUID) -> rtc.Room:
    """The bot's own client, which is in this process."""
    (found,) = (
        each
        for each in gc.get_objects()
        if isinstance(each, rtc.Room)
        and each.isconnected()
        and (each.name, each.local_participant.identity) == (str(interview_id), BOT)
    )
    return found


async def test_a_candidate_is_seen_by_who_listens_and_the_bot_asks_for_no_picture(
    room: InRoom, tmp_path: Path
) -> None:
    room.camera = True
    bot = await room.hold()
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await show(room.candidate.lines[-1].connection._room)
    listener, sent = Guest(), list[rtc.TrackKind.ValueType]()
    listener.room.on("track_subscribed", lambda track, *_: sent.append(track.kind))
    await listener.join(room.livekit.rooms.listeners_pass(room.interview.id, uuid7()))
    await eventually(lambda: set(sent) == {rtc.TrackKind.KIND_AUDIO, rtc.TrackKind.KIND_VIDEO})
    await room.candidate.say(TABLE)
    await eventually(lambda: "What is a cache used for?" in room.said(), within_s=30)
    assert view(room_of_the_bot(room.interview.id)) == SOUND_ALONE
    await room.candidate.ask(FASTER)
    assert (await asyncio.wait_for(bot, 30)).end is ConversationEnd.FINISHED
    await listener.leave()
    kept = [path for path in (tmp_path / "recordings").rglob("*") if path.is_file()]
    assert {path.suffix for path in kept} == {".wav"}


async def test_a_bots_room_takes_sound_alone_before_and_after_a_reconnection(
    livekit: Running,
) -> None:
    interview_id = uuid7()
    await livekit.rooms.open(interview_id)
    candidate, bot = Guest(), Guest(SoundRoom())
    await candidate.join(livekit.rooms.candidates_pass(interview_id, 1, 1, camera=True))
    await candidate.show()
    await candidate.publish(rtc.TrackSource.SOURCE_MICROPHONE)
    taken: list[rtc.TrackKind.ValueType] = []
    bot.room.on("track_subscribed", lambda track, *_: taken.append(track.kind))
    await bot.join(livekit.rooms.bots_pass(interview_id))
    for scenario in (
        rtc.SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT,
        rtc.SimulateScenarioKind.SIMULATE_FULL_RECONNECT,
    ):
        await eventually(lambda: view(bot.room) == SOUND_ALONE)
        bot.told.clear()
        await bot.room.simulate_scenario(scenario)
        await eventually(lambda: "reconnected" in bot.told)
    await eventually(lambda: view(bot.room) == SOUND_ALONE)
    assert set(taken) == {rtc.TrackKind.KIND_AUDIO}
    for guest in (candidate, bot):
        await guest.leave()


async def test_a_bot_that_is_cancelled_as_it_joins_leaves(livekit: Running) -> None:
    interview_id, bot = uuid7(), Guest(SoundRoom())
    await livekit.rooms.open(interview_id)
    joining = asyncio.create_task(bot.join(livekit.rooms.bots_pass(interview_id)))
    for _ in range(5):
        await asyncio.sleep(0)  # LiveKit's client is asked by then, and has not answered
    joining.cancel()
    await asyncio.wait_for(bot.gone.wait(), 15)
    assert not await livekit.inside(interview_id)


async def test_the_check_tells_what_was_heard(room: InRoom) -> None:
    bot = await room.hold(purpose=JoinPurpose.CHECK)
    heard: list[dict[str, Any]] = []
    room.candidate._said = heard.append
    await room.candidate.join()
    await room.candidate.listen()
    await room.candidate.say(TABLE)
    await eventually(lambda: any(each["type"] == "heard" for each in heard), within_s=15)
    await room.candidate.leave()
    assert (await asyncio.wait_for(bot, 15)).end is ConversationEnd.LEFT
    assert room.interview.turns == []


async def test_a_draining_worker_gives_the_conversation_away(room: InRoom) -> None:
    bot = await room.hold()
    await room.candidate.join()
    await room.asked("What is a hash table?")
    room.conversation.drain()
    assert (await asyncio.wait_for(bot, 10)).end is ConversationEnd.HANDOFF
