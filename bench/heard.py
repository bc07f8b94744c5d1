"""What the embedded recogniser makes of a text that is said aloud."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import soxr

from bench.voices import RATE_HZ, ShiftedHeart, Voice
from contracts.questions import Question
from voice.engines import STT_RATE_HZ, Engines, load_engines
from voice.speech import LEAD_IN_S, TAIL
from voice.terms import TermRepair


class Hearing:
    """One candidate's voice, synthesised, and the ears of the bot. Each text is said once."""

    def __init__(self, engines: Engines, voice: Voice) -> None:
        self._engines, self._voice = engines, voice
        self._repair = TermRepair(engines.text_to_speech.phonemes)
        self._heard: dict[str, str] = {}

    async def of(self, question: Question, text: str) -> str:
        """The words of one stretch of speech, with the question's key terms put back; "" where
        nothing can be said of it, or heard."""
        if text not in self._heard:
            self._heard[text] = await self._recognised(text)
        return self._repair.repair(self._heard[text], question.key_terms)

    async def _recognised(self, text: str) -> str:
        audio = await asyncio.to_thread(self._voice.say, text)
        if not len(audio):
            return ""
        narrow = soxr.resample(audio.astype(np.float32), RATE_HZ, STT_RATE_HZ)
        pcm = np.clip(narrow, -32768, 32767).astype("<i2").tobytes()
        before = bytes(2 * int(LEAD_IN_S * STT_RATE_HZ))
        return await self._engines.speech_to_text.transcribe(before + pcm + TAIL)


@asynccontextmanager
async def hearing() -> AsyncIterator[Hearing]:
    """Loads the models."""
    engines = await asyncio.to_thread(load_engines)
    try:
        yield Hearing(engines, ShiftedHeart())
    finally:
        engines.close()
