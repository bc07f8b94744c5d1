"""The interviewer's voice on its way out: can be held in the middle of a word, and go on."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import numpy as np
from pipecat.audio.filters.base_audio_filter import BaseAudioFilter
from pipecat.frames.frames import FilterControlFrame

#: On going on, up to this much is said again, from where it was quietest. Written in one piece, so
#: it delays the next hold; the voice detector needs longer than that to ask for one.
SAID_AGAIN_S: Final = 0.3
#: What comes out of the pipeline for so long after a drop belongs to the sentence dropped.
STALE_S: Final = 0.3
#: Width of the moments compared for loudness; the transport writes multiples of 10 ms.
MOMENT_S: Final = 0.01


class HeldVoice(BaseAudioFilter):
    """Pipecat's output filter, awaited for each 40 ms just before they are written.

    Set as `TransportParams.audio_out_filter`. While held, the filter keeps the one piece it was
    given and Pipecat's queue keeps the rest; nothing is lost and nothing is written.
    """

    def __init__(self) -> None:
        self._rate_hz = 0
        self._open = asyncio.Event()
        self._open.set()
        self._said = bytearray()
        self._said_at = 0.0
        self._say_again = False
        self._stale_until = 0.0

    @property
    def held(self) -> bool:
        return not self._open.is_set()

    def hold(self) -> None:
        """Silent from the next 40 ms on, until `resume` or `drop`."""
        self._open.clear()

    def resume(self) -> None:
        """Goes on, beginning again a little before where it stopped."""
        if self.held:
            self._say_again = True
            self._open.set()

    def drop(self) -> None:
        """Forgets what was held; the caller interrupts the pipeline, which forgets the rest."""
        self._stale_until = time.monotonic() + STALE_S
        self._said.clear()
        self._open.set()

    def begin(self) -> None:
        """What comes now is new: the interrupted sentence has left the pipeline."""
        self._stale_until = 0.0

    async def start(self, sample_rate: int) -> None:
        self._rate_hz = sample_rate

    async def stop(self) -> None:
        self._open.set()

    async def process_frame(self, frame: FilterControlFrame) -> None:
        """There is nothing to switch by frames."""

    async def filter(self, audio: bytes) -> bytes:
        await self._open.wait()
        if time.monotonic() < self._stale_until:
            return b""
        again = self._from_quietest() if self._say_again else b""
        self._say_again = False
        self._remember(audio)
        return again + audio

    def _remember(self, audio: bytes) -> None:
        now = time.monotonic()
        if now - self._said_at > 1.0:
            self._said.clear()  # another sentence
        self._said_at = now
        self._said += audio
        del self._said[: -int(SAID_AGAIN_S * self._rate_hz) * 2]

    def _from_quietest(self) -> bytes:
        moment = int(MOMENT_S * self._rate_hz)
        samples = np.frombuffer(self._said, dtype="<i2").astype(np.float64)
        count = len(samples) // moment
        if not count:
            return b""
        start = len(samples) - count * moment
        energy = np.square(samples[start:]).reshape(count, moment).sum(axis=1)
        return bytes(self._said[2 * (start + int(energy.argmin()) * moment) :])
