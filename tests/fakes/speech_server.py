"""OpenAI's audio protocol on loopback: it hears and speaks, late as stated, and fails as told.

`hearing` and `speaking` say how it behaves from now on: "well", a status that every request is
refused with, or the name of a fault.
"""

from __future__ import annotations

import asyncio
import json
import wave
from typing import Final, Literal

from aiohttp import web

from tests.fakes.openai_server import failure
from voice.engines import STT_RATE_HZ, TTS_RATE_HZ, Engines
from voice.speech import TAIL

KEY: Final = "sk-of-the-tests-0123456789"
HEARS_WITH: Final = "whisper-1"
SPEAKS_WITH: Final = "kokoro"
VOICE: Final = "af_heart"
WORDS_AFTER_S: Final = 0.15
SOUND_AFTER_S: Final = 0.12

#: hangs: no answer. cut: breaks off half-way. drip: an answer that takes minutes. garbage: a page.
#: nonsense: JSON without words. silent: no words. remark: how whisper.cpp says that. echo: the
#: prompt as words. rambles: ten thousand words.
HearingWay = int | Literal[
    "well", "hangs", "cut", "drip", "garbage", "nonsense", "silent", "remark", "echo", "rambles"
]  # fmt: skip
#: hangs: no answer. mute: no sound. cut: breaks off half-way. drip: slower than it is played.
#: garbage: a page. wav, mp3: another format than was asked for, the first by its look alone.
SpeakingWay = int | Literal["well", "hangs", "mute", "cut", "drip", "garbage", "wav", "mp3"]


class SpeechServer:
    """Use as a context manager. What it was asked and what it told is kept, in order.

    `code` goes with a refusal; `key` None asks for none.
    """

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self.hearing: HearingWay = "well"
        self.speaking: SpeakingWay = "well"
        self.code: str | None = None
        self.retry_after: str | None = None
        self.key: str | None = KEY
        self.asked: list[dict[str, str]] = []
        self.told: list[str] = []
        self.spoken: list[str] = []
        self._closed = asyncio.Event()
        app = web.Application()
        app.router.add_post("/v1/audio/transcriptions", self._transcribe)
        app.router.add_post("/v1/audio/speech", self._speak)
        self._runner = web.AppRunner(app, shutdown_timeout=0.5)

    async def __aenter__(self) -> SpeechServer:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closed.set()
        await self._runner.cleanup()

    def _refusal(
        self, request: web.Request, way: int | str, known: bool, param: str
    ) -> web.Response | None:
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return failure(401, "invalid_api_key")
        if isinstance(way, int):
            headers = {"Retry-After": self.retry_after} if self.retry_after else {}
            return failure(way, self.code, headers=headers)
        return None if known else failure(404 if param == "model" else 400, None, param)

    # -- /v1/audio/transcriptions

    async def _transcribe(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        fields = {name: str(value) for name, value in form.items() if isinstance(value, str)}
        self.asked.append(fields)
        known = fields["model"] == HEARS_WITH
        if refused := self._refusal(request, self.hearing, known, "model"):
            return refused
        upload = form["file"]
        assert isinstance(upload, web.FileField)
        with wave.open(upload.file, "rb") as file:
            assert (file.getframerate(), file.getnchannels()) == (STT_RATE_HZ, 1)
            audio = file.readframes(file.getnframes())
        words, _ = await asyncio.gather(self._words(audio, fields), asyncio.sleep(WORDS_AFTER_S))
        return await self._answer(request, words)

    async def _words(self, audio: bytes, fields: dict[str, str]) -> str:
        match self.hearing:
            case "well" | "cut" | "drip":
                return await self._engines.speech_to_text.transcribe(audio + TAIL)
            case "hangs":
                await self._closed.wait()
            case "remark":
                return "[BLANK_AUDIO]"
            case "echo":
                return fields.get("prompt", "").capitalize() + "."
            case "rambles":
                return "and so on " * 3000
        return ""

    async def _answer(self, request: web.Request, words: str) -> web.StreamResponse:
        if self.hearing == "garbage":
            return web.Response(text="<html>", content_type="text/html")
        body = json.dumps({"words" if self.hearing == "nonsense" else "text": words}).encode()
        if self.hearing in ("cut", "drip"):
            answer = web.StreamResponse(headers={"Content-Type": "application/json"})
            answer.content_length = len(body)
            await answer.prepare(request)
            if self.hearing == "drip":
                for place in range(len(body)):
                    await asyncio.sleep(0.2)
                    await answer.write(body[place : place + 1])
                return answer
            await answer.write(body[: len(body) // 2])
            await asyncio.sleep(0.05)  # it arrives before the line is broken
            assert request.transport
            request.transport.abort()
            raise ConnectionResetError
        if self.hearing == "well":
            self.told.append(words)
        return web.Response(body=body, content_type="application/json")

    # -- /v1/audio/speech

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        way, known = self.speaking, asked["model"] == SPEAKS_WITH
        if refused := self._refusal(request, way, known, "model"):
            return refused
        if refused := self._refusal(request, way, asked["voice"] == VOICE, "voice"):
            return refused
        assert asked["response_format"] == "pcm"
        if way == "hangs":
            await self._closed.wait()
        if way == "garbage":
            return web.Response(text="<html>", content_type="text/html")
        kind = "audio/mpeg" if way == "mp3" else "audio/pcm"
        answer = web.StreamResponse(headers={"Content-Type": kind})
        await answer.prepare(request)
        if way != "mute":
            await self._sound(answer, request, str(asked["input"]))
        await answer.write_eof()
        return answer

    async def _sound(self, answer: web.StreamResponse, request: web.Request, text: str) -> None:
        parts = [part async for part in self._engines.text_to_speech.synthesise(text)]
        sound = (b"RIFF" if self.speaking == "wav" else b"") + b"".join(parts)
        await asyncio.sleep(SOUND_AFTER_S)
        tenth = 2 * TTS_RATE_HZ // 10 + 1  # in the middle of a sample, as TCP does
        for place in range(0, len(sound), tenth):
            if self.speaking == "cut" and place >= len(sound) // 2 and request.transport:
                request.transport.abort()
                raise ConnectionResetError
            if self.speaking == "drip":
                await asyncio.sleep(0.5)
            await answer.write(sound[place : place + tenth])
        self.spoken.append(text)
