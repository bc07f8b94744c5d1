"""Pipelines that swallow what should end them: nobody waits for them, and the process learns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from pipecat.frames.frames import CancelFrame, EndFrame, Frame, InputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from tests.waiting import eventually
from voice.running import (
    CANCEL_WITHIN_S,
    WEDGED_AFTER_S,
    Stragglers,
    run_pipeline,
    stop_pipeline,
    within,
)


class Swallower(FrameProcessor):
    """Keeps the frames that end a pipeline; from the first audio on, heeds no cancellation."""

    def __init__(self) -> None:
        super().__init__()
        self.released = asyncio.Event()
        self.began = asyncio.Event()
        self.wedges = True

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, EndFrame | CancelFrame):
            return
        if isinstance(frame, InputAudioRawFrame):
            self.began.set()
            while self.wedges and not self.released.is_set():
                try:
                    await self.released.wait()
                except asyncio.CancelledError:
                    continue
        await self.push_frame(frame, direction)


class Wedge:
    def __init__(self) -> None:
        self.swallower = Swallower()
        self.stragglers = Stragglers()
        self.worker = PipelineWorker(
            Pipeline([self.swallower]),
            params=PipelineParams(),
            cancel_timeout_secs=CANCEL_WITHIN_S,
            idle_timeout_secs=None,
        )
        self.running = asyncio.create_task(run_pipeline(self.worker))

    async def begin(self) -> None:
        audio = InputAudioRawFrame(audio=bytes(640), sample_rate=16000, num_channels=1)
        await self.worker.queue_frame(audio)
        await self.swallower.began.wait()

    async def stop(self) -> float:
        """The seconds that took."""
        began = time.monotonic()
        await stop_pipeline(self.worker, self.running, self.stragglers)
        return time.monotonic() - began


@pytest.fixture
async def wedge() -> AsyncIterator[Wedge]:
    before = asyncio.all_tasks()
    wedge = Wedge()
    yield wedge
    wedge.swallower.released.set()
    # Pipecat cancels each task once, and that has been swallowed.
    while left := asyncio.all_tasks() - before - {asyncio.current_task()}:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=0.1)


async def test_who_swallows_everything_is_left_at_once_and_reported(wedge: Wedge) -> None:
    await wedge.begin()
    assert await wedge.stop() < 1.0
    assert not wedge.stragglers.wedged.is_set()
    await asyncio.wait_for(wedge.stragglers.wedged.wait(), WEDGED_AFTER_S + 2)
    assert not wedge.running.done()


async def test_who_keeps_the_cancelling_frame_alone_still_ends(wedge: Wedge) -> None:
    wedge.swallower.wedges = False
    await wedge.begin()
    assert await wedge.stop() < 1.0
    await eventually(wedge.running.done, within_s=WEDGED_AFTER_S)
    assert not wedge.stragglers.wedged.is_set()


class Passing(FrameProcessor):
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


class Dawdler(Passing):
    """Does not come to an end of putting its things away."""

    async def cleanup(self) -> None:
        await asyncio.Event().wait()


async def test_of_one_that_is_cancelled_as_it_tidies_nothing_goes_on() -> None:
    before, stragglers = asyncio.all_tasks(), Stragglers()
    processors = [Dawdler(), Passing()]
    worker = PipelineWorker(Pipeline(processors), params=PipelineParams(), idle_timeout_secs=None)
    started = asyncio.Event()

    async def on_pipeline_started(_: PipelineWorker, frame: Frame) -> None:
        started.set()

    worker.add_event_handler("on_pipeline_started", on_pipeline_started)
    running = asyncio.create_task(run_pipeline(worker))
    await started.wait()
    await stop_pipeline(worker, running, stragglers)
    assert not running.done()
    await eventually(running.done, within_s=WEDGED_AFTER_S)
    await eventually(lambda: asyncio.all_tasks() <= before, within_s=5)
    assert not stragglers.wedged.is_set()


async def loses_one_cancellation() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


@pytest.mark.parametrize("frozen_s", [0.0, WEDGED_AFTER_S + 0.5])
async def test_who_loses_one_cancellation_is_not_taken_for_wedged(frozen_s: float) -> None:
    """Not even where the process was frozen meanwhile, and all that time has passed at once."""
    stragglers, pipeline = Stragglers(), asyncio.create_task(loses_one_cancellation())
    await asyncio.sleep(0)  # it has begun
    stragglers.watch(pipeline)
    await asyncio.sleep(0)  # and is watched
    time.sleep(frozen_s)  # noqa: ASYNC251 - the process stands still
    await asyncio.wait([pipeline], timeout=WEDGED_AFTER_S + 1)
    assert pipeline.cancelled()
    assert not stragglers.wedged.is_set()


async def test_a_step_that_heeds_no_cancellation_is_not_waited_for() -> None:
    released = asyncio.Event()

    async def deaf() -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    began = time.monotonic()
    assert not await within(0.1, deaf())
    assert time.monotonic() - began < 1.0
    released.set()
    assert await within(0.1, asyncio.Event().wait()) is False
    assert await within(1.0, released.wait())
