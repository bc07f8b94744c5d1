"""Silero (is somebody speaking?) and Smart Turn (has the speaker finished?), shared by a process.

Pipecat's analyzers each load their own copy: 39 MB and 0.2 s of CPU on the event loop for every
conversation. An ONNX session may be used by several threads at once, so one is loaded and only
what belongs to one stream of audio is made anew. Both models ship inside Pipecat.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import onnxruntime
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3
from pipecat.audio.vad.silero import SileroOnnxModel, SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADAnalyzer, VADParams, VADState

from voice.memory import lean_session, tidy_heap

RATE_HZ: Final = 16_000
#: What Smart Turn looks at: the last 8 s of a turn.
TURN_WINDOW_S: Final = 8
#: Pipecat's defaults (0.2 s, volume 0.6) notice a voice 0.28 s after its first sound and a soft one
#: after 0.4 s or not at all; these take 0.18 to 0.24 s for both. They are trusted more often, which
#: costs little: a sound that is no speech only holds the interviewer for a moment.
VOICE: Final = VADParams(start_secs=0.15, min_volume=0.4)


class SpeechModels:
    """The two sessions and the thread that asks Smart Turn. Loading blocks (0.2 s of CPU)."""

    def __init__(self) -> None:
        self._silero: onnxruntime.InferenceSession = SileroVADAnalyzer()._model.session
        self._smart_turn = LocalSmartTurnAnalyzerV3()
        self._smart_turn._session = lean_session(self._smart_turn._session._model_path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="smart-turn")

    def voice_detector(self, params: VADParams | None = None) -> VoiceDetector:
        """A new conversation's voice detector; `VOICE` unless told otherwise."""
        return VoiceDetector(self._silero, params or VOICE)

    async def finished(self, pcm16_16k: bytes) -> float:
        """Probability (0 to 1) that the speaker has finished, heard from the last 8 s of the turn.

        97 ms of CPU, off the event loop.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self.score, pcm16_16k)

    async def warm(self) -> None:
        await self.finished(bytes(2 * RATE_HZ))

    def close(self) -> None:
        self._thread.shutdown(wait=True)

    def score(self, pcm16_16k: bytes) -> float:
        """What `finished` gives, in the caller's own thread."""
        tail = pcm16_16k[-2 * TURN_WINDOW_S * RATE_HZ :]
        samples = np.frombuffer(tail, dtype="<i2").astype(np.float32) / 32768.0
        probability = float(self._smart_turn._predict_endpoint(samples)["probability"])
        tidy_heap()
        return probability


class VoiceDetector(SileroVADAnalyzer):
    """Silero's analyzer with a session that is already loaded.

    `SileroVADAnalyzer.__init__` would load another one, so its own fields are set here instead.
    """

    def __init__(self, session: onnxruntime.InferenceSession, params: VADParams) -> None:
        VADAnalyzer.__init__(self, params=params)
        self._vad_state = VADState.QUIET
        self._model = _Stream(session)
        self._windows_since_reset = 0
        self._low_confidence_windows = 0

    @property
    def stirring(self) -> bool:
        """There may be a voice; it has not lasted long enough to be sure."""
        return bool(self._vad_state is VADState.STARTING)


class _Stream(SileroOnnxModel):
    """The recurrent state of one stream over the shared session."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self.session = session
        self.sample_rates = [8000, 16000]
        self.reset_states()  # type: ignore[no-untyped-call]  # Pipecat's has no annotations
