"""Deepgram as the bot's ears: Pipecat's service, on a line that fails without taking words along.

It stands before the service that cuts speech into stretches, which keeps the audio of the running
one and asks here for its words first. So nothing is switched when Deepgram fails: the stretch at
hand, and those after it, get their words from the embedded engine until the line is up again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from typing import Any, Final

from deepgram.core.events import EventType
from deepgram.listen.v1.socket_client import AsyncV1SocketClient
from deepgram.listen.v1.types import ListenV1Error, ListenV1Results
from pipecat.frames.frames import Frame, InterimTranscriptionFrame
from pipecat.services.deepgram.stt import DeepgramSTTService, DeepgramSTTSettings
from pipecat.transcriptions.language import Language
from uuid_utils.compat import uuid7

from contracts.manner import English
from contracts.usage import Book, Purpose, Usage
from voice.breaker import Breaker, Lost
from voice.deepgram.account import Account, blame, takes_terms
from voice.deepgram.results import Stretches
from voice.engines import STT_RATE_HZ
from voice.speech import BYTES_PER_S, SLOWEST_TRANSCRIPT_S

CONNECTED_WITHIN_S: Final = 3.0
WRITTEN_WITHIN_S: Final = 2.0
#: Final words come 0.15 to 0.35 s after the end of speech. After this they are made here.
FINAL_WITHIN_S: Final = 1.0
#: Deepgram closes a connection that is silent for 10 s.
KEEP_ALIVE_S: Final = 4.0
#: Pieces of audio (20 ms each) that wait to be written: more, and nobody reads them.
LONGEST_QUEUE: Final = 250
ASK_AGAIN_S: Final = 0.5


class _Control(Enum):
    FINALIZE = "Finalize"
    CLOSE = "CloseStream"


class Line:
    """One connection. Whoever speaks into it is never blocked; `over` is its end and the reason.

    It is done by a task of its own, which nobody waits for: a peer that is gone answers a closing
    handshake after 10 s.
    """

    _left: Final[set[asyncio.Task[None]]] = set()

    def __init__(
        self,
        connect: Callable[[], AbstractAsyncContextManager[AsyncV1SocketClient]],
        told: Callable[[Line], Awaitable[None]],
    ) -> None:
        self.stretches = Stretches()
        self.sent_s = 0.0
        self.over: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self._told = told
        self._outgoing: asyncio.Queue[bytes | _Control] = asyncio.Queue()
        self._task = asyncio.create_task(self._hold(connect))
        self._left.add(self._task)
        self._task.add_done_callback(self._left.discard)

    @property
    def up(self) -> bool:
        return not self.over.done()

    def hear(self, audio: bytes) -> None:
        if self._outgoing.qsize() > LONGEST_QUEUE:
            self.fail(Lost("does not read what it is sent"))
        elif self.up:
            self.sent_s += len(audio) / BYTES_PER_S
            self._outgoing.put_nowait(audio)

    def end(self, silent_s: float) -> asyncio.Future[str | None]:
        """The words of the stretch that ended so long ago, within `FINAL_WITHIN_S`."""
        words = self.stretches.end(self.sent_s - silent_s / 2)
        self.flush()
        asyncio.get_running_loop().call_later(FINAL_WITHIN_S, self._expire, words)
        return words

    def flush(self) -> None:
        """What was heard so far gets its final words, none are left for the next stretch."""
        self._outgoing.put_nowait(_Control.FINALIZE)

    def close(self) -> None:
        """Ends it in good order, in the background."""
        self._end(None)
        self._outgoing.put_nowait(_Control.CLOSE)

    def fail(self, failure: Exception) -> None:
        if self.up:
            self._end(failure)
            self._task.cancel()

    def _end(self, failure: Exception | None) -> None:
        if self.up:
            self.over.set_result(failure)
        self.stretches.give_up()

    def _expire(self, words: asyncio.Future[str | None]) -> None:
        if self.up and not self.stretches.expire(words):
            self.fail(Lost("tells final words too late"))

    async def _hold(
        self, connect: Callable[[], AbstractAsyncContextManager[AsyncV1SocketClient]]
    ) -> None:
        try:
            async with asyncio.timeout(CONNECTED_WITHIN_S) as limit, connect() as socket:
                limit.reschedule(None)
                await self._converse(socket)
        except Exception as failure:
            self.fail(failure)
        else:
            self.fail(Lost("ends the connection"))

    async def _converse(self, socket: AsyncV1SocketClient) -> None:
        socket.on(EventType.MESSAGE, self._message)
        socket.on(EventType.ERROR, self.fail)
        both = [
            asyncio.create_task(self._write(socket)),
            asyncio.create_task(socket.start_listening()),  # type: ignore[no-untyped-call]  # the SDK's
        ]
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in both:
                task.cancel()

    async def _write(self, socket: AsyncV1SocketClient) -> None:
        while True:
            try:
                async with asyncio.timeout(KEEP_ALIVE_S):
                    piece = await self._outgoing.get()
            except TimeoutError:
                await socket.send_keep_alive()
                continue
            async with asyncio.timeout(WRITTEN_WITHIN_S):
                if isinstance(piece, bytes):
                    await socket.send_media(piece)
                elif piece is _Control.FINALIZE:
                    await socket.send_finalize()
                else:
                    await socket.send_close_stream()
                    return

    async def _message(self, message: Any) -> None:
        if isinstance(message, ListenV1Error):
            raise Lost("reports an error")
        if isinstance(message, ListenV1Results):
            self.stretches.take(message, self.sent_s)
            await self._told(self)


class DeepgramEars(DeepgramSTTService):
    """Sends all audio on, shows interim captions, and knows the words of each stretch of speech.

    An `Ahead` of the embedded service. Connects in the background and again after every failure,
    as the breaker lets it; it is never unusable, reports no error, and waits for nobody. A question
    with other key terms gets a new connection, between two stretches.
    """

    def __init__(
        self,
        account: Account,
        breaker: Breaker,
        *,
        terms: Callable[[], Sequence[str]],
        repaired: Callable[[str], str],
        book: Book,
        language: English = English.ANY,
    ) -> None:
        super().__init__(
            api_key=account.api_key,
            base_url=account.socket_url,
            sample_rate=STT_RATE_HZ,
            ttfs_p99_latency=SLOWEST_TRANSCRIPT_S,
            settings=DeepgramSTTSettings(
                model=account.model, language=Language(language), interim_results=True
            ),
        )
        self._breaker = breaker
        self._book = book
        self._model = account.model
        self._takes_terms = takes_terms(account.model)
        self._terms = terms
        self._repaired = repaired
        self._asked_terms: list[str] = []
        self._lines: asyncio.Task[None] | None = None
        self._line: Line | None = None
        self._heard_by: Line | None = None  # from its beginning, the stretch that runs

    # -- what the service behind it asks

    @property
    def hears(self) -> bool:
        return self._heard_by is not None and self._heard_by.up

    @property
    def wordless_s(self) -> float:
        line = self._heard_by
        return line.sent_s - line.stretches.told_at_s if line and line.up else 0.0

    def begin(self) -> None:
        self._heard_by = self._line if self._line and self._line.up else None
        if self._heard_by:
            self._heard_by.stretches.begin(self._heard_by.sent_s)

    def end(self, silent_s: float) -> asyncio.Future[str | None] | None:
        line, self._heard_by = self._heard_by, None
        if line is None or not line.up:
            if self._line and self._line.up:
                self._line.flush()
            return None
        words = line.end(silent_s)
        words.add_done_callback(self._heard)
        return words

    def front(self) -> tuple[str, float] | None:
        line = self._heard_by
        found = line.stretches.front(line.sent_s) if line and line.up else None
        if found:
            self._breaker.worked()
        return found

    def leave(self) -> None:
        if self._heard_by:
            self._heard_by.close()
            self._heard_by = None

    def missed(self) -> None:
        if self._line:
            self._line.close()
        blame(self._breaker, Lost("hears no words"))

    def _heard(self, words: asyncio.Future[str | None]) -> None:
        if not words.cancelled() and words.result():
            self._breaker.worked()

    # -- Pipecat's side

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        line = self._line
        if line and line.up:
            if self._new_terms() and self._heard_by is None and line.stretches.settled:
                line.close()
            else:
                line.hear(audio)
        yield None

    async def _connect(self) -> None:
        """Does not wait for it: the bot begins meanwhile."""
        self._lines = self.create_task(self._keep_line())

    async def _disconnect(self) -> None:
        if self._lines:
            await self.cancel_task(self._lines)
            self._lines = None

    async def _keep_line(self) -> None:
        """One line after the other."""
        while True:
            if self._breaker.admits():
                await self._use_line()
            else:
                await asyncio.sleep(ASK_AGAIN_S)

    async def _use_line(self) -> None:
        self._asked_terms = self._wanted_terms()
        wanted = self._build_connect_kwargs()
        if self._asked_terms:
            wanted["keyterm"] = self._asked_terms
        connect = partial(self._client.listen.v1.connect, **wanted)
        line = self._line = Line(connect, self._show)
        try:
            failure = await asyncio.shield(line.over)
        finally:
            line.close()
            self._book_heard(line.sent_s)
        if failure:
            blame(self._breaker, failure)

    def _book_heard(self, audio_s: float) -> None:
        if audio_s:
            purpose = Purpose.SPEECH_TO_TEXT
            self._book(Usage(id=uuid7(), purpose=purpose, model=self._model, audio_s=audio_s))

    def _wanted_terms(self) -> list[str]:
        return list(self._terms()) if self._takes_terms else []

    def _new_terms(self) -> bool:
        return self._wanted_terms() != self._asked_terms

    async def _show(self, line: Line) -> None:
        if line is self._heard_by and (caption := line.stretches.caption):
            now = datetime.now(UTC).isoformat()
            text = self._repaired(caption)
            await self.push_frame(InterimTranscriptionFrame(text, self._user_id, now, Language.EN))
