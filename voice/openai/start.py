"""A look at whether the server can be used, when a process starts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, NamedTuple

import openai

from contracts.errors import SettingError, Unavailable
from voice.audio import waveform
from voice.breaker import Lost
from voice.openai.hearing import said
from voice.openai.server import Server, unpaid
from voice.openai.voice import NotRaw, speaks
from voice.speech import BYTES_PER_S

#: A server that is starting beside us answers within this.
CHECKED_WITHIN_S: Final = 10.0
_ASK_AGAIN_S: Final = 0.5
#: How FastAPI, on which most of these servers stand, answers for a path that it does not have.
_NO_SUCH_PLACE: Final = {"detail": "Not Found"}


class _Use(NamedTuple):
    """What the server is asked for, and the settings that are wrong when it refuses."""

    setting: str
    model: str
    details: str
    probe: Callable[[openai.AsyncOpenAI], Awaitable[None]]


async def check(server: Server) -> None:
    """Says one word and hears a second of silence, as far as it is to speak and to hear; within
    10 s. Raises SettingError for what will not pass by itself, and Unavailable for a server that is
    in trouble, or takes longer: one that has just started loads its models first.
    """
    async with server.client() as client:
        deadline = asyncio.get_running_loop().time() + CHECKED_WITHIN_S
        for use in _uses(server):
            await _reached(server, use, client, deadline)


def _uses(server: Server) -> list[_Use]:
    found = []
    if server.hears_with:
        model, details = server.hears_with, server.hears_with
        found.append(_Use("SPEECH_STT_MODEL", model, details, partial(_hear, model)))
    if server.speaks_with and server.voice:
        model, details = server.speaks_with, f"{server.speaks_with} with voice {server.voice}"
        probe = partial(_speak, model, server.voice)
        found.append(_Use("SPEECH_TTS_MODEL", model, details, probe))
    return found


async def _reached(server: Server, use: _Use, client: openai.AsyncOpenAI, deadline: float) -> None:
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                return await use.probe(client)
        except TimeoutError:
            raise Unavailable(f"{server.host} does not answer in time") from None
        except openai.APIStatusError as refusal:
            raise _refused(server, use, refusal) from None
        except openai.APIConnectionError:
            if asyncio.get_running_loop().time() + _ASK_AGAIN_S > deadline:
                raise _no_speech(server, f"{server.host} cannot be reached") from None
        except NotRaw as failure:
            remedy = "Take a model that makes PCM: 24 kHz, mono, 16 bit"
            raise SettingError(use.setting, f"{server.host} {failure}", remedy) from None
        except Lost as failure:
            raise _no_speech(server, f"what answers at {server.host} {failure}") from None
        await asyncio.sleep(_ASK_AGAIN_S)


async def _hear(model: str, client: openai.AsyncOpenAI) -> None:
    asked = client.audio.transcriptions.with_streaming_response.create(
        file=("speech.wav", waveform(bytes(BYTES_PER_S)), "audio/wav"),
        model=model,
        language="en",
        response_format="json",
        temperature=0,
    )
    async with asked as response:
        said(await response.read())


async def _speak(model: str, voice: str, client: openai.AsyncOpenAI) -> None:
    async with speaks(client, model, voice)("Yes.", 1.0) as sound:
        if not [part async for part in sound]:
            raise Lost("speaks no sound")


def _refused(
    server: Server, use: _Use, refusal: openai.APIStatusError
) -> SettingError | Unavailable:
    status = refusal.status_code
    if unpaid(refusal):
        problem = f"its account at {server.host} has no credit left"
        return SettingError("SPEECH_API_KEY", problem, "Pay in, or set the key of another account")
    if status in (401, 403):
        problem = f"refuses it ({status})" if server.api_key else "asks for a key"
        remedy = f"Set a key of {server.host} that is valid"
        return SettingError("SPEECH_API_KEY", f"{server.host} {problem}", remedy)
    if status == 404 and (not isinstance(refusal.body, dict) or refusal.body == _NO_SUCH_PLACE):
        return _no_speech(server, f"{server.host} answers 404: it has no speech there")
    if status in (400, 404, 422):
        setting = "SPEECH_TTS_VOICE" if refusal.param == "voice" else use.setting
        problem = f"{server.host} refuses {use.details} ({status})"
        return SettingError(setting, problem, f"Set one that {server.host} has")
    if status < 500 and status != 429:
        return _no_speech(server, f"{server.host} answers {status}: it has no speech there")
    return Unavailable(f"{server.host} is in trouble ({status})")


def _no_speech(server: Server, problem: str) -> SettingError:
    remedy = f"Correct it, or let this machine through to {server.base_url}"
    return SettingError("SPEECH_BASE_URL", problem, remedy)
