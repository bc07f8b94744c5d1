"""The smallest bot that takes turns: engines, services and turn taking over real WebRTC.

It says one line after the other, whatever the candidate says, and keeps what happened.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipecat.frames.frames import (
    Frame,
    InterimTranscriptionFrame,
    InterruptionFrame,
    LLMContextFrame,
    TranscriptionFrame,
    TTSSpeakFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport
from pipecat.workers.runner import WorkerRunner

from voice.engines import STT_RATE_HZ, TTS_RATE_HZ, Engines
from voice.models import SpeechModels
from voice.speech import EmbeddedSTTService, EmbeddedTTSService
from voice.terms import TermRepair
from voice.turns import TurnTaking


@dataclass
class Happened:
    turns: list[str] = field(default_factory=list)
    interims: list[str] = field(default_factory=list)
    transcripts: list[str] = field(default_factory=list)
    eager: list[str] = field(default_factory=list)
    asides: list[str] = field(default_factory=list)
    taken_back: int = 0
    quiet: int = 0
    interruptions: int = 0
    marks: list[tuple[float, str]] = field(default_factory=list)

    def mark(self, what: str) -> None:
        self.marks.append((time.monotonic(), what))


class Listener(FrameProcessor):
    def __init__(self, happened: Happened) -> None:
        super().__init__()
        self._happened = happened

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame):
            self._happened.transcripts.append(frame.text)
            self._happened.mark("transcript")
        elif isinstance(frame, InterimTranscriptionFrame):
            self._happened.interims.append(frame.text)
        await self.push_frame(frame, direction)


class NextLine(FrameProcessor):
    def __init__(self, lines: Iterator[str], happened: Happened) -> None:
        super().__init__()
        self._lines = lines
        self._happened = happened

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame):
            self._happened.mark("turn")
            await self.push_frame(TTSSpeakFrame(next(self._lines)))
            return
        if isinstance(frame, InterruptionFrame) and direction is FrameDirection.DOWNSTREAM:
            self._happened.interruptions += 1
        await self.push_frame(frame, direction)


class SmallBot:
    def __init__(
        self,
        engines: Engines,
        models: SpeechModels,
        lines: list[str],
        *,
        patience_s: float = 1.0,
        terms: tuple[str, ...] = (),
    ) -> None:
        self.happened = Happened()
        self.taking = TurnTaking(models, patience_s=patience_s)
        self._engines = engines
        self._lines = iter(lines)
        self._terms = terms
        self._tasks: list[asyncio.Task[None]] = []
        self.workers: list[PipelineWorker] = []

    async def answer(self, sdp: str) -> str:
        """One more pipeline for one more offer, as another worker would make it."""
        connection = SmallWebRTCConnection([])
        await connection.initialize(sdp, "offer")
        worker = self._build(connection)
        self.workers.append(worker)
        self._tasks += [asyncio.create_task(self._run(worker)), asyncio.create_task(_pulse(worker))]
        answer: Any = connection.get_answer()  # type: ignore[no-untyped-call]  # Pipecat's
        return str(answer["sdp"])

    async def say(self, text: str) -> None:
        await self.workers[-1].queue_frame(TTSSpeakFrame(text))

    async def tell(self, message: dict[str, Any]) -> None:
        await self.workers[-1].rtvi.send_server_message(message)

    async def close(self) -> None:
        for worker in self.workers:
            await worker.cancel()
        for task in self._tasks[1::2]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, worker: PipelineWorker) -> None:
        runner = WorkerRunner(handle_sigint=False, handle_sigterm=False)
        await runner.add_workers(worker)
        await runner.run()

    def _build(self, connection: SmallWebRTCConnection) -> PipelineWorker:
        happened, taking = self.happened, self.taking
        transport = SmallWebRTCTransport(
            connection,
            TransportParams(
                audio_in_enabled=True,
                audio_out_enabled=True,
                audio_out_filter=taking.voice,
                audio_out_end_silence_secs=0,
            ),
        )
        pair = LLMContextAggregatorPair(LLMContext(), user_params=taking.aggregator_params())
        repair = TermRepair(self._engines.text_to_speech.phonemes)
        pipeline = Pipeline(
            [
                transport.input(),
                EmbeddedSTTService(
                    self._engines.speech_to_text, repair=repair, terms=lambda: self._terms
                ),
                Listener(happened),
                pair.user(),
                NextLine(self._lines, happened),
                EmbeddedTTSService(self._engines.text_to_speech),
                transport.output(),
                pair.assistant(),
            ]
        )
        self._keep(pair)
        return PipelineWorker(
            pipeline,
            params=PipelineParams(
                audio_in_sample_rate=STT_RATE_HZ, audio_out_sample_rate=TTS_RATE_HZ
            ),
            idle_timeout_secs=None,
        )

    def _keep(self, pair: LLMContextAggregatorPair) -> None:
        happened, stop, start = self.happened, self.taking.stop, self.taking.start

        async def stopped(aggregator: Any, strategy: Any, message: Any) -> None:
            happened.turns.append(message.content)

        async def eager(strategy: Any, text: str) -> None:
            happened.eager.append(text)
            happened.mark("eager")

        async def taken_back(strategy: Any) -> None:
            happened.taken_back += 1

        async def aside(strategy: Any, text: str) -> None:
            happened.asides.append(text)
            happened.mark("aside")

        async def quiet(strategy: Any) -> None:
            happened.quiet += 1

        pair.user().add_event_handler("on_user_turn_stopped", stopped)
        stop.add_event_handler("on_eager", eager)
        stop.add_event_handler("on_quiet", quiet)
        start.add_event_handler("on_taken_back", taken_back)
        start.add_event_handler("on_false_interruption", aside)


async def _pulse(worker: PipelineWorker) -> None:
    while True:
        await asyncio.sleep(0.5)
        await worker.rtvi.send_server_message({"type": "pulse", "epoch": 1})
