"""The process of the stand-ins: `python -m bench.standing_in`. Needs the tests' servers.

No models are in it: their time would come on top of the stated delays. Deepgram hears `HEARD`,
whatever is said, and speaks a tone of the sentence's length; with `--hearing` it hears what is
said, by the embedded recogniser. The language model takes everything for an answer; no two of its
lines are alike, for a worker keeps the sentences it has.

Its first line says a worker's settings, as JSON. A line on its input is `Faults` as JSON, or
`null`; each is answered by what is left of them. `"sockets"` is answered by how many are open. It
ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import count
from typing import Final

import numpy as np

from bench.stand_ins import (
    FINAL_AFTER_S,
    FIRST_AUDIO_S,
    FIRST_TOKEN_S,
    HEARING,
    SOCKETS,
    Faults,
    ModelFault,
)
from tests.fakes import deepgram_server
from tests.fakes.deepgram_server import FakeDeepgram, Recogniser
from tests.fakes.openai_server import Asked, Cuts, Hangs, OpenAIServer, Says
from voice.engines import TTS_RATE_HZ, SpeechToText

HEARD: Final = "I would measure first, and then change the slowest part."
_ACKNOWLEDGEMENT: Final = "Thank you, I noted that"
#: Digits in words that tell nothing of an answer; a number would be taken for something new.
_DIGITS: Final = ("then", "now", "so", "just")
#: Speech takes so long for each letter.
LETTER_S: Final = 0.06
_SYLLABLE_S, _BETWEEN_S = 0.2, 0.05
_PITCH_HZ, _LOUDNESS = 150, 6000


class _Ears:
    async def transcribe(self, pcm16_16k: bytes) -> str:
        return HEARD


class _Mouth:
    """`on_acknowledgement` is called once, when one is asked for."""

    def __init__(self) -> None:
        self.on_acknowledgement: Callable[[], None] | None = None

    async def synthesise(self, text: str) -> AsyncIterator[bytes]:
        if self.on_acknowledgement and text.startswith(_ACKNOWLEDGEMENT):
            self.on_acknowledgement()
            self.on_acknowledgement = None
        yield tone(LETTER_S * len(text))


@dataclass(frozen=True)
class _Speech:
    speech_to_text: Recogniser
    text_to_speech: _Mouth


class _Words:
    """Of an interviewer: neutral acknowledgements, and follow-ups that give nothing away."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def __call__(self, asked: Asked) -> str:
        number = next(self._numbers)
        if any("ears of an interviewer" in str(said["content"]) for said in asked.messages):
            return f"answer\n{_ACKNOWLEDGEMENT} {_in_words(number)}."
        return f"Could you say a little more about that for note {number}?"


def _in_words(number: int) -> str:
    """Another one for each of 256 numbers."""
    words = [_DIGITS[number // 4**place % 4] for place in range(4)]
    return " ".join(words)


def tone(seconds: float) -> bytes:
    """Heard from its first sample on, with the gaps of syllables."""
    at_s = np.arange(int(seconds * TTS_RATE_HZ)) / TTS_RATE_HZ
    sounds = at_s % (_SYLLABLE_S + _BETWEEN_S) < _SYLLABLE_S
    wave = _LOUDNESS * np.cos(2 * np.pi * _PITCH_HZ * at_s) * sounds
    return wave.astype("<i2").tobytes()


class _Providers:
    """Both servers, and what is to happen to them."""

    def __init__(self, ears: Recogniser) -> None:
        self._mouth = _Mouth()
        self.deepgram = FakeDeepgram(
            _Speech(ears, self._mouth),
            final_after_s=FINAL_AFTER_S,
            sound_after_s=FIRST_AUDIO_S,
        )
        self._says = Says(_Words(), first_token_s=FIRST_TOKEN_S)
        self.model = OpenAIServer(self._says)
        self._of_model: ModelFault | None = None

    def begin(self, faults: Faults) -> None:
        self.deepgram.listening = faults.listening or "well"
        self.deepgram.speaking = "mute" if faults.speaking == "mute" else "well"
        self._mouth.on_acknowledgement = self._cut if faults.speaking == "cut once" else None
        self._of_model = faults.model
        self.model.script.clear()
        self.model.otherwise = Hangs() if faults.model == "silent" else self._says
        if faults.model in ("cuts", "hangs"):
            self.model.script.append(Cuts() if faults.model == "cuts" else Hangs())

    def left(self) -> Faults:
        listening, speaking = self.deepgram.listening, self.deepgram.speaking
        speaking = "cut once" if self._mouth.on_acknowledgement else speaking
        model = self._of_model if self.model.script or self._of_model == "silent" else None
        return Faults.model_validate(
            {
                "listening": None if listening == "well" else listening,
                "speaking": None if speaking == "well" else speaking,
                "model": model,
            }
        )

    def _cut(self) -> None:
        self.deepgram.speaking = "cut once"


def _settings(deepgram: FakeDeepgram, model: OpenAIServer) -> dict[str, str]:
    return {
        "DEEPGRAM_API_KEY": deepgram_server.KEY,
        "DEEPGRAM_URL": deepgram.url,
        "OPENAI_API_KEY": model.key,
        "OPENAI_BASE_URL": model.base_url,
        "OPENAI_MODEL": model.model,
    }


def _is_news(record: logging.LogRecord) -> bool:
    """A worker that hangs up does not want the rest: it gave up making a sentence ahead, say."""
    return not (record.exc_info and isinstance(record.exc_info[1], ConnectionError))


def _ears(*, hearing: bool) -> Recogniser:
    return SpeechToText() if hearing else _Ears()


async def _serve(*, hearing: bool) -> None:
    """Until its input ends."""
    logging.getLogger("aiohttp.server").addFilter(_is_news)
    providers = _Providers(await asyncio.to_thread(_ears, hearing=hearing))
    asked = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(asked), sys.stdin
    )
    async with providers.deepgram as deepgram, providers.model as model:
        print(json.dumps(_settings(deepgram, model)), flush=True)
        while line := await asked.readline():
            if (said := json.loads(line)) == SOCKETS:
                print(deepgram.sockets, flush=True)
                continue
            if said is not None:
                providers.begin(Faults.model_validate(said))
            print(providers.left().model_dump_json(), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(hearing=HEARING in sys.argv[1:]))
