"""The engines as Pipecat services: frames in, frames out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
import soxr
from pipecat.frames.frames import (
    CancelFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    STTMuteFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.tests.utils import SleepFrame, run_test
from pipecat.workers.runner import WorkerRunner

from bench.voices import RATE_HZ, ShiftedHeart
from tests.voice.sentences import SENTENCES, holds, word_error_rate
from voice.conversation import Speech
from voice.engines import STT_RATE_HZ, TTS_RATE_HZ
from voice.speech import (
    LONGEST_SEGMENT_S,
    EmbeddedSTTService,
    EmbeddedTTSService,
    Heard,
    NothingHeardFrame,
)

FRAME_BYTES = 2 * STT_RATE_HZ // 50
PARAMS = PipelineParams(audio_in_sample_rate=STT_RATE_HZ, audio_out_sample_rate=TTS_RATE_HZ)


def microphone(heart: ShiftedHeart, text: str) -> bytes:
    samples = heart.say(text).astype(np.float32)
    narrow = soxr.resample(samples, RATE_HZ, STT_RATE_HZ)
    return bytes(narrow.clip(-32768, 32767).astype("<i2").tobytes())


def audio_frames(pcm: bytes) -> list[Frame]:
    return [
        InputAudioRawFrame(pcm[place : place + FRAME_BYTES], STT_RATE_HZ, 1)
        for place in range(0, len(pcm), FRAME_BYTES)
    ]


def utterance(pcm: bytes) -> list[Frame]:
    return [
        VADUserStartedSpeakingFrame(start_secs=0.15),
        SleepFrame(0.05),
        *audio_frames(pcm),
        SleepFrame(0.05),
        VADUserStoppedSpeakingFrame(stop_secs=0.2),
    ]


async def heard(service: EmbeddedSTTService, frames: Sequence[Frame]) -> list[Frame]:
    """What the service pushes; it recognises what is queued before it stops."""
    down, _ = await run_test(service, frames_to_send=frames, pipeline_params=PARAMS)
    kinds = (TranscriptionFrame, InterimTranscriptionFrame, NothingHeardFrame)
    return [frame for frame in down if isinstance(frame, kinds)]


async def test_a_segment_becomes_a_final_transcript_with_its_raw_text(
    speech: Speech, heart: ShiftedHeart
) -> None:
    said, terms = SENTENCES[4]
    service = EmbeddedSTTService(
        speech.engines.speech_to_text, repair=speech.repair, terms=lambda: terms
    )
    [frame] = [
        found
        for found in await heard(service, utterance(microphone(heart, said)))
        if isinstance(found, TranscriptionFrame)
    ]
    assert isinstance(frame.result, Heard)
    assert frame.finalized
    assert holds(frame.text, "idempotent")
    assert frame.result.text == frame.text
    assert word_error_rate([(said, frame.result.raw_text)]) < 0.4
    assert not holds(frame.result.raw_text, "idempotent")


async def test_a_text_that_comes_while_the_candidate_speaks_again_is_not_final(
    speech: Speech, heart: ShiftedHeart
) -> None:
    """Pipecat's own segmented service ends the answer here, before its second half is known."""
    service = EmbeddedSTTService(speech.engines.speech_to_text)
    first, second = (microphone(heart, text) for text in ("A queue is a list.", "A stack as well."))
    frames = [
        *utterance(first),
        VADUserStartedSpeakingFrame(start_secs=0.15),
        SleepFrame(1.0),
        *audio_frames(second),
        SleepFrame(0.05),
        VADUserStoppedSpeakingFrame(stop_secs=0.2),
    ]
    found = [
        frame for frame in await heard(service, frames) if isinstance(frame, TranscriptionFrame)
    ]
    assert [frame.finalized for frame in found] == [False, True]


async def test_a_sound_without_words_is_told_as_such(speech: Speech) -> None:
    service = EmbeddedSTTService(speech.engines.speech_to_text)
    [frame] = await heard(service, utterance(bytes(STT_RATE_HZ)))
    assert isinstance(frame, NothingHeardFrame)


class KeepsCancelling(FrameProcessor):
    """The frame that cancels a pipeline gets no further."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, CancelFrame):
            await self.push_frame(frame, direction)


async def test_nothing_of_it_goes_on_after_a_pipeline_that_could_not_be_cancelled(
    speech: Speech,
) -> None:
    service = EmbeddedSTTService(speech.engines.speech_to_text)
    recognition = f"{service.name}::recognition"
    worker = PipelineWorker(
        Pipeline([KeepsCancelling(), service]), params=PARAMS, cancel_timeout_secs=0.1
    )

    async def cancels(worker: PipelineWorker, frame: Frame) -> None:
        assert recognition in {task.get_name() for task in asyncio.all_tasks()}
        await worker.cancel()

    worker.add_event_handler("on_pipeline_started", cancels)
    runner = WorkerRunner(handle_sigint=False, handle_sigterm=False)
    await runner.add_workers(worker)
    await asyncio.wait_for(runner.run(), 20)
    assert recognition not in {task.get_name() for task in asyncio.all_tasks()}


async def test_long_speech_is_recognised_in_parts_before_it_ends(
    speech: Speech, heart: ShiftedHeart
) -> None:
    said = " ".join(text for text, _ in SENTENCES[:5])
    pcm = microphone(heart, said)
    assert len(pcm) / 2 / STT_RATE_HZ > 2 * LONGEST_SEGMENT_S
    service = EmbeddedSTTService(speech.engines.speech_to_text)
    found = [
        frame
        for frame in await heard(service, utterance(pcm))
        if isinstance(frame, TranscriptionFrame)
    ]
    assert len(found) >= 3
    assert [frame.finalized for frame in found] == [False] * (len(found) - 1) + [True]
    assert word_error_rate([(said, " ".join(frame.text for frame in found))]) < 0.2


async def test_captions_come_while_somebody_speaks(speech: Speech, heart: ShiftedHeart) -> None:
    pcm = microphone(heart, SENTENCES[0][0])
    second = 2 * STT_RATE_HZ
    frames = [
        VADUserStartedSpeakingFrame(start_secs=0.15),
        SleepFrame(0.05),
        *audio_frames(pcm[: 2 * second]),
        SleepFrame(1.0),
        *audio_frames(pcm[2 * second :]),
        SleepFrame(0.05),
        VADUserStoppedSpeakingFrame(stop_secs=0.2),
    ]
    found = await heard(EmbeddedSTTService(speech.engines.speech_to_text), frames)
    assert isinstance(found[0], InterimTranscriptionFrame)
    assert found[0].text.startswith("A hash")
    assert isinstance(found[-1], TranscriptionFrame)


async def test_a_muted_microphone_is_not_listened_to(speech: Speech, heart: ShiftedHeart) -> None:
    service = EmbeddedSTTService(speech.engines.speech_to_text)
    frames = [STTMuteFrame(mute=True), *utterance(microphone(heart, "A queue is a list."))]
    assert not any(isinstance(frame, TranscriptionFrame) for frame in await heard(service, frames))


async def test_two_conversations_hear_their_own_words(speech: Speech, heart: ShiftedHeart) -> None:
    texts = ["A deadlock needs two threads.", "Merge sort needs extra memory."]
    both = await asyncio.gather(
        *(
            heard(EmbeddedSTTService(speech.engines.speech_to_text), utterance(pcm))
            for pcm in [microphone(heart, text) for text in texts]
        )
    )
    for said, frames in zip(texts, both, strict=True):
        text = " ".join(frame.text for frame in frames if isinstance(frame, TranscriptionFrame))
        assert word_error_rate([(said, text)]) < 0.5


@pytest.mark.parametrize("sentences", [1, 2])
async def test_text_becomes_speech(speech: Speech, sentences: int) -> None:
    text = " ".join(["What is a hash table?"] * sentences)
    down, _ = await run_test(
        EmbeddedTTSService(speech.engines.text_to_speech),
        frames_to_send=[TTSSpeakFrame(text)],
        pipeline_params=PARAMS,
    )
    audio = b"".join(frame.audio for frame in down if isinstance(frame, TTSAudioRawFrame))
    kinds = [type(frame) for frame in down]
    assert kinds.index(TTSStartedFrame) < kinds.index(TTSAudioRawFrame)
    assert TTSStoppedFrame in kinds
    assert 0.8 < len(audio) / 2 / TTS_RATE_HZ / sentences < 2.5
