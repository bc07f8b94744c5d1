"""What a language model adds to the script: what the candidate wants, and how a line is worded.

It decides nothing. What it takes a turn for is one of a few steps that the dialogue knows, what it
words is a line that the script has too, and past `TOKEN_WITHIN_S` without a word of it the script
goes on alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from enum import StrEnum
from typing import Any, Final, NamedTuple

from contracts.errors import CodeVoiceError, TooMany, Ungradable
from contracts.language import AsksModels, Message
from contracts.questions import Question
from contracts.usage import Book, Purpose
from voice import prompting
from voice.breaker import Breaker
from voice.discretion import may_acknowledge, may_ask
from voice.script import sentences

#: So long a candidate waits for the first word of a model; the script has one at once.
TOKEN_WITHIN_S: Final = 2.0
#: A question is no speech.
MOST_SENTENCES: Final = 3
#: For each further sentence, while the one before is heard.
_SENTENCE_WITHIN_S: Final = 5.0
_LISTEN_TOKENS, _LINE_TOKENS = 60, 160
#: Of one prompt's answer, which has as many stretches of speech as its speaker makes pauses.
MOST_LISTENINGS: Final = 12
#: After so many turns in a row that were taken for no answer, the next one is the answer.
MOST_ASIDES: Final = 2


class Intent(StrEnum):
    """What a candidate wants, as the prompt names it."""

    ANSWER = "answer"
    REPEAT = "repeat"
    REPHRASE = "rephrase"
    WAIT = "wait"
    SKIP = "skip"
    PAUSE = "pause"
    ROLE = "role"
    OFF_TOPIC = "off_topic"
    ABUSE = "abuse"


class Understood(NamedTuple):
    """`acknowledgement` is empty where the script's own is to be said."""

    intent: Intent = Intent.ANSWER
    acknowledgement: str = ""


class Model:
    """One language model that interviews, for all conversations of a process. None: the script."""

    def __init__(self, model: AsksModels | None = None) -> None:
        self._model = model
        self._breaker = Breaker("language model (interviewer)")

    @property
    def breakers(self) -> tuple[Breaker, ...]:
        return (self._breaker,) if self._model else ()

    def stream(
        self, messages: Sequence[Message], most_tokens: int, book: Book
    ) -> AsyncGenerator[str, None] | None:
        """None where there is no model, or where it is left alone for now."""
        if self._model is None or not self._breaker.admits():
            return None
        return self._watched(self._model.stream(messages, most_tokens, Purpose.INTERVIEWER, book))

    async def _watched(self, stream: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
        """Tells the breaker how it went; a reply without a word is a failure too."""
        said = False
        try:
            async with aclosing(stream):
                async for piece in stream:
                    said = True
                    yield piece
        except TooMany as failure:
            self._breaker.failed(failure.kind, wait_s=failure.retry_after_s)
            raise
        except CodeVoiceError as failure:
            self._breaker.failed(failure.kind, lasting=isinstance(failure, Ungradable))
            raise
        if said:
            self._breaker.worked()
        else:
            self._breaker.failed("an empty reply")


class Draft:
    """Sentences on their way, begun when this is made. `sentences` may be read once."""

    def __init__(self, stream: AsyncGenerator[str, None], passes: Callable[[str], bool]) -> None:
        self._passes = passes
        self._until = time.monotonic() + TOKEN_WITHIN_S
        self._ready: asyncio.Queue[str | None] = asyncio.Queue()
        self.task = asyncio.create_task(self._take(stream))

    async def sentences(self) -> AsyncIterator[str]:
        """Nothing where the first is not there in time, or not fit to be said."""
        while True:
            try:
                async with asyncio.timeout(self._until - time.monotonic()):
                    sentence = await self._ready.get()
            except TimeoutError:
                self.close()
                return
            if sentence is None:
                return
            yield sentence
            self._until = time.monotonic() + _SENTENCE_WITHIN_S

    def close(self) -> None:
        self.task.cancel()

    async def _take(self, stream: AsyncGenerator[str, None]) -> None:
        text, taken = "", 0
        try:
            async with aclosing(stream):
                async for piece in stream:
                    text += piece
                    *whole, _ = sentences(text) or [""]
                    if not self._say(whole[taken:MOST_SENTENCES]):
                        return
                    taken = len(whole)
            self._say(sentences(text)[taken:MOST_SENTENCES])
        except CodeVoiceError:
            pass  # the breaker knows; what was said stands
        finally:
            self._ready.put_nowait(None)

    def _say(self, whole: Sequence[str]) -> bool:
        """False from the first sentence on that is not fit to be said."""
        for sentence in whole:
            if not self._passes(sentence):
                return False
            self._ready.put_nowait(sentence)
        return True


class Improviser:
    """For one conversation. Begins to understand while a pause lasts: nobody waits for it then."""

    def __init__(self, model: Model, book: Book) -> None:
        self._model = model
        self._book = book
        self._said: list[str] = []
        self._prompt = ""
        self._listening: asyncio.Task[Understood] | None = None
        self._calls: set[asyncio.Task[Any]] = set()
        self._begun = 0
        self._asides = 0
        self._interrupted = asyncio.Event()

    def close(self) -> None:
        """Nothing is asked any more."""
        self._model = Model()
        for task in self._calls:
            task.cancel()

    def heard(self, prompt: str, texts: Sequence[str]) -> None:
        """Stretches of the answer to `prompt`; the turn may end after them."""
        if prompt != self._prompt:
            self._prompt, self._said, self._begun, self._asides = prompt, [], 0, 0
        self._said += texts
        self._interrupted.clear()
        self._listening = None
        if self._begun >= MOST_LISTENINGS:
            return
        messages = prompting.listening(self._prompt, self._said)
        stream = self._model.stream(messages, _LISTEN_TOKENS, self._book)
        if stream is not None:
            self._begun += 1
            self._listening = asyncio.create_task(_understood(stream))
            self._keep(self._listening)  # one that comes too late ends by itself, and is booked

    def interrupt(self) -> None:
        """The candidate speaks again: nobody waits for what was made of the words before."""
        self._interrupted.set()

    async def understood(self) -> Understood:
        """What was made of the turn that has just ended. An answer where nothing was, in time."""
        listening, self._listening = self._listening, None
        if listening is None:
            return Understood()
        interrupted = asyncio.create_task(self._interrupted.wait())
        try:
            await asyncio.wait(
                [listening, interrupted],
                timeout=TOKEN_WITHIN_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            interrupted.cancel()
        found = listening.result() if listening.done() else Understood()
        if found.intent is Intent.ANSWER or self._asides >= MOST_ASIDES:
            return Understood(acknowledgement=found.acknowledgement)
        self._asides += 1
        return found

    def rephrase(self, question: Question) -> Draft | None:
        known = (question.prompt, question.rephrased)
        return self._draft(prompting.rephrasing(*known), question, known)

    def follow_up(self, question: Question, scripted: str) -> Draft | None:
        known = (question.prompt, question.rephrased, scripted, *self._said)
        messages = prompting.following_up(question.prompt, scripted, self._said)
        return self._draft(messages, question, known)

    def _draft(
        self, messages: Sequence[Message], question: Question, known: Sequence[str]
    ) -> Draft | None:
        stream = self._model.stream(messages, _LINE_TOKENS, self._book)
        if stream is None:
            return None
        before: list[str] = []

        def passes(sentence: str) -> bool:
            fits = may_ask(sentence, question, known, before)
            before.append(sentence)
            return fits

        draft = Draft(stream, passes)
        self._keep(draft.task)
        return draft

    def _keep(self, call: asyncio.Task[Any]) -> None:
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)


async def _understood(stream: AsyncGenerator[str, None]) -> Understood:
    """Never raises: what cannot be read is taken for an answer, and for nothing worse."""
    text = ""
    try:
        async for piece in stream:
            text += piece
    except CodeVoiceError:
        return Understood()
    first, _, rest = text.strip().partition("\n")
    word = first.strip(" .:*\"'").lower()
    intent = Intent(word) if word in set(Intent) else Intent.ANSWER
    line = " ".join(rest.split())
    fits = word == Intent.ANSWER and may_acknowledge(line)
    return Understood(intent, line if fits else "")
