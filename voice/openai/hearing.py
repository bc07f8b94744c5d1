"""The server as the bot's ears: one request for each stretch of speech, once it is over."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import openai
from pydantic import BaseModel
from uuid_utils.compat import uuid7

from contracts.usage import Book, Purpose, Usage
from voice.audio import waveform
from voice.breaker import Breaker, Lost
from voice.engines import believed
from voice.openai.server import blame
from voice.speech import BYTES_PER_S

#: After this the words are made here, which takes half a second: together less than the turn waits
#: for the words of its last stretch (3 s).
HEARD_WITHIN_S: Final = 2.0
#: Nobody says more; a recogniser that repeats itself does.
MOST_CHARACTERS_PER_S: Final = 40


#: What some servers write where there are no words: `[BLANK_AUDIO]`, `(silence)`.
_REMARK: Final = re.compile(r"[\[(*][^\])*]*[\])*]")


class _Transcription(BaseModel):
    text: str


class Hearing:
    """Whole stretches of one conversation's speech (`voice.speech.Asked`).

    While the breaker is open nothing is waited for: each cool-down's trial is sent a stretch whose
    words are made here all the same.
    """

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        model: str,
        breaker: Breaker,
        terms: Callable[[], Sequence[str]],
        book: Book,
    ) -> None:
        self._client = client
        self._model = model
        self._breaker = breaker
        self._terms = terms
        self._book = book
        self._running: set[asyncio.Task[str | None]] = set()

    def words(self, audio: bytes) -> asyncio.Future[str | None]:
        """Asks at once. "" where there are none, None when they are not known."""
        if self._breaker.closed:
            return self._begun(self._heard(audio))
        if self._breaker.admits():
            self._begun(self._heard(audio))
        unknown: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        unknown.set_result(None)
        return unknown

    def missed(self) -> None:
        blame(self._breaker, Lost("hears no words"))

    def _begun(self, asking: Coroutine[Any, Any, str | None]) -> asyncio.Task[str | None]:
        task = asyncio.create_task(asking)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _heard(self, audio: bytes) -> str | None:
        """Raises nothing: the breaker is told."""
        prompt = ", ".join(self._terms())
        try:
            async with asyncio.timeout(HEARD_WITHIN_S):
                text = await self._ask(audio, prompt)
        except Exception as failure:
            blame(self._breaker, failure)
            if not isinstance(failure, openai.OpenAIError):  # which is: refused, or never reached
                self._booked(audio)
            return None
        self._booked(audio)
        if text:
            self._breaker.worked()
        # Where there is nothing to hear, Whisper may tell what it was prompted with.
        return None if text and _plain(text) in _plain(prompt) else text

    async def _ask(self, audio: bytes, prompt: str) -> str:
        asked = self._client.audio.transcriptions.with_streaming_response.create(
            file=("speech.wav", waveform(audio), "audio/wav"),
            model=self._model,
            language="en",
            prompt=prompt or openai.omit,
            response_format="json",
            temperature=0,
        )
        async with asked as response:
            text = said(await response.read())
        if len(text) > MOST_CHARACTERS_PER_S * max(1.0, len(audio) / BYTES_PER_S):
            raise Lost("tells more words than anybody says")
        return believed(text)

    def _booked(self, audio: bytes) -> None:
        purpose, audio_s = Purpose.SPEECH_TO_TEXT, len(audio) / BYTES_PER_S
        self._book(Usage(id=uuid7(), purpose=purpose, model=self._model, audio_s=audio_s))


def said(body: bytes) -> str:
    """The words in a reply. Raises Lost where it is none."""
    try:
        text = _Transcription.model_validate_json(body).text.strip()
    except ValueError:
        raise Lost("answers with something else than words") from None
    return "" if _REMARK.fullmatch(text) else text


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
