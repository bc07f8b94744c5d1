"""The device check's conversation: one sentence out, and what the recogniser hears comes back.

Nothing is stored and no clock runs; texts go to the candidate's own page alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from pipecat.frames.frames import Frame, TranscriptionFrame, TTSSpeakFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker, ProcessorUnusablePolicy
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.processors.frameworks.rtvi.frames import RTVIServerMessageFrame
from pipecat.processors.frameworks.rtvi.observer import RTVIObserverParams

from contracts.conversation import ConversationEnd, ConversationResult, HoldConversation
from contracts.errors import StaleFence
from contracts.interview import BotReady, Fence, JoinPurpose
from voice import messages
from voice.engines import STT_RATE_HZ, TTS_RATE_HZ
from voice.held import PULSE_EVERY_S, House
from voice.lines import CLOSE_WITHIN_S, Line, open_line
from voice.progress import Progress
from voice.protocols import InterviewUpdates, Journal
from voice.running import CANCEL_WITHIN_S, first_of, run_pipeline, stop_pipeline, within
from voice.speech import EmbeddedSTTService, EmbeddedTTSService


class Echo(FrameProcessor):
    """Sends what was heard to the page, as it was recognised."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame):
            await self.push_frame(RTVIServerMessageFrame(data=messages.heard(frame.text)))
        else:
            await self.push_frame(frame, direction)


async def hold_check(
    house: House,
    spec: HoldConversation,
    fence: Fence,
    *,
    journal: Journal,
    updates: InterviewUpdates,
    beat: Callable[[], None],
) -> ConversationResult:
    """Ends by itself after `check_lasts_s`, or when the candidate leaves. Takes no fence."""
    speech = house.speech.asked(await journal.manner())
    line = await open_line(house, spec, journal)
    try:
        await updates.bot_ready(
            BotReady(fence=fence, offer_id=spec.offer_id, purpose=JoinPurpose.CHECK)
        )
        asked = replace(house, speech=speech)
        return ConversationResult(end=await _talk(asked, line, fence.epoch, Progress(beat)))
    except StaleFence:
        return ConversationResult(end=ConversationEnd.SUPERSEDED)
    finally:
        await within(CLOSE_WITHIN_S, line.close())


async def _talk(house: House, line: Line, epoch: int, progress: Progress) -> ConversationEnd:
    worker = _pipeline(house, line, progress)
    started = asyncio.Event()

    async def on_pipeline_started(_: PipelineWorker, frame: Frame) -> None:
        started.set()

    worker.add_event_handler("on_pipeline_started", on_pipeline_started)
    running = asyncio.create_task(run_pipeline(worker))
    pulse = asyncio.create_task(_pulse(worker, epoch))
    try:
        async with asyncio.timeout(house.settings.check_lasts_s):
            await first_of(_listen(house, line, worker, started, progress), [running, pulse])
    except TimeoutError:
        await worker.rtvi.send_server_message(messages.ended("checked"))
    finally:
        pulse.cancel()
        await stop_pipeline(worker, running, house.stragglers)
    return ConversationEnd.LEFT


async def _listen(
    house: House,
    line: Line,
    worker: PipelineWorker,
    started: asyncio.Event,
    progress: Progress,
) -> None:
    """Until the candidate has gone, or a worker that shuts down wants the slot."""
    await started.wait()
    await line.connected.wait()
    await worker.queue_frame(TTSSpeakFrame(house.wording.speaker_check()))
    ends = [line.left.wait(), line.lost(progress.silent_line_s), house.draining.wait()]
    tasks = [asyncio.ensure_future(end) for end in ends]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _pulse(worker: PipelineWorker, epoch: int) -> None:
    while True:
        await worker.rtvi.send_server_message(messages.pulse(epoch))
        await asyncio.sleep(PULSE_EVERY_S)


def _pipeline(house: House, line: Line, progress: Progress) -> PipelineWorker:
    pipeline = Pipeline(
        [
            line.transport.input(),
            VADProcessor(vad_analyzer=house.speech.models.voice_detector()),
            EmbeddedSTTService(house.speech.engines.speech_to_text),
            Echo(),
            EmbeddedTTSService(house.speech.voice()),
            line.transport.output(),
            progress,
        ]
    )
    return PipelineWorker(
        pipeline,
        params=PipelineParams(
            audio_in_sample_rate=STT_RATE_HZ,
            audio_out_sample_rate=TTS_RATE_HZ,
            enable_heartbeats=True,
        ),
        cancel_timeout_secs=CANCEL_WITHIN_S,
        processor_unusable_policy=ProcessorUnusablePolicy.CANCEL,
        rtvi_observer_params=RTVIObserverParams(metrics_enabled=False),
        enable_turn_tracking=False,
        idle_timeout_secs=None,
        check_dangling_tasks=False,
    )
