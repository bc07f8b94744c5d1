"""The embedded engines: what they understand, that nobody hears another's words, and how fast."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest
import soxr

from tests.voice.sentences import SENTENCES, holds, word_error_rate, words
from voice.conversation import Speech
from voice.engines import STT_RATE_HZ, TTS_RATE_HZ, TextToSpeech
from voice.terms import TermRepair


async def spoken(engine: TextToSpeech, text: str) -> bytes:
    """The interviewer's own voice as a microphone would bring it: 16 kHz, with a little silence."""
    samples = np.frombuffer(await whole(engine, text), "<i2").astype(np.float32)
    narrow = soxr.resample(samples, TTS_RATE_HZ, STT_RATE_HZ)
    quiet = np.zeros(STT_RATE_HZ // 2)
    return np.concatenate([quiet, narrow, quiet]).clip(-32768, 32767).astype("<i2").tobytes()


@pytest.fixture(scope="module")
async def heard(speech: Speech) -> list[str]:
    """What the recogniser wrote for each of the sentences."""
    engines = speech.engines
    audio = [await spoken(engines.text_to_speech, said) for said, _ in SENTENCES]
    return [await engines.speech_to_text.transcribe(pcm) for pcm in audio]


def test_at_most_a_tenth_of_the_words_is_wrong(heard: list[str]) -> None:
    pairs = [(said, text) for (said, _), text in zip(SENTENCES, heard, strict=True)]
    assert word_error_rate(pairs) < 0.10


def test_repair_brings_the_key_terms_to_95_percent(speech: Speech, heard: list[str]) -> None:
    repair = TermRepair(speech.engines.text_to_speech.phonemes)
    found = [
        holds(repair.repair(text, terms), term)
        for (_, terms), text in zip(SENTENCES, heard, strict=True)
        for term in terms
    ]
    assert sum(found) / len(found) >= 0.95


def test_repair_makes_fewer_words_wrong_not_more(speech: Speech, heard: list[str]) -> None:
    repair = TermRepair(speech.engines.text_to_speech.phonemes)
    raw = [(said, text) for (said, _), text in zip(SENTENCES, heard, strict=True)]
    repaired = [
        (said, repair.repair(text, terms))
        for (said, terms), text in zip(SENTENCES, heard, strict=True)
    ]
    assert word_error_rate(repaired) < word_error_rate(raw)


def test_terms_nobody_said_are_not_put_in(speech: Speech, heard: list[str]) -> None:
    """Every other sentence's terms are offered: at most 5 in a thousand are taken for said."""
    repair = TermRepair(speech.engines.text_to_speech.phonemes)
    every = {term for _, terms in SENTENCES for term in terms}
    offered = wrong = 0
    for (said, _), text in zip(SENTENCES, heard, strict=True):
        others = sorted(term for term in every if not holds(said, term))
        repaired = repair.repair(text, others)
        offered += len(others)
        wrong += sum(holds(repaired, term) and not holds(text, term) for term in others)
    assert wrong / offered < 0.005


async def test_four_candidates_at_once_each_get_their_own_words(speech: Speech) -> None:
    engines = speech.engines
    said = [text for text, _ in SENTENCES[:4]]
    audio = [await spoken(engines.text_to_speech, text) for text in said]
    alone = [await engines.speech_to_text.transcribe(pcm) for pcm in audio]
    for _ in range(3):
        together = await asyncio.gather(*map(engines.speech_to_text.transcribe, audio))
        assert together == alone


async def test_the_event_loop_goes_on_while_models_work(speech: Speech) -> None:
    audio = await spoken(speech.engines.text_to_speech, SENTENCES[0][0])
    turns = 0
    work = asyncio.create_task(speech.engines.speech_to_text.transcribe(audio))
    while not work.done():
        await asyncio.sleep(0.002)
        turns += 1
    assert turns > 10


async def test_a_long_answer_is_understood_to_its_end(speech: Speech) -> None:
    said = " ".join(text for text, _ in SENTENCES[:8])
    audio = await spoken(speech.engines.text_to_speech, said)
    assert len(audio) / 2 / STT_RATE_HZ > 35
    text = await speech.engines.speech_to_text.transcribe(audio)
    assert word_error_rate([(said, text)]) < 0.15


async def test_silence_and_a_cough_hold_no_words(speech: Speech) -> None:
    engine = speech.engines.speech_to_text
    burst = np.random.default_rng(0).normal(0, 9000, 5600) * np.hanning(5600)
    cough = np.concatenate([np.zeros(8000), burst, np.zeros(8000)]).astype("<i2").tobytes()
    assert await engine.transcribe(bytes(2 * STT_RATE_HZ)) == ""
    assert await engine.transcribe(cough) == ""
    assert await engine.transcribe(b"") == ""


async def test_a_prepared_prompt_plays_at_once(speech: Speech) -> None:
    engine = TextToSpeech()
    text = "Thank you. What does idempotent mean for an H T T P request?"
    await engine.prepare(text)
    assert await seconds_to_speak(engine, text) < 0.005
    engine.close()


async def test_the_least_recently_used_sentence_is_forgotten(speech: Speech) -> None:
    sentences = [f"This is sentence number {n}." for n in ("one", "two", "three")]
    sizes = [len(await whole(speech.engines.text_to_speech, text)) for text in sentences]
    engine = TextToSpeech(cache_bytes=sizes[0] + sizes[2] + 100)
    for text in (sentences[0], sentences[1], sentences[0], sentences[2]):
        await engine.prepare(text)
    assert await seconds_to_speak(engine, sentences[0]) < 0.005
    assert await seconds_to_speak(engine, sentences[2]) < 0.005
    assert await seconds_to_speak(engine, sentences[1]) > 0.005
    engine.close()


async def test_speed_changes_the_length(speech: Speech) -> None:
    engine = speech.engines.text_to_speech
    lengths = []
    for speed in (0.8, 1.3):
        parts = [part async for part in engine.synthesise("A queue is a list.", speed=speed)]
        lengths.append(len(b"".join(parts)))
    assert lengths[0] > 1.2 * lengths[1]


@pytest.mark.parametrize("text", ["", "   ", "你好 🙂", "\x00\x07", "-", "?!"])
async def test_text_that_cannot_be_spoken_is_silence(speech: Speech, text: str) -> None:
    assert len(await whole(speech.engines.text_to_speech, text)) < TTS_RATE_HZ * 2 * 3


def test_words_are_compared_without_their_spelling() -> None:
    assert words("A B-tree, 2 keys!") == ["a", "b", "tree", "two", "keys"]


async def whole(engine: TextToSpeech, text: str) -> bytes:
    return b"".join([part async for part in engine.synthesise(text)])


async def seconds_to_speak(engine: TextToSpeech, text: str) -> float:
    began = time.perf_counter()
    await whole(engine, text)
    return time.perf_counter() - began
