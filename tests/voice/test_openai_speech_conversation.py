"""Whole spoken conversations over a loopback server of OpenAI's audio protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.voices import ShiftedHeart
from contracts.conversation import ConversationEnd
from contracts.usage import Purpose
from tests.fakes.speech_server import HEARS_WITH, KEY, SPEAKS_WITH, VOICE, SpeechServer
from tests.voice.rooms import CACHE, HASH, RoomFor
from voice.conversation import Speech
from voice.openai import OpenAISpeech, Server

TABLE = "It is a table that maps keys to values with a hash function."
FASTER = "A cache keeps copies of data so that reading it again is faster."
NAMED = HASH.model_copy(update={"key_terms": ("hash function",)})
#: A fault to the next spoken word, at most, beside the patience of the turn (0.8 s).
WITHIN_S = 3.0


@pytest.fixture
async def server(speech: Speech) -> AsyncIterator[SpeechServer]:
    async with SpeechServer(speech.engines) as server:
        yield server


@pytest.fixture
async def served_room_for(
    speech: Speech, heart: ShiftedHeart, server: SpeechServer, tmp_path: Path
) -> AsyncIterator[RoomFor]:
    where = Server(server.base_url, KEY, HEARS_WITH, SPEAKS_WITH, VOICE)
    provider = OpenAISpeech(where, speech.engines.text_to_speech)
    rooms = RoomFor(Speech(speech.engines, speech.models, speech.repair, provider), heart, tmp_path)
    yield rooms
    await rooms.close()


async def test_an_interview_is_heard_and_spoken_by_the_server(
    served_room_for: RoomFor, server: SpeechServer
) -> None:
    room = served_room_for(NAMED, CACHE, rehearse=(TABLE, FASTER))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    await room.candidate.ask(TABLE)
    assert server.asked[-1]["prompt"] == "hash function"
    await room.asked("What is a cache used for?")
    await room.candidate.ask(FASTER)
    assert "prompt" not in server.asked[-1]

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
    heard_s = [each.audio_s for each in used if each.purpose is Purpose.SPEECH_TO_TEXT]
    assert len(heard_s) == len(server.asked)
    assert 5 < sum(heard_s) < 60
    assert set(room.reception.conversation.providers.values()) == {None}


async def test_it_goes_on_when_ears_and_voice_fail_in_mid_answer_and_comes_back(
    served_room_for: RoomFor, server: SpeechServer
) -> None:
    server.speaking = "hangs"
    room = served_room_for(HASH, CACHE, rehearse=(TABLE, FASTER))
    await room.candidate.join()
    await room.asked("What is a hash table?")
    server.hearing = "cut"
    exchange = await room.candidate.ask(TABLE)
    assert exchange.wait_s is not None
    assert exchange.wait_s < 0.8 + WITHIN_S
    assert "maps keys to values" in room.answer(1)
    states = room.reception.conversation.providers
    (speaking,) = (trouble for name, trouble in states.items() if name.startswith("text to"))
    assert speaking == "left alone: no answer in time"
    assert server.spoken == []

    await room.asked("What is a cache used for?")
    server.hearing = "well"
    await room.candidate.ask(FASTER)
    result = await room.reception.result()
    assert result.end is ConversationEnd.FINISHED
    assert "copies of data" in room.answer(2)
    assert "copies of data" in " ".join(server.told)
    assert len(room.reception.held) == 1  # nobody had to take its place
