"""The speech models of one process: text from speech, speech from text. No Pipecat in here.

Both are loaded once when a worker starts and shared by every conversation in the process. Inference
runs in a thread of the engine's own, so that the event loop, which moves everybody's audio, never
waits for a model.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from voice.memory import drop_pages_of, give_large_blocks_back, lean_session, tidy_heap
from voice.packed import PackedDict

STT_RATE_HZ: Final = 16_000
TTS_RATE_HZ: Final = 24_000

#: Above about 40 s in one piece tiny-en starts to loop (word error rate 140 % at 47 s), and 20 s
#: take 50 MB more than 12 s.
LONGEST_PIECE_S: Final = 15
#: How far back from the limit the quietest moment is looked for.
CUT_WITHIN_S: Final = 8
#: Width of the moment whose loudness is compared, in samples (100 ms at 16 kHz).
CUT_WINDOW: Final = STT_RATE_HZ // 10

#: What tiny-en writes when there are no words: for silence, white noise, hums, clicks and coughs.
#: Whisper writes the same.
IMAGINED: Final = frozenset({"", "you", "the", "so", "thank you for watching"})

#: Hibari puts about 0.30 s of near-silence before a sentence and 0.45 s after it. What is kept:
LEAD_SAMPLES: Final = TTS_RATE_HZ * 40 // 1000
TAIL_SAMPLES: Final = TTS_RATE_HZ * 200 // 1000
#: Amplitude (of 1.0) below which a sample counts as silence when a sentence is trimmed.
SILENCE_LEVEL: Final = 0.01

#: Of the voice's breath noise, so that a sentence always sounds the same.
SEED: Final = 1

#: Synthesised sentences kept for `prepare`: 8 MB are about 170 s of speech.
CACHE_BYTES: Final = 8_000_000


class SpeechToText:
    """Moonshine tiny-en from its wheel: 16 kHz mono 16-bit PCM in, text out.

    The native handle holds one batch stream: concurrent calls return each other's words. All calls
    therefore go through one thread, which is also the lock.
    """

    sample_rate_hz: Final = STT_RATE_HZ

    def __init__(self) -> None:
        # Read when the library creates its sessions. Its own thread pool burns twice the CPU
        # for the same wall time.
        os.environ["MOONSHINE_ORT_SINGLE_THREAD"] = "1"
        import moonshine_voice
        from moonshine_voice import ModelArch, Transcriber

        model = Path(moonshine_voice.__file__).parent / "assets" / "tiny-en"
        # Silero has already cut the speech out; the built-in detector cuts words off (8.7 % word
        # errors instead of 7.0 %).
        options = {"vad_threshold": "0", "return_audio_data": "false"}
        self._transcriber = Transcriber(model, ModelArch.TINY, options=options)
        drop_pages_of(model)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="speech-to-text")
        self._waiting = 0

    @property
    def busy(self) -> bool:
        """Somebody's words are being recognised; an interim caption should stand back."""
        return self._waiting > 0

    async def transcribe(self, pcm16_16k: bytes) -> str:
        """The words in the audio, "" for silence; audio of any length."""
        samples = np.frombuffer(pcm16_16k, dtype="<i2").astype(np.float32) / 32768.0
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._transcribe, samples)
        finally:
            self._waiting -= 1

    async def warm(self) -> None:
        await self.transcribe(bytes(2 * STT_RATE_HZ))

    def close(self) -> None:
        """Ends the thread and frees the native handle; no call may follow."""
        self._thread.shutdown(wait=True)
        self._transcriber.close()

    def _transcribe(self, samples: NDArray[np.float32]) -> str:
        texts = [self._transcribe_piece(piece) for piece in pieces(samples)]
        tidy_heap()
        return " ".join(text for text in texts if text)

    def _transcribe_piece(self, samples: NDArray[np.float32]) -> str:
        """Calls the library as its Python wrapper does, with the array as it is.

        The wrapper turns the array into a list and back, holding the interpreter lock: 32 ms for
        18 s of audio (3.4 ms for 2 s) in which no other conversation's audio moves.
        """
        from moonshine_voice.errors import check_error
        from moonshine_voice.moonshine_api import TranscriptC

        transcriber: Any = self._transcriber
        audio = np.ascontiguousarray(samples, dtype=np.float32)
        found = ctypes.POINTER(TranscriptC)()
        check_error(
            transcriber._lib.moonshine_transcribe_without_streaming(
                transcriber._handle,
                audio.ctypes.data_as(ctypes.POINTER(ctypes.c_float)),
                len(audio),
                STT_RATE_HZ,
                0,
                ctypes.byref(found),
            )
        )
        lines = transcriber._parse_transcript(found).lines
        return believed(" ".join(line.text for line in lines).strip())


def believed(text: str) -> str:
    """The words, "" where a recogniser has imagined them."""
    return "" if re.sub(r"[^a-z ]+", "", text.lower()) in IMAGINED else text


def pieces(samples: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """16 kHz audio cut into parts of at most 15 s, each cut at the quietest tenth of a second."""
    found = []
    while len(samples) > LONGEST_PIECE_S * STT_RATE_HZ:
        longest = LONGEST_PIECE_S * STT_RATE_HZ
        cut = quietest_moment(samples[:longest], within_s=CUT_WITHIN_S)
        found.append(samples[:cut])
        samples = samples[cut:]
    return [*found, samples]


def quietest_moment(samples: NDArray[np.float32], *, within_s: float) -> int:
    """Middle of the quietest tenth of a second in the last `within_s` of 16 kHz audio."""
    windows = min(int(within_s * STT_RATE_HZ), len(samples)) // CUT_WINDOW
    start = len(samples) - windows * CUT_WINDOW
    energy = np.square(samples[start:]).reshape(windows, CUT_WINDOW).sum(axis=1)
    return start + int(energy.argmin()) * CUT_WINDOW + CUT_WINDOW // 2


class TextToSpeech:
    """Hibari's voice `heart` from its wheel: text in, 24 kHz mono 16-bit PCM out.

    Model and grapheme-to-phoneme tables are used from one thread. What was spoken or prepared is
    kept, sentence by sentence, until `cache_bytes` are full; the least recently used goes first.
    """

    sample_rate_hz: Final = TTS_RATE_HZ

    def __init__(self, *, cache_bytes: int = CACHE_BYTES) -> None:
        from hibari import Hibari

        self._model = Hibari()
        self._model.sess = lean_session(self._model.model_path)
        _pack_tables(self._model.g2p)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="text-to-speech")
        self._sentences = Sentences(cache_bytes)

    async def synthesise(self, text: str, *, speed: float = 1.0) -> AsyncIterator[bytes]:
        """Yields one sentence after the other, each as soon as it is ready; prepared ones at once.

        `speed` is relative to the voice's own pace (0.5 to 2.0).
        """
        for sentence in self._model.split_sentences(text):
            spoken = self._sentences.get((sentence, speed))
            yield spoken if spoken is not None else await self._run(sentence, speed)

    async def prepare(self, text: str, *, speed: float = 1.0) -> None:
        """Synthesises what will probably be said next, so that it then plays at once."""
        async for _ in self.synthesise(text, speed=speed):
            pass

    async def warm(self) -> None:
        await self.prepare("Hello there. This is a first sentence, isn't it?")

    def phonemes(self, text: str) -> str:
        """How the text is pronounced, in the model's alphabet, with stress marks and spaces."""
        return str(self._model.g2p(text) or "")

    def close(self) -> None:
        self._thread.shutdown(wait=True)

    async def _run(self, sentence: str, speed: float) -> bytes:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._speak, sentence, speed)

    def _speak(self, sentence: str, speed: float) -> bytes:
        known = self._sentences.get((sentence, speed))  # an earlier call may have just made it
        if known is not None:
            return known
        parts = [
            trimmed(self._model.from_phonemes(phonemes, speed, SEED))
            for phonemes in self._model.phonemize(sentence)
        ]
        audio = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        spoken = (np.clip(audio, -1.0, 1.0) * 32767).astype("<i2").tobytes()
        self._sentences.put((sentence, speed), spoken)
        tidy_heap()
        return spoken


def trimmed(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """A sentence without the model's long silences around it."""
    voiced = np.flatnonzero(np.abs(audio) > SILENCE_LEVEL)
    if not len(voiced):
        return audio[:0]
    return audio[max(0, voiced[0] - LEAD_SAMPLES) : voiced[-1] + TAIL_SAMPLES]


def _pack_tables(pronunciation: Any) -> None:
    """Hibari's tables (180,000 words, 80,000 weights of the tagger) in 6 MB instead of 46.

    A sentence's phonemes then take 3.4 ms of CPU instead of 2.4.
    """
    lexicon, tagger = pronunciation.lexicon, pronunciation.tagger
    lexicon.golds.d = PackedDict(lexicon.golds.d)
    lexicon.silvers.d = PackedDict(lexicon.silvers.d)
    tagger.weights = PackedDict(tagger.weights)


class Sentences:
    """Least recently used synthesised sentences, bounded in bytes.

    Read from the event loop and written from the synthesis thread, hence the lock; it is never held
    longer than a few dictionary operations.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._held = 0
        self._spoken: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> bytes | None:
        with self._lock:
            spoken = self._spoken.get(key)
            if spoken is not None:
                self._spoken.move_to_end(key)
            return spoken

    def put(self, key: Hashable, spoken: bytes) -> None:
        with self._lock:
            self._held += len(spoken) - len(self._spoken.pop(key, b""))
            self._spoken[key] = spoken
            while self._held > self._limit:
                _, dropped = self._spoken.popitem(last=False)
                self._held -= len(dropped)


@dataclass(frozen=True)
class Engines:
    """What every conversation of a process shares."""

    speech_to_text: SpeechToText
    text_to_speech: TextToSpeech

    async def warm(self) -> None:
        """Runs each model once: the first inference costs several times a later one."""
        await self.speech_to_text.warm()
        await self.text_to_speech.warm()
        tidy_heap(at_once=True)

    def close(self) -> None:
        self.speech_to_text.close()
        self.text_to_speech.close()


def load_engines() -> Engines:
    """Loads both models from their wheels (about 0.7 s and 200 MB). Blocks; call it at start."""
    give_large_blocks_back()
    return Engines(SpeechToText(), TextToSpeech())
