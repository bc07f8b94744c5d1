"""The ears of one bot over a provider, without a line to a candidate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Self

import numpy as np
import soxr
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker, ProcessorUnusablePolicy
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from bench.voices import RATE_HZ, ShiftedHeart
from contracts.usage import Usage
from tests.waiting import eventually
from voice.conversation import Speech
from voice.engines import STT_RATE_HZ, TTS_RATE_HZ
from voice.provider import Provider
from voice.speech import NothingHeardFrame

PIECE = 2 * STT_RATE_HZ // 50
STOP_S = 0.2


def microphone(heart: ShiftedHeart, text: str) -> bytes:
    """The text as 16 kHz PCM, and the silence in which the voice detector makes up its mind."""
    narrow = soxr.resample(heart.say(text).astype(np.float32), RATE_HZ, STT_RATE_HZ)
    silence = bytes(2 * int(STOP_S * STT_RATE_HZ))
    return bytes(narrow.clip(-32768, 32767).astype("<i2").tobytes()) + silence


class AsHeard:
    """Repairs nothing."""

    def repair(self, text: str, terms: Sequence[str]) -> str:
        return text


class _Listener(FrameProcessor):
    def __init__(self) -> None:
        super().__init__()
        self.captions: list[str] = []
        self.heard: list[Frame] = []
        self.passed = 0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InterimTranscriptionFrame):
            self.captions.append(frame.text)
        elif isinstance(frame, TranscriptionFrame | NothingHeardFrame):
            self.heard.append(frame)
        elif isinstance(frame, InputAudioRawFrame):
            self.passed += 1
        await self.push_frame(frame, direction)


class Ears:
    """The bot's ears in a pipeline that runs; use as a context manager."""

    def __init__(self, speech: Speech, provider: Provider) -> None:
        self.terms: Sequence[str] = ()
        self.used: list[Usage] = []
        ears = provider.ears(
            speech.engines.speech_to_text, AsHeard(), lambda: self.terms, self.used.append
        )
        self._listener = _Listener()
        self.captions = self._listener.captions
        self._worker = PipelineWorker(
            Pipeline([*ears, self._listener]),
            params=PipelineParams(
                audio_in_sample_rate=STT_RATE_HZ, audio_out_sample_rate=TTS_RATE_HZ
            ),
            processor_unusable_policy=ProcessorUnusablePolicy.CANCEL,
            enable_rtvi=False,
            idle_timeout_secs=None,
        )
        self._running: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run())
        return self

    async def _run(self) -> None:
        runner = WorkerRunner(handle_sigint=False, handle_sigterm=False)
        await runner.add_workers(self._worker)
        await runner.run()

    async def __aexit__(self, *_: object) -> None:
        await self._worker.cancel()
        await asyncio.wait_for(self._running, 5)

    @property
    def running(self) -> bool:
        return not self._running.done()

    async def silence(self, seconds: float) -> None:
        await self._play(bytes(2 * int(seconds * STT_RATE_HZ)))

    async def hear(self, pcm: bytes, *, fast: bool = True) -> tuple[str, float]:
        """Somebody says that; the words, and the seconds after the end of speech was known."""
        before = len(self._listener.heard)
        await self._worker.queue_frame(VADUserStartedSpeakingFrame(start_secs=0.15))
        await self._play(pcm, fast=fast)
        await self._worker.queue_frame(VADUserStoppedSpeakingFrame(stop_secs=STOP_S))
        ended = time.monotonic()
        await eventually(lambda: self._final(before))
        return self._text(before), time.monotonic() - ended

    def _final(self, before: int) -> bool:
        match self._listener.heard[before:][-1:]:
            case [TranscriptionFrame() as newest]:
                return newest.finalized
            case [NothingHeardFrame()]:
                return True
        return False

    def _text(self, before: int) -> str:
        heard = self._listener.heard[before:]
        return " ".join(frame.text for frame in heard if isinstance(frame, TranscriptionFrame))

    async def _play(self, pcm: bytes, *, fast: bool = True) -> None:
        """A second at a time: as fast as it is taken, or as it would be spoken."""
        pieces = [pcm[at : at + PIECE] for at in range(0, len(pcm), PIECE)]
        began, passed = time.monotonic(), self._listener.passed
        for number, piece in enumerate(pieces, 1):
            await self._worker.queue_frame(InputAudioRawFrame(piece, STT_RATE_HZ, 1))
            if number % 50 == 0 or number == len(pieces):
                due = began if fast else began + number / 50
                await eventually(partial(self._reached, passed + number, due))

    def _reached(self, count: int, due: float) -> bool:
        return self._listener.passed >= count and time.monotonic() >= due
