"""Three ways to decide when a thinker has finished, put to what was heard.

The rules are not copied: the strategies of the product and of Pipecat run as they are, in Pipecat's
turn controller, on an event loop that runs ahead of time. What a model says costs the time it takes
on a quiet core.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from heapq import merge
from pathlib import Path
from typing import Any, Final

import numpy as np
from pipecat.audio.turn.base_turn_analyzer import EndOfTurnState
from pipecat.audio.turn.smart_turn.base_smart_turn import BaseSmartTurn, SmartTurnParams
from pipecat.audio.vad.vad_analyzer import VADState
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    STTMetadataFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameProcessorSetup
from pipecat.turns.user_start import BaseUserTurnStartStrategy, VADUserTurnStartStrategy
from pipecat.turns.user_stop import (
    BaseUserTurnStopStrategy,
    SpeechTimeoutUserTurnStopStrategy,
    TurnAnalyzerUserTurnStopStrategy,
)
from pipecat.turns.user_turn_controller import UserTurnController
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.utils.asyncio.task_manager import TaskManager

from bench.turns.hearing import FRAME_BYTES, FRAME_S, Heard
from bench.turns.lines import Sound
from voice.holding import HeldVoice
from voice.interruptions import Interruptions
from voice.models import RATE_HZ, TURN_WINDOW_S, VOICE
from voice.pauses import Kind, Pace, Patience
from voice.speech import SLOWEST_TRANSCRIPT_S, NothingHeardFrame
from voice.turns import WATCHDOG_S, PatientTurnStop, PoliteTurnStart

#: CPU seconds of one Smart Turn inference on a quiet core.
SCORE_S: Final = 0.097
#: Pipecat's own limit for a turn without activity.
PIPECAT_WATCHDOG_S: Final = 5.0


class Detector(StrEnum):
    SILENCE = "silence only"
    STOCK = "stock Smart Turn"
    OURS = "our policy"
    UNPACED = "our policy, heedless of pace"


class Scores:
    """Smart Turn's opinions by what it was asked about, kept on disk."""

    def __init__(self, score: Callable[[bytes], float], path: Path) -> None:
        self._score = score
        self._path = path
        self._known: dict[str, float] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                name, value = line.split()
                self._known[name] = float(value)

    def of(self, pcm: bytes) -> float:
        asked = pcm[-2 * TURN_WINDOW_S * RATE_HZ :]
        name = hashlib.sha256(asked).hexdigest()[:32]
        if name not in self._known:
            self._known[name] = self._score(asked)
            with self._path.open("a") as kept:
                kept.write(f"{name} {self._known[name]:.6f}\n")
        return self._known[name]

    async def finished(self, pcm: bytes) -> float:
        await asyncio.sleep(SCORE_S)
        return self.of(pcm)


class _StockTurn(BaseSmartTurn):
    """Pipecat's analyzer, with the loop's clock and the shared scores."""

    def __init__(self, scores: Scores, stop_s: float) -> None:
        super().__init__(sample_rate=RATE_HZ, params=SmartTurnParams(stop_secs=stop_s))
        self._scores = scores
        self._sample_rate = RATE_HZ

    def append_audio(self, buffer: bytes, is_speech: bool) -> EndOfTurnState:
        silent = self._speech_start_time == 0
        state = super().append_audio(buffer, is_speech)
        now = asyncio.get_running_loop().time()
        if self._audio_buffer:
            self._audio_buffer[-1] = (now, self._audio_buffer[-1][1])
        if silent and self._speech_start_time:
            self._speech_start_time = now  # type: ignore[assignment]  # begins as a whole 0
        return state

    async def analyze_end_of_turn(self) -> tuple[EndOfTurnState, Any]:
        await asyncio.sleep(SCORE_S)
        state, told = self._process_speech_segment(self._audio_buffer)
        if state is EndOfTurnState.COMPLETE:
            self._clear(state)
        return state, told

    def _predict_endpoint(self, audio_array: np.ndarray) -> dict[str, Any]:
        pcm = np.rint(audio_array * 32768).astype("<i2").tobytes()
        probability = self._scores.of(pcm)
        return {"prediction": int(probability > 0.5), "probability": probability}


class Table:
    """Puts answers to one detector with one wait."""

    def __init__(self, detector: Detector, scores: Scores, patience: Patience) -> None:
        self._detector = detector
        self._scores = scores
        heedless = detector is Detector.UNPACED
        self._patience = replace(patience, quickest=1.0, slowest=1.0) if heedless else patience

    async def ends(
        self, sound: Sound, heard: Heard, pace: Pace, kind: Kind = Kind.EXPLAIN
    ) -> list[float]:
        """When turns ended, in seconds from the beginning, up to the first end after the answer's.

        A turn that ended too soon is taken back by the next words, as in the product, and goes on.
        """
        state = VADState.QUIET
        start, stop = self._strategies(pace, kind, lambda: state is VADState.STARTING)
        controller = await self._controller(start, stop)
        ended: list[float] = []
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def stopped(*_: Any) -> None:
            ended.append(loop.time() - began)

        controller.add_event_handler("on_user_turn_stopped", stopped)
        for moment_s, frame, state in _frames(sound, heard):  # noqa: B007 - `stirring` looks at it
            await asyncio.sleep(max(0.0, began + moment_s - loop.time()))
            if ended and ended[-1] >= sound.ends_s:
                break
            await controller.process_frame(frame())
        await controller.cleanup()  # type: ignore[no-untyped-call]  # Pipecat's
        return ended

    async def _controller(
        self, start: BaseUserTurnStartStrategy, stop: BaseUserTurnStopStrategy
    ) -> UserTurnController:
        """No pipeline stands behind it: strategies use task manager and sample rate alone."""
        ours = self._detector in (Detector.OURS, Detector.UNPACED)
        controller = UserTurnController(
            user_turn_strategies=UserTurnStrategies(start=[start], stop=[stop]),
            user_turn_stop_timeout=WATCHDOG_S if ours else PIPECAT_WATCHDOG_S,
        )
        unused: Any = None
        await controller.setup(
            FrameProcessorSetup(clock=unused, task_manager=TaskManager(), pipeline_worker=unused)
        )
        await controller.start()  # type: ignore[no-untyped-call]  # Pipecat's
        await controller.process_frame(
            STTMetadataFrame(service_name="embedded", ttfs_p99_latency=SLOWEST_TRANSCRIPT_S)
        )
        return controller

    def _strategies(
        self, pace: Pace, kind: Kind, stirring: Callable[[], bool]
    ) -> tuple[BaseUserTurnStartStrategy, BaseUserTurnStopStrategy]:
        wait_s = self._patience.wait_s
        if self._detector is Detector.SILENCE:
            beyond_s = max(0.0, wait_s - VOICE.stop_secs)
            return VADUserTurnStartStrategy(), SpeechTimeoutUserTurnStopStrategy(
                user_speech_timeout=beyond_s
            )
        if self._detector is Detector.STOCK:
            analyzer = _StockTurn(self._scores, max(0.0, wait_s - VOICE.stop_secs))
            return VADUserTurnStartStrategy(), TurnAnalyzerUserTurnStopStrategy(
                turn_analyzer=analyzer
            )
        start = PoliteTurnStart(HeldVoice(), Interruptions(), pace)
        stop = PatientTurnStop(
            self._scores.finished, patience=self._patience, pace=pace, stirring=stirring
        )
        stop.kind = kind
        return start, stop


Moment = tuple[float, Callable[[], Frame], VADState]


def _frames(sound: Sound, heard: Heard) -> Iterator[Moment]:
    """Everything that reaches the turn taking, by its moment, made when it is due: Pipecat stamps
    voice frames as they are made.
    """
    return merge(_sounds(sound, heard), _words(heard), key=lambda moment: moment[0])


def _sounds(sound: Sound, heard: Heard) -> Iterator[Moment]:
    """The sound comes half a frame after what was made of it: a rung of the pause then falls
    between two frames, and the voice is scored on the same sound in every run.
    """
    voice = False
    for at, value in enumerate(heard.states):
        state, moment_s = VADState(value), (at + 1) * FRAME_S
        if state is VADState.SPEAKING and not voice:
            voice = True
            yield moment_s, _voice_started, state
        elif state is VADState.QUIET and voice:
            voice = False
            yield moment_s, _voice_stopped, state
        pcm = sound.pcm[at * FRAME_BYTES : (at + 1) * FRAME_BYTES]
        audible_s = moment_s + FRAME_S / 2
        yield audible_s, lambda pcm=pcm: InputAudioRawFrame(pcm, RATE_HZ, 1), state  # type: ignore[misc]


def _words(heard: Heard) -> Iterator[Moment]:
    for words in heard.words:
        state = VADState(heard.states[min(int(words.at_s / FRAME_S), len(heard.states)) - 1])
        yield words.at_s, lambda words=words: _transcript(words.text, words.last), state  # type: ignore[misc]


def _voice_started() -> Frame:
    return VADUserStartedSpeakingFrame(start_secs=VOICE.start_secs)


def _voice_stopped() -> Frame:
    return VADUserStoppedSpeakingFrame(stop_secs=VOICE.stop_secs)


def _transcript(text: str, last: bool) -> Frame:
    if not text:
        return NothingHeardFrame()
    return TranscriptionFrame(text, "", "", finalized=last)
