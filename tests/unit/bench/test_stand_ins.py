"""The stand-ins are providers to the product's own clients, late as stated, and fail as told."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

import httpx
import numpy as np
import pytest

from bench.stand_ins import FIRST_AUDIO_S, FIRST_TOKEN_S, Faults, StandIns, stand_ins
from bench.standing_in import HEARD, LETTER_S, tone
from bench.voices import ShiftedHeart
from connections import LanguageModel, deepgram, language_model
from contracts.errors import CodeVoiceError
from contracts.usage import Purpose, unbooked
from language_models import LanguageModel as Client
from settings import Settings
from tests.voice.ears import microphone
from tests.waiting import eventually
from voice.audio import waveform
from voice.deepgram import Account, check
from voice.discretion import may_acknowledge
from voice.engines import TTS_RATE_HZ
from voice.improvising import Intent
from voice.pauses import Ending, ending
from voice.prompting import listening


@pytest.fixture
async def providers() -> AsyncIterator[StandIns]:
    async with stand_ins() as running:
        yield running


def account(providers: StandIns) -> Account:
    found = deepgram(Settings().with_values(providers.settings))
    assert found
    return Account(*found)


class Replied(NamedTuple):
    words: str
    first_after_s: float


async def replied(model: LanguageModel, said: Sequence[str] = (HEARD,)) -> Replied:
    client = Client(model.base_url, model.api_key, model.model)
    began, first, words = time.monotonic(), 0.0, ""
    try:
        messages = listening("What would you do first?", said)
        async for piece in client.stream(messages, 60, Purpose.INTERVIEWER, unbooked):
            first = first or time.monotonic() - began
            words += piece
    finally:
        await client.close()
    return Replied(words, first)


async def test_the_language_model_takes_all_for_an_answer_and_never_says_the_same(
    providers: StandIns,
) -> None:
    model = language_model(Settings().with_values(providers.settings))
    assert model
    lines = []
    for _ in range(2):
        reply = await replied(model)
        assert reply.first_after_s >= FIRST_TOKEN_S
        intent, _, line = reply.words.partition("\n")
        assert intent == Intent.ANSWER
        assert may_acknowledge(line)
        lines.append(line)
    assert len(set(lines)) == 2


async def test_deepgram_passes_the_products_own_check(providers: StandIns) -> None:
    await check(account(providers))


async def test_a_fault_happens_once_and_is_told(providers: StandIns) -> None:
    model = language_model(Settings().with_values(providers.settings))
    assert model
    await providers.fail(Faults(model="cuts"))
    assert await providers.left() == Faults(model="cuts")
    with pytest.raises(CodeVoiceError):
        await replied(model)
    assert await providers.left() == Faults()
    assert (await replied(model)).words.startswith(Intent.ANSWER)


async def test_an_acknowledgement_breaks_off_and_no_other_sentence(providers: StandIns) -> None:
    speech = account(providers)
    client = speech.client()
    model = language_model(Settings().with_values(providers.settings))
    assert model
    await providers.fail(Faults(speaking="cut once"))

    async def spoken(text: str) -> bytes:
        began, first, sound = time.monotonic(), 0.0, b""
        async for part in client.speak.v1.audio.generate(
            text=text,
            model=speech.voice,
            encoding="linear16",
            container="none",
            sample_rate=TTS_RATE_HZ,
            request_options={"max_retries": 0},
        ):
            first = first or time.monotonic() - began
            sound += part
        assert first >= FIRST_AUDIO_S
        return sound

    question = "Question one. What is a cache?"
    assert await spoken(question) == tone(LETTER_S * len(question))
    assert await providers.left() == Faults(speaking="cut once")
    line = (await replied(model)).words.partition("\n")[2]
    with pytest.raises(httpx.TransportError):
        await spoken(line)
    assert await providers.left() == Faults()
    assert await spoken(line) == tone(LETTER_S * len(line))


async def test_a_fault_that_lasts_does_so_until_another_is_told(providers: StandIns) -> None:
    model = language_model(Settings().with_values(providers.settings))
    assert model
    deaf = Faults(listening="deaf", speaking="mute", model="silent")
    await providers.fail(deaf)
    for _ in "12":
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await replied(model)
    assert await providers.left() == deaf
    await providers.fail(Faults())
    assert (await replied(model)).words.startswith(Intent.ANSWER)


async def test_a_socket_that_is_not_read_is_so_in_mid_stream_and_is_counted(
    providers: StandIns,
) -> None:
    client = account(providers).client()
    assert await providers.sockets() == 0
    async with client.listen.v1.connect(model="nova-3") as socket:
        await eventually(lambda: _counts(providers, 1))
        await providers.fail(Faults(listening="unread"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                while True:  # until nobody takes any more
                    await socket.send_media(bytes(65_536))
        await providers.fail(Faults())
        async with asyncio.timeout(10):
            await socket.send_close_stream()
    await eventually(lambda: _counts(providers, 0))


async def _counts(providers: StandIns, sockets: int) -> bool:
    return await providers.sockets() == sockets


async def test_they_hear_what_is_said_where_they_are_to() -> None:
    said = microphone(ShiftedHeart(), "The kangaroo keeps every key in a bucket of its own.")
    async with stand_ins(hearing=True) as providers:
        speech = account(providers)
        asked: dict[str, Any] = {"params": {"model": speech.model}, "content": waveform(said)}
        asked["headers"] = {"Authorization": f"Token {speech.api_key}"}
        async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
            heard = await http.post(f"{speech.url}/v1/listen", **asked)
    assert "kangaroo" in heard.text.lower()


def test_they_end_when_nobody_tells_them_anything_any_more() -> None:
    argv = [sys.executable, "-m", "bench.standing_in"]
    ended = subprocess.run(argv, check=False, input=b"", capture_output=True, timeout=60)
    assert ended.returncode == 0
    assert "DEEPGRAM_URL" in json.loads(ended.stdout)


def test_what_is_heard_is_a_whole_answer() -> None:
    assert ending(HEARD) is Ending.PLAIN


def test_a_tone_is_heard_from_its_first_sample_on() -> None:
    sound = np.frombuffer(tone(1.0), "<i2")
    assert len(sound) == TTS_RATE_HZ
    assert abs(int(sound[0])) > 400
    assert np.count_nonzero(sound == 0) > 0.1 * TTS_RATE_HZ
