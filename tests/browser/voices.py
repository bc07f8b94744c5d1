"""What a candidate's microphone hears: a file that Chromium plays instead of a device."""

from __future__ import annotations

import base64
import wave
from pathlib import Path

from playwright.async_api import Page

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


#: The microphone is what was last opened; `say` plays a WAV into it and returns at its end.
_MOUTH = """(() => {
    let context, air;
    navigator.mediaDevices.getUserMedia = async () => {
        context ??= new AudioContext();
        air = context.createMediaStreamDestination();
        return air.stream;
    };
    window.say = async wav => {
        const bytes = Uint8Array.from(atob(wav), letter => letter.charCodeAt(0));
        const voice = context.createBufferSource();
        voice.buffer = await context.decodeAudioData(bytes.buffer);
        voice.connect(air);
        voice.start();
        await new Promise(resolve => voice.onended = resolve);
    };
})()"""


class Mouth:
    """A candidate who speaks when a test says so: Chromium's file begins as it is opened.

    It takes the place of the microphone on the page's every loading. What is to be said is made
    ahead of time, so that it is said at once.
    """

    def __init__(self, page: Page, sentences: dict[str, str]) -> None:
        self._page = page
        self._sentences = sentences

    @classmethod
    async def of(cls, page: Page, folder: Path, *texts: str) -> Mouth:
        sentences = {}
        for number, text in enumerate(texts):
            path = await recorded(folder / f"{number}.wav", text)
            sentences[text] = base64.b64encode(path.read_bytes()).decode()
        await page.add_init_script(_MOUTH)
        return cls(page, sentences)

    async def say(self, text: str) -> None:
        """Returns when the last word was spoken."""
        await self._page.evaluate("wav => say(wav)", self._sentences[text])
