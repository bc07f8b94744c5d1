"""What the bot hears of a thinker: the voice detector's states, and the words with their moments.

It is the same whoever decides when a turn ends, so it is found once and kept on disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from pipecat.audio.vad.vad_analyzer import VADState
from pydantic import BaseModel

from bench.turns.lines import Sound
from voice.engines import SpeechToText, quietest_moment
from voice.models import RATE_HZ, SpeechModels
from voice.speech import BYTES_PER_S, CUT_WITHIN_S, LEAD_IN_S, LONGEST_SEGMENT_S, TAIL

FRAME_S: Final = 0.02
FRAME_BYTES: Final = int(2 * RATE_HZ * FRAME_S)
#: CPU seconds of the recogniser on a quiet core: 12 s of speech take 0.45 s.
RECOGNITION_S: Final = 0.03
RECOGNITION_PER_S: Final = 0.037


class Words(BaseModel):
    """Recognised at `at_s`; "" where there was a voice without words. `last`: nothing waits."""

    at_s: float
    text: str
    last: bool


class Heard(BaseModel):
    """`states` has the voice detector's state (`VADState`) after each 20 ms."""

    states: list[int]
    words: list[Words]


class Hearing:
    """The product's voice detector and recogniser, over whole sounds, as fast as they go."""

    def __init__(self, models: SpeechModels, recogniser: SpeechToText, folder: Path) -> None:
        self._models = models
        self._recogniser = recogniser
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def heard(self, sound: Sound) -> Heard:
        kept = self._folder / f"{hashlib.sha256(sound.pcm).hexdigest()[:32]}.json"
        if kept.exists():
            return Heard.model_validate_json(kept.read_text())
        states = [state async for state in self._states(sound.pcm)]
        words = [words async for words in self._words(sound.pcm, states)]
        found = Heard(states=[state.value for state in states], words=words)
        kept.write_text(found.model_dump_json())
        return found

    async def _states(self, pcm: bytes) -> AsyncIterator[VADState]:
        detector = self._models.voice_detector()
        detector.set_sample_rate(RATE_HZ)
        for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES):
            yield await detector.analyze_audio(pcm[at : at + FRAME_BYTES])
        await detector.cleanup()  # type: ignore[no-untyped-call]  # Pipecat's

    async def _words(self, pcm: bytes, states: list[VADState]) -> AsyncIterator[Words]:
        """One recognition after the other, each begun when its segment is cut out."""
        free_at_s = 0.0
        segments = list(_segments(pcm, states))
        for at, (begin, end, cut_at_s) in enumerate(segments):
            text = await self._recogniser.transcribe(pcm[begin:end] + TAIL)
            took_s = RECOGNITION_S + RECOGNITION_PER_S * (end - begin) / BYTES_PER_S
            free_at_s = max(free_at_s, cut_at_s) + took_s
            queued = at + 1 < len(segments) and segments[at + 1][2] <= free_at_s
            silent = not _speaking(states, free_at_s)
            yield Words(at_s=free_at_s, text=text, last=silent and not queued)


def _speaking(states: list[VADState], at_s: float) -> bool:
    state = states[min(int(at_s / FRAME_S), len(states) - 1)]
    return state in (VADState.SPEAKING, VADState.STOPPING)


def _segments(pcm: bytes, states: list[VADState]) -> Iterator[tuple[int, int, float]]:
    """What `EmbeddedSTTService` cuts out: first byte, end, and when it is cut."""
    begin, voice = 0, False
    for at, state in enumerate(states):
        end = (at + 1) * FRAME_BYTES
        if state is VADState.SPEAKING:
            voice = True
        elif state is VADState.QUIET and voice:
            yield begin, end, (at + 1) * FRAME_S
            begin, voice = end, False
        if not voice:
            begin = max(begin, end - int(LEAD_IN_S * BYTES_PER_S))
        elif end - begin >= LONGEST_SEGMENT_S * BYTES_PER_S:
            samples = np.frombuffer(pcm[begin:end], "<i2").astype(np.float32)
            cut = begin + 2 * quietest_moment(samples, within_s=CUT_WITHIN_S)
            yield begin, cut, (at + 1) * FRAME_S
            begin = cut
