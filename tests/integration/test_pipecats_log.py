"""Pipecat quotes in its log what is spoken. Our log says only where in its code something happened.

In processes of their own: Pipecat's log is one for a whole process.
"""

from __future__ import annotations

import asyncio
import sys

WORDS = "Please ask the pelican about the platypus."
#: The product's speech service in Pipecat's own pipeline. It speaks, then is no longer usable.
PROGRAM = """
import asyncio
import sys

from pipecat.frames.frames import TTSSpeakFrame
from pipecat.pipeline.worker import PipelineParams
from pipecat.tests.utils import run_test

import connections
from voice.breaker import Breaker
from voice.engines import STT_RATE_HZ, TTS_RATE_HZ, TextToSpeech
from voice.speech import EmbeddedTTSService

connections.configure_log("DEBUG")
if "quiet" in sys.argv:
    connections.quieten_pipecat()


async def speak(engine, *, usable):
    service = EmbeddedTTSService(engine)

    async def before(processor, frame):
        if isinstance(frame, TTSSpeakFrame):
            await processor.set_usable(usable)

    service.add_event_handler("on_before_process_frame", before)
    rates = PipelineParams(audio_in_sample_rate=STT_RATE_HZ, audio_out_sample_rate=TTS_RATE_HZ)
    await run_test(service, frames_to_send=[TTSSpeakFrame(sys.argv[1])], pipeline_params=rates)


async def main():
    Breaker("deepgram").failed("Unauthorized", lasting=True)
    engine = TextToSpeech()
    await speak(engine, usable=True)
    await speak(engine, usable=False)


asyncio.run(main())
"""


async def logged(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, WORDS, *arguments), stderr=asyncio.subprocess.PIPE
    )
    _, log = await process.communicate()
    assert process.returncode == 0, log.decode()
    return log.decode()


async def test_pipecat_by_itself_quotes_what_is_spoken() -> None:
    log = await logged()
    assert f"Generating TTS [{WORDS}]" in log
    assert f"not speaking [{WORDS}]" in log


async def test_in_our_log_its_warnings_are_places_without_words() -> None:
    log = await logged("quiet")
    assert "pelican" not in log
    assert "platypus" not in log
    assert "WARNING pipecat.services.tts_service: line " in log
    assert " in _synthesize_text" in log


async def test_in_our_log_what_our_own_rooms_say_keeps_its_words() -> None:
    log = await logged("quiet")
    assert "WARNING codevoice.voice: deepgram is left alone for 600.0 s: Unauthorized" in log
