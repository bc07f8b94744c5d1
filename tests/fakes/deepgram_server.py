"""Deepgram's wire protocol on loopback: it hears and speaks, late as stated, and fails as told.

`listening` and `speaking` say how it behaves from now on: "well", a status that every request is
refused with, or the name of a fault.
"""

from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator
from typing import Any, Final, Literal, Protocol
from uuid import uuid4

import numpy as np
from aiohttp import WSCloseCode, WSMsgType, web

from voice.engines import STT_RATE_HZ, TTS_RATE_HZ, quietest_moment
from voice.speech import TAIL

KEY: Final = "a-key-of-the-tests"
MODELS: Final = ("nova-3", "nova-2")
VOICES: Final = ("aura-helios-en", "aura-asteria-en")
FINAL_AFTER_S: Final = 0.15
SOUND_AFTER_S: Final = 0.12
BYTES_PER_S: Final = 2 * STT_RATE_HZ
LOUD: Final = 600
INTERIM_EVERY_S: Final = 1.0
#: Longer speech gets final words for its front.
LONGEST_S: Final = 5.0

#: hangs: no handshake. closes: 1011 in mid-answer. drops: the connection breaks there. deaf: reads
#: and tells nothing. silent: tells that there are no words. unread: reads nothing. garbage: no
#: message. slow: 2.5 s late. Deaf and unread count for connections that are open, too.
Listening = int | Literal[
    "well", "hangs", "closes", "closes once", "drops once", "deaf", "silent", "unread", "garbage",
    "slow",
]  # fmt: skip
#: hangs: no answer. mute: no sound. cut: breaks off half-way. drip: slower than it is played.
#: garbage: a page instead of sound.
Speaking = int | Literal["well", "hangs", "mute", "cut", "cut once", "drip", "garbage"]


class Recogniser(Protocol):
    async def transcribe(self, pcm16_16k: bytes) -> str: ...


class Speaker(Protocol):
    def synthesise(self, text: str) -> AsyncIterator[bytes]: ...


class Engines(Protocol):
    """What it hears and speaks with: the embedded engines, or others that work faster."""

    @property
    def speech_to_text(self) -> Recogniser: ...

    @property
    def text_to_speech(self) -> Speaker: ...


class FakeDeepgram:
    """Use as a context manager. What it was asked and what it told is kept, in order.

    Final words come `final_after_s` after they were asked for, a sentence's first sound
    `sound_after_s` after the sentence was made.
    """

    def __init__(
        self,
        engines: Engines,
        *,
        final_after_s: float = FINAL_AFTER_S,
        sound_after_s: float = SOUND_AFTER_S,
    ) -> None:
        self.engines = engines
        self.final_after_s, self.sound_after_s = final_after_s, sound_after_s
        self._reads = asyncio.Event()
        self.listening = "well"
        self.speaking: Speaking = "well"
        self.retry_after: str | None = None
        self.connections: list[dict[str, Any]] = []
        self.recordings: list[dict[str, Any]] = []
        self.controls: list[str] = []
        self.told: list[str] = []
        self.spoken: list[str] = []
        self.voices: list[str] = []
        self.sockets = 0  # that are open
        self.closed = asyncio.Event()
        app = web.Application()
        app.add_routes([web.get("/v1/listen", self._listen), web.post("/v1/speak", self._speak)])
        app.add_routes([web.post("/v1/listen", self._recognise)])
        self._runner = web.AppRunner(app, shutdown_timeout=0.5)

    async def __aenter__(self) -> FakeDeepgram:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closed.set()
        self._reads.set()
        await self._runner.cleanup()

    def refusal(
        self, request: web.Request, behaviour: int | str, known: tuple[str, ...]
    ) -> web.Response | None:
        status, problem = 0, ""
        if request.headers.get("Authorization", "").lower() != f"token {KEY}":
            status, problem = 401, "INVALID_AUTH"
        elif isinstance(behaviour, int):
            status, problem = behaviour, "REFUSED"
        elif request.query.get("model") not in known:
            status, problem = 400, "Bad Request"
        if not status:
            return None
        headers = {"dg-error": problem}
        if self.retry_after:
            headers["Retry-After"] = self.retry_after
        body = {"err_code": problem, "err_msg": problem, "request_id": str(uuid4())}
        return web.json_response(body, status=status, headers=headers)

    # -- /v1/listen

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        self.connections.append({**request.query, "keyterm": request.query.getall("keyterm", [])})
        if refused := self.refusal(request, self.listening, MODELS):
            return refused
        if self.listening == "hangs":
            await self.closed.wait()
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets += 1
        try:
            await _Stream(self, socket, request.transport).run()
        finally:
            self.sockets -= 1
        return socket

    @property
    def listening(self) -> Listening:
        return self._listening

    @listening.setter
    def listening(self, behaviour: Listening) -> None:
        self._listening = behaviour
        if behaviour == "unread":
            self._reads.clear()
        else:
            self._reads.set()

    async def reading(self) -> None:
        """Returns when it reads what it is sent."""
        await self._reads.wait()

    async def _recognise(self, request: web.Request) -> web.StreamResponse:
        """A whole file."""
        self.recordings.append({**request.query, "keyterm": request.query.getall("keyterm", [])})
        if refused := self.refusal(request, self.listening, MODELS):
            return refused
        if self.listening == "hangs":
            await self.closed.wait()
        if self.listening == "garbage":
            return web.Response(text="<html>", content_type="text/html")
        with wave.open(io.BytesIO(await request.read())) as file:
            assert (file.getframerate(), file.getnchannels()) == (STT_RATE_HZ, 1)
            audio = file.readframes(file.getnframes())
        words = await self.engines.speech_to_text.transcribe(audio + TAIL)
        self.told.append(words)
        heard = {"transcript": words, "confidence": 0.99, "words": []}
        return web.json_response(
            {"metadata": {}, "results": {"channels": [{"alternatives": [heard]}]}}
        )

    # -- /v1/speak

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        if refused := self.refusal(request, self.speaking, VOICES):
            return refused
        text = str((await request.json())["text"])
        if self.speaking == "hangs":
            await self.closed.wait()
        if self.speaking == "garbage":
            return web.Response(text="<html>", content_type="text/html")
        answer = web.StreamResponse(headers={"Content-Type": f"audio/l16;rate={TTS_RATE_HZ}"})
        await answer.prepare(request)
        if self.speaking != "mute":
            parts = [part async for part in self.engines.text_to_speech.synthesise(text)]
            await asyncio.sleep(self.sound_after_s)
            await self._send(answer, request, b"".join(parts))
            self.spoken.append(text)
            self.voices.append(request.query["model"])
        await answer.write_eof()
        return answer

    async def _send(self, answer: web.StreamResponse, request: web.Request, sound: bytes) -> None:
        tenth = 2 * TTS_RATE_HZ // 10
        for place in range(0, len(sound), tenth):
            cut = self.speaking in ("cut", "cut once") and place >= len(sound) // 2
            if cut and request.transport:
                if self.speaking == "cut once":
                    self.speaking = "well"
                request.transport.abort()
                raise ConnectionResetError
            if self.speaking == "drip":
                await asyncio.sleep(0.5)
            await answer.write(sound[place : place + tenth])


class _Stream:
    """What one connection hears."""

    def __init__(
        self,
        server: FakeDeepgram,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
    ) -> None:
        self._server = server
        self._socket = socket
        self._transport = transport
        self._received = 0
        self._audio = bytearray()  # since the last final words
        self._interim_at = 0
        self._interim: asyncio.Task[None] | None = None

    async def run(self) -> None:
        await self._server.reading()
        async for message in self._socket:
            if message.type is WSMsgType.BINARY:
                await self._hear(message.data)
            elif message.type is WSMsgType.TEXT:
                kind = json.loads(message.data)["type"]
                self._server.controls.append(kind)
                if kind == "Finalize":
                    await self._finalize()
                elif kind == "CloseStream":
                    break
            await self._server.reading()
        if self._interim:
            self._interim.cancel()
        await self._socket.close()

    async def _hear(self, audio: bytes) -> None:
        self._received += len(audio)
        self._audio += audio
        behaviour = self._server.listening
        if behaviour in ("closes", "closes once", "drops once") and self._seconds_of_speech():
            if behaviour != "closes":
                self._server.listening = "well"
            if behaviour == "drops once" and self._transport:
                self._transport.abort()
            else:
                await self._socket.close(code=WSCloseCode.INTERNAL_ERROR, message=b"NET-0001")
        elif behaviour == "garbage" and self._loud():
            await self._socket.send_str("<html>")
        elif behaviour not in ("deaf", "silent"):
            await self._think()

    async def _think(self) -> None:
        if len(self._audio) > LONGEST_S * BYTES_PER_S:
            await self._front()
        elif (
            self._received - self._interim_at > INTERIM_EVERY_S * BYTES_PER_S
            and self._loud()
            and (self._interim is None or self._interim.done())
        ):
            self._interim_at = self._received
            self._interim = asyncio.create_task(self._guess(bytes(self._audio), self._start_s()))

    async def _front(self) -> None:
        """Final words of the front, up to where it is quietest."""
        samples = np.frombuffer(self._audio, "<i2").astype(np.float32)
        cut = 2 * quietest_moment(samples, within_s=3)
        front, start_s = bytes(self._audio[:cut]), self._start_s()
        del self._audio[:cut]
        await self._tell(await self._words(front), start_s, len(front), final=True)

    async def _guess(self, audio: bytes, start_s: float) -> None:
        words = await self._words(audio)
        if start_s == self._start_s():
            await self._tell(words, start_s, len(audio), final=False)

    async def _finalize(self) -> None:
        behaviour = self._server.listening
        if behaviour == "deaf":
            return
        audio, start_s = bytes(self._audio), self._start_s()
        self._audio.clear()
        late_s = 2.5 if behaviour == "slow" else self._server.final_after_s
        words, _ = await asyncio.gather(self._words(audio), asyncio.sleep(late_s))
        if behaviour == "silent":
            words = ""
        await self._tell(words, start_s, len(audio), final=True, asked=True)

    async def _words(self, audio: bytes) -> str:
        if not _loud(audio):
            return ""
        return await self._server.engines.speech_to_text.transcribe(audio + TAIL)

    async def _tell(
        self, words: str, start_s: float, size: int, *, final: bool, asked: bool = False
    ) -> None:
        if final and words:
            self._server.told.append(words)
        heard = {"transcript": words, "confidence": 0.99 if words else 0.0, "words": []}
        model = {"name": "nova-3", "version": "1", "arch": "nova-3"}
        message = {
            "type": "Results", "channel_index": [0, 1], "start": start_s,
            "duration": size / BYTES_PER_S, "is_final": final, "speech_final": asked,
            "from_finalize": asked, "channel": {"alternatives": [heard]},
            "metadata": {"request_id": "r", "model_info": model, "model_uuid": "m"},
        }  # fmt: skip
        if not self._socket.closed:
            await self._socket.send_str(json.dumps(message))

    def _start_s(self) -> float:
        return (self._received - len(self._audio)) / BYTES_PER_S

    def _seconds_of_speech(self) -> bool:
        return len(self._audio) > BYTES_PER_S and self._loud()

    def _loud(self) -> bool:
        return _loud(bytes(self._audio))


def _loud(audio: bytes) -> bool:
    samples = np.frombuffer(audio, "<i2").astype(np.int32)
    return bool((np.abs(samples) > LOUD).sum() > STT_RATE_HZ // 20)
