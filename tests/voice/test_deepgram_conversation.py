"""Whole spoken conversations over the loopback Deepgram."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.voices import ShiftedHeart
from contracts.conversation import ConversationEnd
from contracts.usage import Purpose
from tests.fakes.deepgram_server import FakeDeepgram
from tests.voice.deepgram_room import account
from tests.voice.rooms import CACHE, HASH, RoomFor
from tests.waiting import eventually
from voice.conversation import Speech
from voice.deepgram import Deepgram

TABLE = "It is a table that maps keys to values with a hash function."
FASTER = "A cache keeps copies of data so that reading it again is faster."
NAMED = HASH.model_copy(update={"key_terms": ("hash function",)})
#: A fault to the next spoken word, at most, beside the patience of the turn (0.8 s).
WITHIN_S = 3.0


@pytest.fixture
async def server(speech: Speech) -> AsyncIterator[FakeDeepgram]:
    async with FakeDeepgram(speech.engines) as server:
        yield server


@pytest.fixture
async def deepgram_room_for(
    speech: Speech, heart: ShiftedHeart, server: FakeDeepgram, tmp_path: Path
) -> AsyncIterator[RoomFor]:
    provider = Deepgram(account(server), speech.engines.text_to_speech)
    with_deepgram = Speech(speech.engines, speech.models, speech.repair, provider)
    rooms = RoomFor(with_deepgram, heart, tmp_path)
    yield rooms
    await rooms.close()


async def test_an_interview_is_heard_and_spoken_by_deepgram(
    deepgram_room_for: RoomFor, server: FakeDeepgram
) -> None:
    room = deepgram_room_for(NAMED, CACHE, rehearse=(TABLE, FASTER))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    assert server.connections[-1]["keyterm"] == ["hash function"]
    await room.candidate.ask(TABLE)
    await room.asked("What is a cache used for?")
    assert server.connections[-1]["keyterm"] == []
    await room.candidate.ask(FASTER)

    result = await room.reception.result()
    assert result.end is ConversationEnd.FINISHED
    assert "maps keys to values" in room.answer(1)
    assert "copies of data" in room.answer(2)
    assert len(server.told) >= 2
    spoken = " ".join(server.spoken)
    for turn in room.bot_turns():
        assert turn.split(". ")[0].rstrip(".") in spoken
    used = room.interview.used
    characters = sum(each.characters for each in used if each.purpose is Purpose.TEXT_TO_SPEECH)
    heard_of = sum(map(len, server.spoken))
    assert heard_of <= characters < 2 * heard_of  # one that was given up was asked for all the same
    lines_s = [each.audio_s for each in used if each.purpose is Purpose.SPEECH_TO_TEXT]
    assert len(lines_s) >= 2  # a line for each question's terms
    assert 5 < sum(lines_s) < 120
    captions = [m for _, m in room.told if m["type"] == "caption" and m["who"] == "candidate"]
    assert any(not caption["final"] for caption in captions)


async def test_an_interview_is_spoken_by_the_voice_that_it_names(
    deepgram_room_for: RoomFor, server: FakeDeepgram
) -> None:
    room = deepgram_room_for(HASH, voice="aura-asteria-en", rehearse=(TABLE,))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.ask(TABLE)
    assert (await room.reception.result()).end is ConversationEnd.FINISHED
    assert len(server.voices) > 2
    assert set(server.voices) == {"aura-asteria-en"}
    characters = [each for each in room.interview.used if each.purpose is Purpose.TEXT_TO_SPEECH]
    assert {each.model for each in characters} == {"aura-asteria-en"}


async def test_an_interview_whose_voice_is_unknown_is_held_by_the_embedded_one(
    deepgram_room_for: RoomFor, server: FakeDeepgram
) -> None:
    room = deepgram_room_for(HASH, voice="aura-nobody-en", rehearse=(TABLE,))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.ask(TABLE)
    assert (await room.reception.result()).end is ConversationEnd.FINISHED
    assert "maps keys to values" in room.answer(1)
    assert server.spoken == []
    assert server.told  # it is heard by Deepgram all the same
    assert set(room.reception.conversation.providers.values()) == {None}


async def test_it_goes_on_when_ears_and_voice_fail_in_mid_answer_and_comes_back(
    deepgram_room_for: RoomFor, server: FakeDeepgram
) -> None:
    server.speaking = "hangs"
    room = deepgram_room_for(HASH, CACHE, rehearse=(TABLE, FASTER))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    server.listening = "closes once"
    exchange = await room.candidate.ask(TABLE)
    assert exchange.wait_s is not None
    assert exchange.wait_s < 0.8 + WITHIN_S
    assert "maps keys to values" in room.answer(1)
    assert "left alone" in (
        room.reception.conversation.providers["Deepgram's text to speech"] or ""
    )
    assert server.spoken == []

    await room.asked("What is a cache used for?")
    await eventually(lambda: len(server.connections) > 1)
    await room.candidate.ask(FASTER)
    result = await room.reception.result()
    assert result.end is ConversationEnd.FINISHED
    assert "copies of data" in room.answer(2)
    assert "copies of data" in " ".join(server.told)
    assert len(room.reception.held) == 1  # nobody had to take its place
