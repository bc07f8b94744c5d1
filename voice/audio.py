"""How audio goes in and out of a bot, whatever the line."""

from __future__ import annotations

import io
import wave
from typing import Any, Final

from pipecat.audio.filters.base_audio_filter import BaseAudioFilter
from pipecat.frames.frames import FilterControlFrame

from voice.engines import STT_RATE_HZ, TTS_RATE_HZ

#: Silero looks at 512 samples at a time.
WINDOW_BYTES: Final = 2 * 512


class WholeWindows(BaseAudioFilter):
    """Passes the candidate's audio on by the windows that the voice detector looks at.

    WebRTC gives 50 frames a second and LiveKit 100, and each costs every processor of the pipeline
    a turn of the event loop. Of these there are 31; the detector waits for a whole window anyway.
    """

    def __init__(self) -> None:
        self._audio = bytearray()

    async def start(self, sample_rate: int) -> None:
        self._audio.clear()

    async def stop(self) -> None:
        self._audio.clear()

    async def process_frame(self, frame: FilterControlFrame) -> None:
        """Nothing can be set."""

    async def filter(self, audio: bytes) -> bytes:
        """The whole windows there are; nothing, which Pipecat leaves out, where there is none."""
        self._audio += audio
        whole = len(self._audio) - len(self._audio) % WINDOW_BYTES
        windows = bytes(self._audio[:whole])
        del self._audio[:whole]
        return windows


def waveform(audio: bytes) -> bytes:
    """16 kHz mono 16-bit PCM as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(STT_RATE_HZ)
        written.writeframes(audio)
    return file.getvalue()


def audio_params(voice: BaseAudioFilter | None) -> dict[str, Any]:
    """A transport's. `voice` is what the bot's audio passes on its way out (`TurnTaking.voice`)."""
    return {
        "audio_in_enabled": True,
        "audio_in_sample_rate": STT_RATE_HZ,
        "audio_in_filter": WholeWindows(),
        "audio_out_enabled": True,
        "audio_out_sample_rate": TTS_RATE_HZ,
        "audio_out_filter": voice,
        # The candidate may already be gone, and then this silence would be waited for.
        "audio_out_end_silence_secs": 0,
        "audio_out_write_timeout_secs": 5.0,
    }
