"""Life signs that come from moving frames, never from a timer.

A bot whose pipeline is stuck must stop beating, so that Temporal gives the conversation to another
worker. `Progress` therefore stands at the pipeline's end and beats for what arrives there:
Pipecat's heartbeats and the candidate's audio, both of which have passed every processor.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from pipecat.frames.frames import Frame, HeartbeatFrame, InputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

#: Beats closer together than this are dropped: Temporal throttles them anyway.
SHORTEST_BEAT_S: Final = 0.5


class Progress(FrameProcessor):
    """The pipeline's last processor. `beat` is called on the event loop and must return at once."""

    def __init__(self, beat: Callable[[], None]) -> None:
        super().__init__()
        self._beat = beat
        self._beaten = 0.0
        self.last_at = time.monotonic()
        self.last_audio_at = 0.0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            self.last_audio_at = self._progress()
        elif isinstance(frame, HeartbeatFrame):
            self._progress()
        await self.push_frame(frame, direction)

    def quiet_for_s(self) -> float:
        """How long nothing has come through the pipeline."""
        return time.monotonic() - self.last_at

    def silent_line_s(self) -> float:
        """How long no audio packet of the candidate has come through."""
        return time.monotonic() - self.last_audio_at

    def _progress(self) -> float:
        now = self.last_at = time.monotonic()
        if now - self._beaten >= SHORTEST_BEAT_S:
            self._beaten = now
            self._beat()
        return now
