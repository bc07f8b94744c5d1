"""Ears and voice over OpenAI's audio protocol: what they hear, say, and how they fail."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bench.voices import ShiftedHeart
from contracts.errors import SettingError, Unavailable
from contracts.usage import Purpose, Usage
from providers import reach_speech
from settings import load
from tests.clocks import Clock
from tests.fakes.speech_server import (
    HEARS_WITH,
    KEY,
    SPEAKS_WITH,
    VOICE,
    HearingWay,
    SpeakingWay,
    SpeechServer,
)
from tests.voice.ears import Ears, microphone
from tests.waiting import eventually
from voice.breaker import COOL_DOWN_S, LASTING_S
from voice.conversation import Speech
from voice.openai import OpenAISpeech, Server, check
from voice.speech import BYTES_PER_S

TABLE = "It is a table that maps keys to values with a hash function."
CACHE = "A cache keeps copies of data so that reading it again is faster."
BROKEN = "A fault comes in the middle of this sentence, and it is heard all the same."
#: The issue's bound, from the fault to words or sound.
WITHIN_S = 3.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(speech: Speech) -> AsyncIterator[SpeechServer]:
    async with SpeechServer(speech.engines) as server:
        yield server


def named(server: SpeechServer, **changed: Any) -> Server:
    return Server(server.base_url, KEY, HEARS_WITH, SPEAKS_WITH, VOICE)._replace(**changed)


@pytest.fixture
def provider(speech: Speech, server: SpeechServer, clock: Clock) -> OpenAISpeech:
    return OpenAISpeech(named(server), speech.engines.text_to_speech, clock)


@pytest.fixture
async def ears(speech: Speech, provider: OpenAISpeech) -> AsyncIterator[Ears]:
    async with Ears(speech, provider) as ears:
        yield ears


# ---------------------------------------------------------------------------- the ears


async def test_words_key_terms_captions_and_the_seconds_that_are_paid_for(
    ears: Ears, server: SpeechServer, heart: ShiftedHeart
) -> None:
    ears.terms = ["hash function", "bucket"]
    said = microphone(heart, TABLE)
    text, waited_s = await ears.hear(said, fast=False)
    assert "maps keys to values" in text
    assert server.told == [text]
    assert waited_s < 1.5
    assert server.asked[0]["prompt"] == "hash function, bucket"
    assert (server.asked[0]["model"], server.asked[0]["language"]) == (HEARS_WITH, "en")
    assert ears.captions  # they are made here, of no cost
    assert len(server.asked) == 1
    (used,) = ears.used
    assert (used.purpose, used.model) == (Purpose.SPEECH_TO_TEXT, HEARS_WITH)
    assert len(said) / BYTES_PER_S <= used.audio_s < len(said) / BYTES_PER_S + 1.5


async def test_a_long_answer_is_heard_in_parts_and_each_word_once(
    ears: Ears, server: SpeechServer, heart: ShiftedHeart
) -> None:
    text, _ = await ears.hear(microphone(heart, " ".join([TABLE, CACHE] * 2)), fast=False)
    assert len(server.told) >= 2
    assert text == " ".join(server.told)
    assert text.lower().count("maps keys") == 2
    assert text.lower().count("copies of data") == 2


@pytest.mark.parametrize(
    ("fault", "booked"),
    [
        *((status, 0) for status in (401, 402, 403, 404, 429, 500, 503)),
        *((fault, 2) for fault in ("hangs", "cut", "drip", "garbage", "nonsense", "rambles")),
        *((fault, 2) for fault in ("silent", "remark")),
    ],
)
async def test_whatever_fails_the_words_of_the_answer_are_kept(
    *,
    ears: Ears,
    server: SpeechServer,
    provider: OpenAISpeech,
    heart: ShiftedHeart,
    fault: HearingWay,
    booked: int,
) -> None:
    server.hearing = fault
    for _ in range(2):
        text, waited_s = await ears.hear(microphone(heart, TABLE))
        assert "maps keys to values" in text
        assert waited_s < WITHIN_S
    assert not provider.hearing.closed
    assert server.told == []
    assert len(ears.used) == booked
    assert ears.running


async def test_a_prompt_that_comes_back_is_not_taken_for_words(
    ears: Ears, server: SpeechServer, provider: OpenAISpeech, heart: ShiftedHeart
) -> None:
    ears.terms = ["hash function", "bucket"]
    server.hearing = "echo"
    text, _ = await ears.hear(microphone(heart, TABLE))
    assert "maps keys to values" in text
    assert provider.hearing.closed


async def test_after_a_fault_a_trial_that_nobody_waits_for_brings_it_back(
    ears: Ears, server: SpeechServer, provider: OpenAISpeech, heart: ShiftedHeart, clock: Clock
) -> None:
    server.hearing = "hangs"
    for _ in range(2):
        await ears.hear(microphone(heart, TABLE))
    asked = len(server.asked)
    text, waited_s = await ears.hear(microphone(heart, TABLE))
    assert "maps keys to values" in text
    assert waited_s < 1.5
    assert len(server.asked) == asked
    server.hearing = "well"
    clock.now_s += COOL_DOWN_S
    await ears.hear(microphone(heart, TABLE))
    await eventually(lambda: provider.hearing.closed)
    text, _ = await ears.hear(microphone(heart, CACHE))
    assert server.told[-1] == text


@pytest.mark.parametrize(
    ("status", "code", "retry_after", "waits_s"),
    [
        (429, None, "40", 40.0),
        (429, "insufficient_quota", None, LASTING_S),
        (401, None, None, LASTING_S),
    ],
)
async def test_it_is_left_alone_for_as_long_as_it_asks_or_nothing_mends_it(
    *,
    ears: Ears,
    server: SpeechServer,
    heart: ShiftedHeart,
    clock: Clock,
    status: int,
    code: str | None,
    retry_after: str | None,
    waits_s: float,
) -> None:
    server.hearing, server.code, server.retry_after = status, code, retry_after
    await ears.hear(microphone(heart, TABLE))
    clock.now_s += waits_s - 1
    await ears.hear(microphone(heart, TABLE))
    assert len(server.asked) == 1
    clock.now_s += 1
    await ears.hear(microphone(heart, TABLE))
    assert len(server.asked) == 2


async def test_a_server_that_is_gone_costs_one_second_and_no_word(
    speech: Speech, heart: ShiftedHeart, server: SpeechServer
) -> None:
    gone = named(server, base_url="http://127.0.0.1:9/v1")
    async with Ears(speech, OpenAISpeech(gone, speech.engines.text_to_speech)) as ears:
        text, waited_s = await ears.hear(microphone(heart, TABLE))
    assert "maps keys to values" in text
    assert waited_s < WITHIN_S
    assert ears.used == []


# ---------------------------------------------------------------------------- the voice


async def _said(
    provider: OpenAISpeech, text: str, used: list[Usage] | None = None
) -> tuple[bytes, float, float]:
    """The sound, the wait for its beginning, and the longest wait in it."""
    sound, waits = b"", list[float]()
    asked = time.monotonic()
    voice = provider.voice((used if used is not None else []).append)
    async for part in voice.synthesise(text):
        waits.append(time.monotonic() - asked)
        asked = time.monotonic()
        sound += part
    return sound, waits[0], max(waits)


async def test_it_speaks_and_what_was_prepared_plays_at_once(
    provider: OpenAISpeech, server: SpeechServer
) -> None:
    used: list[Usage] = []
    sound, began_s, _ = await _said(provider, "What is a hash table?", used)
    assert len(sound) > 30_000
    assert began_s < 1.5
    await provider.voice().prepare("Thank you for that. What is a queue good for?")
    assert server.spoken[1:] == ["Thank you for that.", "What is a queue good for?"]
    _, began_s, _ = await _said(provider, "What is a queue good for?", used)
    assert began_s < 0.05
    assert len(server.spoken) == 3
    assert [(each.model, each.characters) for each in used] == [(SPEAKS_WITH, 21)]


@pytest.mark.parametrize(
    "fault",
    [
        *(401, 402, 403, 404, 429, 500, 503),
        *("hangs", "mute", "cut", "drip", "garbage", "wav", "mp3"),
    ],
)
async def test_whatever_fails_the_sentence_is_spoken_to_its_end(
    speech: Speech, provider: OpenAISpeech, server: SpeechServer, fault: SpeakingWay
) -> None:
    embedded = b"".join([part async for part in speech.engines.text_to_speech.synthesise(BROKEN)])
    server.speaking = fault
    for _ in range(2):
        sound, began_s, longest_s = await _said(provider, BROKEN)
        assert sound.endswith(embedded)
        assert max(began_s, longest_s) < WITHIN_S
        if fault in ("wav", "mp3", "garbage"):
            assert sound == embedded  # not a moment of noise
    assert not provider.speaking.closed


async def test_preparing_is_what_brings_it_back(
    provider: OpenAISpeech, server: SpeechServer, clock: Clock
) -> None:
    server.speaking, server.retry_after = 429, "40"
    await _said(provider, "What is a queue good for?")
    assert not provider.speaking.closed
    server.speaking = "well"
    clock.now_s += 40
    await _said(provider, "What is a hash table?")
    assert server.spoken == []
    await provider.voice().prepare("What is a cache used for?")
    await _said(provider, "What is a hash table?")
    assert server.spoken == ["What is a cache used for?", "What is a hash table?"]


async def test_one_that_hears_alone_leaves_the_voice_embedded_and_the_other_way_round(
    speech: Speech, server: SpeechServer, heart: ShiftedHeart
) -> None:
    embedded = speech.engines.text_to_speech
    hears = OpenAISpeech(named(server, speaks_with=None, voice=None), embedded)
    assert hears.breakers == (hears.hearing,)
    await _said(hears, "What is a hash table?")
    assert server.spoken == []

    speaks = OpenAISpeech(named(server, hears_with=None), embedded)
    assert speaks.breakers == (speaks.speaking,)
    async with Ears(speech, speaks) as ears:
        text, _ = await ears.hear(microphone(heart, TABLE))
    assert "maps keys to values" in text
    assert server.asked == []


# ---------------------------------------------------------------------------- at start


async def test_the_settings_put_it_ahead_of_the_embedded_speech(
    speech: Speech, server: SpeechServer, tmp_path: Path
) -> None:
    given = {
        "DATA_DIR": str(tmp_path),
        "SPEECH_BASE_URL": server.base_url,
        "SPEECH_API_KEY": KEY,
        "SPEECH_STT_MODEL": HEARS_WITH,
    }
    host = server.base_url.removeprefix("http://").removesuffix("/v1")
    for way in ("well", 503):
        server.hearing = way
        ahead = await reach_speech(load(given, tmp_path / ".env"))
        assert ahead
        (hearing,) = ahead(speech.engines.text_to_speech).breakers
        assert hearing.provider == f"speech to text at {host}"
    wrong = given | {"SPEECH_API_KEY": "wrong"}
    with pytest.raises(SettingError, match="SPEECH_API_KEY"):
        await reach_speech(load(wrong, tmp_path / ".env"))
    assert await reach_speech(load({"DATA_DIR": str(tmp_path)}, tmp_path / ".env")) is None


async def test_a_server_that_can_be_used(server: SpeechServer) -> None:
    await check(named(server))
    assert (len(server.asked), server.spoken) == (1, ["Yes."])
    await check(named(server, hears_with=None))
    await check(named(server, speaks_with=None, voice=None))
    assert (len(server.asked), len(server.spoken)) == (2, 2)
    server.key = None
    await check(named(server, api_key=None))


@pytest.mark.parametrize(
    ("changed", "setting", "words"),
    [
        ({"api_key": "wrong"}, "SPEECH_API_KEY", "refuses it"),
        ({"api_key": None}, "SPEECH_API_KEY", "asks for a key"),
        ({"hears_with": "whisper-0"}, "SPEECH_STT_MODEL", "refuses whisper-0 (404)"),
        ({"speaks_with": "kokoro-0"}, "SPEECH_TTS_MODEL", "refuses kokoro-0"),
        ({"voice": "nobody"}, "SPEECH_TTS_VOICE", "voice nobody (400)"),
        ({"base_url": "http://127.0.0.1:9/v1"}, "SPEECH_BASE_URL", "cannot be reached"),
    ],
)
async def test_a_wrong_setting_is_named(
    server: SpeechServer, changed: dict[str, Any], setting: str, words: str
) -> None:
    began = time.monotonic()
    with pytest.raises(SettingError) as refused:
        await check(named(server, **changed))
    assert refused.value.setting == setting
    assert words in refused.value.problem
    assert "wrong" not in refused.value.detail
    assert time.monotonic() - began < 11


async def test_an_address_without_the_version_is_named(server: SpeechServer) -> None:
    with pytest.raises(SettingError, match="it has no speech there") as refused:
        await check(named(server, base_url=server.base_url.removesuffix("/v1")))
    assert refused.value.setting == "SPEECH_BASE_URL"


@pytest.mark.parametrize(
    ("hearing", "speaking", "setting"),
    [
        (402, "well", "SPEECH_API_KEY"),
        ("garbage", "well", "SPEECH_BASE_URL"),
        ("well", "garbage", "SPEECH_BASE_URL"),
        ("well", "mute", "SPEECH_BASE_URL"),
        ("well", "mp3", "SPEECH_TTS_MODEL"),
        ("well", "wav", "SPEECH_TTS_MODEL"),
    ],
)
async def test_what_will_not_pass_is_a_wrong_setting(
    server: SpeechServer, hearing: HearingWay, speaking: SpeakingWay, setting: str
) -> None:
    server.hearing, server.speaking = hearing, speaking
    with pytest.raises(SettingError) as refused:
        await check(named(server))
    assert refused.value.setting == setting
    assert refused.value.remedy


@pytest.mark.parametrize("hearing", [429, 500, "hangs"])
async def test_what_may_pass_is_none(server: SpeechServer, hearing: HearingWay) -> None:
    server.hearing = hearing
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await check(named(server))
    assert time.monotonic() - began < 11
