"""What a candidate's microphone hears: a file that Chromium plays instead of a device."""

from __future__ import annotations

import wave
from pathlib import Path

from voice.engines import TTS_RATE_HZ, TextToSpeech

SILENT_WORD = b"\x00\x00"


async def recorded(path: Path, text: str, *, before_s: float = 0.0, after_s: float = 0.0) -> Path:
    """Silence, the words in the bundled voice, silence. Chromium repeats it without `%noloop`."""
    speech = TextToSpeech()
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, TTS_RATE_HZ, 0, "NONE", "NONE"))
        file.writeframes(SILENT_WORD * int(before_s * TTS_RATE_HZ))
        async for sentence in speech.synthesise(text):
            file.writeframes(sentence)
        file.writeframes(SILENT_WORD * int(after_s * TTS_RATE_HZ))
    return path
