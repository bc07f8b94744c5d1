"""Life signs come from moving frames: a stuck pipeline gives none, though its process lives."""

from __future__ import annotations

import asyncio

from pipecat.frames.frames import Frame, HeartbeatFrame, InputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from tests.waiting import eventually
from voice.progress import SHORTEST_BEAT_S, Progress
from voice.running import Stragglers, run_pipeline, stop_pipeline

HEARTBEAT_S = 0.1


class Valve(FrameProcessor):
    """A processor that hangs, in what a life sign passes, while it is shut."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.open.set()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, HeartbeatFrame | InputAudioRawFrame):
            await self.open.wait()
        await self.push_frame(frame, direction)


async def test_a_stuck_processor_stops_the_beats_and_nothing_else_does() -> None:
    beats: list[float] = []
    valve, progress = Valve(), Progress(lambda: beats.append(asyncio.get_running_loop().time()))
    worker = PipelineWorker(
        Pipeline([valve, progress]),
        params=PipelineParams(enable_heartbeats=True, heartbeats_period_secs=HEARTBEAT_S),
        idle_timeout_secs=None,
    )
    running = asyncio.create_task(run_pipeline(worker))
    try:
        await eventually(lambda: len(beats) >= 3)
        assert progress.quiet_for_s() < 1
        valve.open.clear()
        before = len(beats)
        await eventually(lambda: progress.quiet_for_s() > 4 * SHORTEST_BEAT_S)
        assert len(beats) <= before + 1  # one may have been past the valve
        assert not running.done()

        valve.open.set()
        await eventually(lambda: len(beats) >= before + 3)
        assert progress.quiet_for_s() < 1
        audio = InputAudioRawFrame(audio=bytes(640), sample_rate=16000, num_channels=1)
        silent_s = progress.silent_line_s()
        await worker.queue_frame(audio)
        await eventually(lambda: progress.silent_line_s() < silent_s)
    finally:
        valve.open.set()
        await stop_pipeline(worker, running, Stragglers())
