"""Deepgram's ears and voice over its wire protocol: what it hears, says, and how it fails."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from bench.voices import ShiftedHeart
from contracts.errors import SettingError
from contracts.manner import English, Manner
from tests.clocks import Clock
from tests.fakes.deepgram_server import FakeDeepgram, Listening, Speaking
from tests.voice.deepgram_room import DeepgramEars, account
from tests.voice.ears import microphone
from tests.waiting import eventually
from voice.conversation import Speech
from voice.deepgram import Deepgram, check
from voice.speech import DEAF_AFTER_S

TABLE = "It is a table that maps keys to values with a hash function."
CACHE = "A cache keeps copies of data so that reading it again is faster."
#: The issue's bound, from the fault to words or sound.
WITHIN_S = 3.0


@pytest.fixture
async def server(speech: Speech) -> AsyncIterator[FakeDeepgram]:
    async with FakeDeepgram(speech.engines) as server:
        yield server


@pytest.fixture
async def ears(speech: Speech, server: FakeDeepgram) -> AsyncIterator[DeepgramEars]:
    async with DeepgramEars(speech, server) as ears:
        yield ears


async def test_words_captions_and_key_terms(
    ears: DeepgramEars, server: FakeDeepgram, heart: ShiftedHeart
) -> None:
    ears.terms = ["hash function", "bucket"]
    await ears.silence(0.2)
    await eventually(lambda: server.connections and server.connections[-1]["keyterm"] == ears.terms)
    text, waited_s = await ears.hear(microphone(heart, TABLE), fast=False)
    assert "maps keys to values" in text
    assert server.told == [text]
    assert waited_s < 1.0
    assert ears.captions
    assert all(TABLE.startswith(caption.split()[0]) for caption in ears.captions)
    asked = server.connections[-1]
    assert (asked["model"], asked["language"], asked["sample_rate"]) == ("nova-3", "en", "16000")
    assert server.controls.count("Finalize") == 1


async def test_another_question_brings_its_key_terms(
    ears: DeepgramEars, server: FakeDeepgram, heart: ShiftedHeart
) -> None:
    await eventually(lambda: server.connections)
    await ears.hear(microphone(heart, TABLE))
    ears.terms = ["cache"]
    await ears.silence(0.1)
    await eventually(lambda: server.connections[-1]["keyterm"] == ["cache"])
    text, _ = await ears.hear(microphone(heart, CACHE))
    assert len(server.told) == 2
    assert server.told[1] == text
    assert ears.deepgram.hearing.closed


async def test_a_long_answer_is_heard_in_parts_and_each_word_once(
    ears: DeepgramEars, server: FakeDeepgram, heart: ShiftedHeart
) -> None:
    await eventually(lambda: server.connections)
    text, _ = await ears.hear(microphone(heart, " ".join([TABLE, CACHE] * 2)), fast=False)
    assert text == " ".join(server.told)
    assert text.lower().count("maps keys") == 2
    assert text.lower().count("copies of data") == 2


@pytest.mark.parametrize(
    "fault", [401, 402, 429, 500, "hangs", "closes", "deaf", "silent", "unread", "garbage", "slow"]
)
async def test_whatever_fails_the_words_of_the_answer_are_kept(
    ears: DeepgramEars, server: FakeDeepgram, heart: ShiftedHeart, fault: Listening
) -> None:
    await eventually(lambda: server.connections)
    server.listening = fault
    if isinstance(fault, int) or fault in ("hangs", "unread"):
        ears.terms = ["hash"]  # a new connection, which fails
        await ears.silence(0.1)
        await eventually(lambda: len(server.connections) > 1)
    for _ in range(2):
        text, waited_s = await ears.hear(microphone(heart, TABLE))
        assert "maps keys to values" in text
        assert waited_s < WITHIN_S
    if fault in (429, 500):
        await eventually(lambda: not ears.deepgram.hearing.closed)
    elif fault not in ("hangs", "unread"):
        assert not ears.deepgram.hearing.closed
    assert ears.running


@pytest.mark.parametrize("fault", ["closes once", "drops once"])
async def test_it_hears_again_after_the_fault(
    ears: DeepgramEars, server: FakeDeepgram, heart: ShiftedHeart, fault: Listening
) -> None:
    await eventually(lambda: server.connections)
    server.listening = fault
    text, _ = await ears.hear(microphone(heart, TABLE))
    assert "maps keys to values" in text
    await eventually(lambda: len(server.connections) > 1)
    text, _ = await ears.hear(microphone(heart, CACHE))
    assert server.told[-1] == text


async def test_a_deaf_provider_is_found_in_the_middle_of_an_answer(
    ears: DeepgramEars, server: FakeDeepgram, heart: ShiftedHeart
) -> None:
    await eventually(lambda: server.connections)
    server.listening = "deaf"
    long = microphone(heart, " ".join([TABLE, CACHE] * 2))
    text, _ = await ears.hear(long)
    assert len(long) / 32_000 > DEAF_AFTER_S
    assert text.lower().count("maps keys") == 2
    assert text.lower().count("copies of data") == 2


async def test_the_english_of_an_interview_is_listened_for(
    speech: Speech, server: FakeDeepgram, heart: ShiftedHeart
) -> None:
    async with DeepgramEars(speech, server, Manner(language=English.INDIAN)) as ears:
        await eventually(lambda: server.connections)
        assert server.connections[-1]["language"] == "en-IN"
        text, _ = await ears.hear(microphone(heart, TABLE))
        assert server.told == [text]


async def test_an_english_that_the_model_does_not_know_is_heard_here_and_stops_no_other(
    speech: Speech, server: FakeDeepgram, heart: ShiftedHeart
) -> None:
    server.listening = 400
    async with DeepgramEars(speech, server, Manner(language=English.INDIAN)) as ears:
        await eventually(lambda: not ears.deepgram.hearing.closed)
        text, _ = await ears.hear(microphone(heart, TABLE))
        assert "maps keys to values" in text
        assert server.told == []
        assert len(server.connections) == 1
        assert ears.shared.hearing.closed


# ---------------------------------------------------------------------------- the voice


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def deepgram(speech: Speech, server: FakeDeepgram, clock: Clock) -> Deepgram:
    return Deepgram(account(server), speech.engines.text_to_speech, clock)


async def _said(deepgram: Deepgram, text: str) -> tuple[bytes, float, float]:
    """The sound, the wait for its beginning, and the longest wait in it."""
    sound, waits = b"", list[float]()
    asked = time.monotonic()
    async for part in deepgram.voice().synthesise(text):
        waits.append(time.monotonic() - asked)
        asked = time.monotonic()
        sound += part
    return sound, waits[0], max(waits)


async def test_it_speaks_and_what_was_prepared_plays_at_once(
    deepgram: Deepgram, server: FakeDeepgram
) -> None:
    sound, began_s, _ = await _said(deepgram, "What is a hash table?")
    assert len(sound) > 30_000
    assert began_s < 1.0
    await deepgram.voice().prepare("Thank you for that. What is a queue good for?")
    assert server.spoken[1:] == ["Thank you for that.", "What is a queue good for?"]
    _, began_s, _ = await _said(deepgram, "What is a queue good for?")
    assert began_s < 0.05
    assert len(server.spoken) == 3


@pytest.mark.parametrize("fault", [401, 402, 429, 500, "hangs", "mute", "cut", "drip", "garbage"])
async def test_whatever_fails_the_sentence_is_spoken_to_its_end(
    speech: Speech, deepgram: Deepgram, server: FakeDeepgram, fault: Speaking
) -> None:
    text = "A fault comes in the middle of this sentence, and it is heard all the same."
    embedded = b"".join([part async for part in speech.engines.text_to_speech.synthesise(text)])
    server.speaking = fault
    for _ in range(2):
        sound, began_s, longest_s = await _said(deepgram, text)
        assert sound.endswith(embedded)
        assert max(began_s, longest_s) < WITHIN_S
    assert not deepgram.speaking.closed
    assert server.spoken == []


async def test_each_interview_is_spoken_by_the_voice_that_it_names(
    deepgram: Deepgram, server: FakeDeepgram
) -> None:
    asteria = deepgram.asked(Manner(voice="aura-asteria-en"))
    for each in (deepgram, asteria, asteria, deepgram):
        await _said(each, "What is a hash table?")
    assert server.voices == ["aura-helios-en", "aura-asteria-en"]


async def test_a_voice_that_is_unknown_is_spoken_for_here_and_stops_no_other(
    speech: Speech, deepgram: Deepgram, server: FakeDeepgram
) -> None:
    text = "A fault comes in the middle of this sentence, and it is heard all the same."
    embedded = b"".join([part async for part in speech.engines.text_to_speech.synthesise(text)])
    nobody = deepgram.asked(Manner(voice="aura-nobody-en"))
    sound, began_s, _ = await _said(nobody, text)
    assert sound == embedded
    assert began_s < WITHIN_S
    assert not deepgram.asked(Manner(voice="aura-nobody-en")).speaking.closed
    assert all(breaker.closed for breaker in deepgram.breakers)
    await _said(deepgram, text)
    assert server.spoken == [text]


async def test_preparing_is_what_tries_again_and_not_before_it_was_asked_to(
    deepgram: Deepgram, server: FakeDeepgram, clock: Clock
) -> None:
    server.speaking, server.retry_after = 429, "40"
    await _said(deepgram, "What is a queue good for?")
    assert not deepgram.speaking.closed
    server.speaking = "well"
    clock.now_s += 39
    await deepgram.voice().prepare("What is a hash table?")
    clock.now_s += 1
    await _said(deepgram, "What is a hash table?")
    assert server.spoken == []
    await deepgram.voice().prepare("What is a cache used for?")
    await _said(deepgram, "What is a hash table?")
    assert server.spoken == ["What is a cache used for?", "What is a hash table?"]


# ---------------------------------------------------------------------------- at start


async def test_an_account_that_can_be_used(server: FakeDeepgram) -> None:
    await check(account(server))


@pytest.mark.parametrize(
    ("changed", "setting"),
    [
        ({"api_key": "wrong"}, "DEEPGRAM_API_KEY"),
        ({"voice": "aura-nobody-en"}, "DEEPGRAM_VOICE"),
        ({"model": "nova-0"}, "DEEPGRAM_MODEL"),
        ({"url": "http://127.0.0.1:9"}, "DEEPGRAM_URL"),
    ],
)
async def test_a_wrong_setting_is_named(
    server: FakeDeepgram, changed: dict[str, str], setting: str
) -> None:
    with pytest.raises(SettingError) as refused:
        await check(account(server, **changed))
    assert refused.value.setting == setting
    assert "wrong" not in refused.value.detail


async def test_an_unpaid_account_is_named_and_a_passing_fault_is_not(server: FakeDeepgram) -> None:
    server.speaking = 402
    with pytest.raises(SettingError, match="no credit"):
        await check(account(server))
    server.speaking = 500
    await check(account(server))
    server.speaking = "hangs"
    with pytest.raises(SettingError, match="DEEPGRAM_URL"):
        await check(account(server))
