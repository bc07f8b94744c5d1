"""What a dead bot had not recognised, told by the provider that would have heard it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.usage import Purpose
from tests.fakes.deepgram_server import FakeDeepgram, Listening
from tests.fakes.speech_server import HEARS_WITH, KEY, HearingWay, SpeechServer
from tests.voice.dead import BUCKET, TABLE, Dead, Narrow, silence
from tests.voice.deepgram_room import account
from tests.voice.memory import MemoryInterview
from tests.voice.rooms import HASH
from voice.conversation import Speech
from voice.deepgram import Deepgram
from voice.held import RECOVERED_WITHIN_S
from voice.openai import OpenAISpeech, Server
from voice.provider import Provider

NAMED = HASH.model_copy(update={"key_terms": ("hash function",)})


@pytest.fixture
async def deepgram(speech: Speech) -> AsyncIterator[FakeDeepgram]:
    async with FakeDeepgram(speech.engines) as server:
        yield server


@pytest.fixture
async def server(speech: Speech) -> AsyncIterator[SpeechServer]:
    async with SpeechServer(speech.engines) as server:
        yield server


async def killed_bot(speech: Speech, provider: Provider, folder: Path, voice: Narrow) -> Dead:
    """It was being told two sentences."""
    served = Speech(speech.engines, speech.models, speech.repair, provider)
    dead = Dead(MemoryInterview([NAMED]), folder, served)
    await dead.asked()
    await dead.left(silence(1), voice.say(TABLE), silence(0.8), voice.say(BUCKET), silence(1))
    return dead


async def test_deepgram_is_asked_for_them_and_paid(
    speech: Speech, deepgram: FakeDeepgram, tmp_path: Path, voice: Narrow
) -> None:
    provider = Deepgram(account(deepgram), speech.engines.text_to_speech)
    dead = await killed_bot(speech, provider, tmp_path, voice)
    turns = await dead.recovered()
    assert [turn.text for turn in turns] == [TABLE, BUCKET]
    assert sorted(turn.raw_text or "" for turn in turns) == sorted(deepgram.told)
    asked = deepgram.recordings[0]
    assert (asked["model"], asked["language"]) == ("nova-3", "en")
    assert asked["keyterm"] == ["hash function"]
    used = dead.interview.used
    assert {each.purpose for each in used} == {Purpose.SPEECH_TO_TEXT}
    assert len(used) == 2
    assert dead.closed is False


@pytest.mark.parametrize("fault", [401, 402, 429, 500, "hangs", "garbage"])
async def test_whatever_fails_at_deepgram_they_are_recognised_here(
    speech: Speech, deepgram: FakeDeepgram, tmp_path: Path, voice: Narrow, *, fault: Listening
) -> None:
    deepgram.listening = fault
    provider = Deepgram(account(deepgram), speech.engines.text_to_speech)
    dead = await killed_bot(speech, provider, tmp_path, voice)
    began = time.monotonic()
    assert [turn.text for turn in await dead.recovered()] == [TABLE, BUCKET]
    assert time.monotonic() - began < RECOVERED_WITHIN_S
    assert len(deepgram.recordings) == 2
    assert deepgram.told == []
    assert dead.interview.used == []
    assert provider.hearing.closed  # of live speech it tells nothing


@pytest.mark.parametrize("way", ["well", 401, "hangs"])
async def test_another_speech_server_is_asked_as_for_live_speech(
    speech: Speech, server: SpeechServer, tmp_path: Path, voice: Narrow, *, way: HearingWay
) -> None:
    server.hearing = way
    where = Server(server.base_url, KEY, HEARS_WITH, None, None)
    provider = OpenAISpeech(where, speech.engines.text_to_speech)
    dead = await killed_bot(speech, provider, tmp_path, voice)
    began = time.monotonic()
    turns = await dead.recovered()
    assert [turn.text for turn in turns] == [TABLE, BUCKET]
    assert time.monotonic() - began < RECOVERED_WITHIN_S
    assert server.asked[0]["prompt"] == "hash function"
    if way == "well":
        assert sorted(turn.raw_text or "" for turn in turns) == sorted(server.told)
        assert len(dead.interview.used) == 2
