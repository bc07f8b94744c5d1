"""Run as a program: prints the memory, in MB, of one conversation and of each further one.

A conversation here is all of it but the peer connection, which the bench measures.
"""

from __future__ import annotations

import asyncio
import json
import sys

import psutil
from loguru import logger
from pipecat.frames.frames import InputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.workers.runner import WorkerRunner

from voice.engines import STT_RATE_HZ, TTS_RATE_HZ, Engines, load_engines
from voice.models import SpeechModels
from voice.speech import EmbeddedSTTService, EmbeddedTTSService
from voice.turns import TurnTaking

FURTHER = 5


def conversation(engines: Engines, models: SpeechModels) -> PipelineWorker:
    taking = TurnTaking(models)
    pair = LLMContextAggregatorPair(LLMContext(), user_params=taking.aggregator_params())
    services = [
        EmbeddedSTTService(engines.speech_to_text),
        pair.user(),
        EmbeddedTTSService(engines.text_to_speech),
        pair.assistant(),
    ]
    return PipelineWorker(
        Pipeline(services),
        params=PipelineParams(audio_in_sample_rate=STT_RATE_HZ, audio_out_sample_rate=TTS_RATE_HZ),
        idle_timeout_secs=None,
    )


async def hold(worker: PipelineWorker) -> None:
    runner = WorkerRunner(handle_sigint=False, handle_sigterm=False)
    await runner.add_workers(worker)
    await runner.run()


async def listen(worker: PipelineWorker, seconds: int = 3) -> None:
    for _ in range(seconds * 50):
        await worker.queue_frame(InputAudioRawFrame(bytes(640), STT_RATE_HZ, 1))
        await asyncio.sleep(0.005)


async def main() -> None:
    logger.remove()
    engines, models = load_engines(), SpeechModels()
    await engines.warm()
    await models.warm()
    process = psutil.Process()
    workers: list[PipelineWorker] = []
    tasks: list[asyncio.Task[None]] = []
    memory: list[float] = []
    for count in (1, FURTHER):
        fresh = [conversation(engines, models) for _ in range(count)]
        tasks += [asyncio.create_task(hold(worker)) for worker in fresh]
        workers += fresh
        await asyncio.gather(*map(listen, workers))
        memory.append(process.memory_info().rss / 1e6)
    for worker in workers:
        await worker.cancel()
    await asyncio.gather(*tasks)
    each = (memory[1] - memory[0]) / FURTHER
    sys.stdout.write(json.dumps({"first_mb": memory[0], "further_mb": each}))


if __name__ == "__main__":
    asyncio.run(main())
