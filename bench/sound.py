"""A microphone and an ear on WebRTC tracks, with the times of what goes through them."""

from __future__ import annotations

import asyncio
import fractions
import time
import wave
from collections.abc import AsyncIterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, AudioResampler

from bench.voices import RATE_HZ, Samples

if TYPE_CHECKING:
    from livekit.rtc import AudioFrameEvent

FRAME: Final = RATE_HZ // 50  # 20 ms
EAR_RATE_HZ: Final = 24_000
#: Amplitude (of 32767) above which the bot is audible, and the silence that ends its speech.
AUDIBLE: Final = 250
ONSET_AFTER_S: Final = 0.6


class Microphone:
    """What the candidate says, by the clock. It goes on while there is no line: words are lost."""

    def __init__(self) -> None:
        self._began_at = time.monotonic()
        self._queue: list[tuple[int, Samples]] = []

    def speak(self, samples: Samples) -> float:
        """Begins at once, or after what is being said; returns the first sample's moment."""
        now = self.place(time.monotonic()) + FRAME
        start = max([now, *(begin + len(said) for begin, said in self._queue)])
        self._queue.append((start, samples))
        return self._began_at + start / RATE_HZ

    def hush(self) -> None:
        """Stops in the middle of a word."""
        self._queue.clear()

    def place(self, moment: float) -> int:
        return int((moment - self._began_at) * RATE_HZ)

    def moment(self, place: int) -> float:
        return self._began_at + place / RATE_HZ

    def heard(self, place: int) -> Samples:
        """The 20 ms from `place` on."""
        frame = np.zeros(FRAME, np.int16)
        for begin, said in self._queue:
            first = max(begin, place)
            last = min(begin + len(said), place + FRAME)
            if first < last:
                frame[first - place : last - place] = said[first - begin : last - begin]
        self._queue = [(begin, said) for begin, said in self._queue if begin + len(said) > place]
        return frame


class MicrophoneTrack(MediaStreamTrack):
    """One connection's view of the microphone, in real time."""

    kind = "audio"

    def __init__(self, microphone: Microphone) -> None:
        super().__init__()
        self._microphone = microphone
        self._place = 0
        self._sent = 0

    async def recv(self) -> AudioFrame:
        if self._sent == 0:
            self._place = self._microphone.place(time.monotonic())
        await asyncio.sleep(max(0.0, self._microphone.moment(self._place) - time.monotonic()))
        frame = AudioFrame.from_ndarray(self._microphone.heard(self._place)[None, :], layout="mono")
        frame.sample_rate = RATE_HZ
        frame.pts = self._sent
        frame.time_base = fractions.Fraction(1, RATE_HZ)
        self._place += FRAME
        self._sent += FRAME
        return frame


class Ear:
    """Hears and records the bot, at 24 kHz, and knows when it could be heard."""

    def __init__(self) -> None:
        self.last_loud_at = 0.0
        self.onsets: list[float] = []
        self.gaps_s: list[float] = []
        self._pieces: list[Samples] = []

    async def follow(self, track: Any) -> None:
        """Until the track ends. A new line's track simply goes on with the record."""
        resampler = AudioResampler("s16", "mono", EAR_RATE_HZ)
        before = time.monotonic()
        try:
            while True:
                frame = await track.recv()
                before = self._arrived(before)
                for piece in resampler.resample(frame):
                    self._hear(piece.to_ndarray().reshape(-1).astype(np.int16), before)
        except MediaStreamError:
            return

    async def follow_room(self, stream: AsyncIterable[AudioFrameEvent]) -> None:
        """The same for a track of a LiveKit room, at `EAR_RATE_HZ`."""
        before = time.monotonic()
        async for event in stream:
            before = self._arrived(before)
            self._hear(np.frombuffer(event.frame.data, np.int16), before)

    def next_onset(self, after: float) -> float | None:
        """When the bot first became audible after this moment."""
        return next((onset for onset in self.onsets if onset > after), None)

    def speaking(self, within_s: float = 0.3) -> bool:
        return time.monotonic() - self.last_loud_at < within_s

    def save(self, path: Path) -> None:
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(EAR_RATE_HZ)
            file.writeframes(b"".join(piece.tobytes() for piece in self._pieces))

    def _arrived(self, before: float) -> float:
        """Notes a gap in what is being said; returns now."""
        now = time.monotonic()
        if now - self.last_loud_at < 0.3:
            self.gaps_s.append(now - before)
        return now

    def _hear(self, piece: Samples, now: float) -> None:
        self._pieces.append(piece)
        if np.abs(piece.astype(np.int32)).max(initial=0) <= AUDIBLE:
            return
        if now - self.last_loud_at > ONSET_AFTER_S:
            self.onsets.append(now)
        self.last_loud_at = now
