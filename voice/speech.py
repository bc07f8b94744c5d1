"""The embedded engines as Pipecat services: speech in, words out; words in, speech out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import numpy as np
from pipecat.frames.frames import (
    CancelFrame,
    DataFrame,
    EndFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    StartFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.settings import STTSettings, TTSSettings
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService
from pipecat.transcriptions.language import Language

from voice.engines import STT_RATE_HZ, SpeechToText, quietest_moment

BYTES_PER_S: Final = 2 * STT_RATE_HZ
#: Kept while nobody speaks: what was said before the voice detector was sure.
LEAD_IN_S: Final = 1.0
#: Silence after a segment, so that the model hears that the last word has ended.
TAIL: Final = bytes(BYTES_PER_S // 2)
#: Speech without a pause is recognised in parts of this length: the last part, and with it the wait
#: at the end of the answer, stays short (12 s of speech take 0.45 s of CPU).
LONGEST_SEGMENT_S: Final = 12.0
CUT_WITHIN_S: Final = 4.0
#: Lengths at which a running segment gets an interim caption. Doubling keeps all captions together
#: below the cost of one more recognition.
CAPTIONS_AT_S: Final = (1.5, 3.0, 6.0)
#: Above this the turn no longer waits for the words of its last segment.
SLOWEST_TRANSCRIPT_S: Final = 3.0
#: Speech of which a provider has told no word for so long is recognised here.
DEAF_AFTER_S: Final = 8.0
#: So many words heard here, where a provider heard none, are no cough.
TELLING_WORDS: Final = 2


@dataclass(frozen=True)
class Heard:
    """One stretch of speech. `raw_text` is what the model wrote, `text` the same with key terms.

    `ends` is where its last word ends, in samples since the line's first: a clock does not tell it
    where sound comes late. None when it was not heard on this line.
    """

    raw_text: str
    text: str
    started_at: datetime
    ended_at: datetime
    ends: int | None = None


@dataclass
class NothingHeardFrame(DataFrame):
    """The voice detector found speech in which there were no words: a cough, a chair; or the
    recogniser `failed`, and there may have been some."""

    failed: bool = False


class Repair(Protocol):
    def repair(self, text: str, terms: Sequence[str]) -> str: ...


class Ahead(Protocol):
    """A provider's recogniser before this one in the pipeline: it hears the same audio, earlier.

    It shows captions itself, and it may fail at any moment: every stretch of speech whose words it
    does not know is recognised here, from the audio that is kept.
    """

    @property
    def hears(self) -> bool:
        """It has heard the running stretch from its beginning."""

    @property
    def wordless_s(self) -> float:
        """How much of the running stretch it has heard since it last told a word."""

    def begin(self) -> None:
        """A stretch of speech has begun."""

    def end(self, silent_s: float) -> asyncio.Future[str | None] | None:
        """It ended so long ago. The words: "" where there are none, None when it does not know."""

    def front(self) -> tuple[str, float] | None:
        """Final words of the running stretch, and how many seconds of audio came after them."""

    def leave(self) -> None:
        """What it has heard of the running stretch is not wanted."""

    def missed(self) -> None:
        """It heard nothing where words were said."""


class Asked(Protocol):
    """A provider's recogniser that is sent each stretch of speech once it is over. It may fail."""

    def words(self, audio: bytes) -> asyncio.Future[str | None]:
        """Asks at once. "" where there are none, None when it does not know, in 2 s at most."""

    def missed(self) -> None:
        """It heard nothing where words were said."""


class Voice(Protocol):
    """What makes speech of text, `speed` relative to its own pace."""

    @property
    def sample_rate_hz(self) -> int: ...

    def synthesise(self, text: str, *, speed: float = 1.0) -> AsyncIterator[bytes]:
        """Mono 16-bit PCM, in parts, each as soon as it is ready."""

    async def prepare(self, text: str, *, speed: float = 1.0) -> None:
        """What will probably be said next then plays at once."""


@dataclass
class _Segment:
    audio: bytes
    started_at: datetime
    ended_at: datetime
    ends: int | None = None
    told: asyncio.Future[str | None] | None = None  # by the provider


class EmbeddedSTTService(STTService):
    """Speech to text by segments that the voice detector cuts out.

    Pushes, in order, for each segment a `TranscriptionFrame` whose `result` is a `Heard`, or a
    `NothingHeardFrame`; while a segment runs, `InterimTranscriptionFrame`s. `finalized` is set only
    when the candidate is silent and nothing waits to be recognised: Pipecat's own segmented service
    sets it always, and a text that comes late then ends the turn before the words after it exist.

    Expects 16 kHz mono input. `terms` is asked for the current question's key terms each time.
    With a provider, `ahead` of it or `asked` by it, it recognises what that one does not.
    """

    def __init__(
        self,
        engine: SpeechToText,
        *,
        repair: Repair | None = None,
        terms: Callable[[], Sequence[str]] = tuple,
        ahead: Ahead | None = None,
        asked: Asked | None = None,
    ) -> None:
        super().__init__(
            sample_rate=STT_RATE_HZ,
            ttfs_p99_latency=SLOWEST_TRANSCRIPT_S,
            settings=STTSettings(model="moonshine-tiny-en", language=Language.EN),
        )
        self._engine = engine
        self._repair = repair
        self._terms = terms
        self._ahead = ahead
        self._asked = asked
        self._audio = bytearray()
        self._received = 0  # samples
        self._voice = False
        self._started_at = datetime.now(UTC)
        self._captions_due = list(CAPTIONS_AT_S)
        self._caption: asyncio.Task[None] | None = None
        self._queue: asyncio.Queue[_Segment | None] = asyncio.Queue()
        self._unrecognised = 0
        self._recognition: asyncio.Task[None] | None = None

    def can_generate_metrics(self) -> bool:
        return True

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        self._recognition = self.create_task(self._recognise_all(), "recognition")

    async def stop(self, frame: EndFrame) -> None:
        """Recognises what is queued, then stops."""
        if self._recognition:
            self._queue.put_nowait(None)
            await self._recognition
            self._recognition = None
        await super().stop(frame)

    async def cancel(self, frame: CancelFrame) -> None:
        await self._end_tasks()
        await super().cancel(frame)

    async def cleanup(self) -> None:
        """Where a pipeline is torn down, the frame that cancels it may never have come so far."""
        await self._end_tasks()
        await super().cleanup()  # type: ignore[no-untyped-call]  # Pipecat's

    async def _end_tasks(self) -> None:
        tasks = self._caption, self._recognition
        self._caption = self._recognition = None
        for task in tasks:
            if task:
                await self.cancel_task(task)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, VADUserStartedSpeakingFrame):
            self._voice = True
            self._captions_due = list(CAPTIONS_AT_S)
            self._started_at = _wall(frame.timestamp - frame.start_secs)
            if self._ahead:
                self._ahead.begin()
        elif isinstance(frame, VADUserStoppedSpeakingFrame):
            self._voice = False
            ended_at = _wall(frame.timestamp - frame.stop_secs)
            told = self._ahead.end(frame.stop_secs) if self._ahead else None
            silent = int(frame.stop_secs * STT_RATE_HZ)
            self._enqueue(len(self._audio), ended_at, self._received - silent, told)

    async def process_audio_frame(
        self, frame: InputAudioRawFrame, direction: FrameDirection
    ) -> None:
        self._received += len(frame.audio) // 2
        if self.is_muted:
            self._audio.clear()
            return
        self._user_id = ""
        self._audio += frame.audio
        if not self._voice:
            del self._audio[: -int(LEAD_IN_S * BYTES_PER_S)]
            return
        length_s = len(self._audio) / BYTES_PER_S
        heard_ahead = self._ahead is not None and self._ahead.hears
        deaf = self._ahead is not None and self._ahead.wordless_s >= DEAF_AFTER_S
        if length_s >= LONGEST_SEGMENT_S or (deaf and length_s >= CUT_WITHIN_S):
            self._cut(deaf=deaf)
        elif not heard_ahead and self._captions_due and length_s >= self._captions_due[0]:
            self._captions_due.pop(0)
            self._begin_caption()

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Recognises 16 kHz PCM; times are those of the call."""
        now = datetime.now(UTC)
        length = timedelta(seconds=len(audio) / BYTES_PER_S)
        yield await self._recognise(_Segment(audio, now - length, now))

    def _cut(self, *, deaf: bool) -> None:
        """Sends the front of a long stretch of speech on: up to where the provider has final words,
        or, where it has none or is `deaf`, up to where it is quietest."""
        told: asyncio.Future[str | None] | None = None
        front = self._ahead.front() if self._ahead and not deaf else None
        if self._ahead and self._ahead.hears:
            told = asyncio.get_running_loop().create_future()
            told.set_result(front[0] if front else "")
        if front:
            cut = max(0, len(self._audio) - 2 * int(front[1] * STT_RATE_HZ))
        else:
            samples = np.frombuffer(self._audio, dtype="<i2").astype(np.float32)
            cut = 2 * quietest_moment(samples, within_s=CUT_WITHIN_S)
            if self._ahead:
                self._ahead.leave()
        rest = len(self._audio) - cut
        cut_at = datetime.now(UTC) - timedelta(seconds=rest / BYTES_PER_S)
        self._enqueue(cut, cut_at, self._received - rest // 2, told)
        self._started_at = cut_at
        self._captions_due = list(CAPTIONS_AT_S)

    def _enqueue(
        self,
        size: int,
        ended_at: datetime,
        ends: int,
        told: asyncio.Future[str | None] | None,
    ) -> None:
        audio = bytes(self._audio[:size])
        del self._audio[:size]
        if self._asked:
            told = self._asked.words(audio)
        self._unrecognised += 1
        self._queue.put_nowait(_Segment(audio, self._started_at, ended_at, ends, told))

    async def _recognise_all(self) -> None:
        while (segment := await self._queue.get()) is not None:
            try:
                frame = await self._recognise(segment)
            except Exception as failure:
                await self.push_error(f"speech recognition: {type(failure).__name__}", failure)
                frame = NothingHeardFrame(failed=True)
            self._unrecognised -= 1
            if isinstance(frame, TranscriptionFrame):
                frame.finalized = not self._voice and not self._unrecognised
            await self.push_frame(frame)

    async def _recognise(self, segment: _Segment) -> Frame:
        await self.start_processing_metrics()
        raw_text = await self._words(segment)
        await self.stop_processing_metrics()
        if not raw_text:
            return NothingHeardFrame()
        text = self._repaired(raw_text)
        heard = Heard(raw_text, text, segment.started_at, segment.ended_at, segment.ends)
        return TranscriptionFrame(
            heard.text, self._user_id, heard.ended_at.isoformat(), Language.EN, result=heard
        )

    async def _words(self, segment: _Segment) -> str:
        told = await segment.told if segment.told else None
        if told:
            return told
        raw_text = await self._engine.transcribe(segment.audio + TAIL)
        provider = self._ahead or self._asked
        if provider and told == "" and len(raw_text.split()) >= TELLING_WORDS:
            provider.missed()
        return raw_text

    def _begin_caption(self) -> None:
        """An interim caption is left out while the engine works: somebody's answer comes first."""
        if self._engine.busy or (self._caption and not self._caption.done()):
            return
        audio, started_at = bytes(self._audio), self._started_at
        self._caption = self.create_task(self._show_caption(audio, started_at), "caption")

    async def _show_caption(self, audio: bytes, started_at: datetime) -> None:
        raw_text = await self._engine.transcribe(audio)
        whole_words = raw_text.rsplit(maxsplit=1)[:-1]  # the last one is cut off
        text = self._repaired("".join(whole_words))
        if text and self._voice and started_at == self._started_at:
            now = datetime.now(UTC).isoformat()
            await self.push_frame(InterimTranscriptionFrame(text, self._user_id, now, Language.EN))

    def _repaired(self, raw_text: str) -> str:
        if not self._repair:
            return raw_text
        return self._repair.repair(raw_text, self._terms())


class EmbeddedTTSService(TTSService):
    """Text to speech by sentences. What was prepared with the engine plays without any delay.

    The engine is the embedded one, or a provider's that has the embedded one behind it.
    """

    def __init__(self, engine: Voice, *, speed: float = 1.0) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            settings=TTSSettings(model="hibari", voice="heart", language=Language.EN),
        )
        self._engine = engine
        self._speed = speed

    def can_generate_metrics(self) -> bool:
        return True

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Yields the text's audio, or an error frame whose message holds none of the text."""
        await self.start_tts_usage_metrics(text)
        try:
            spoken = self._engine.synthesise(text, speed=self._speed)
            async for frame in self._stream_audio_frames_from_iterator(
                spoken, in_sample_rate=self._engine.sample_rate_hz, context_id=context_id
            ):
                await self.stop_ttfb_metrics()
                yield frame
        except Exception as failure:
            yield ErrorFrame(error=f"speech synthesis: {type(failure).__name__}")
        finally:
            await self.stop_ttfb_metrics()


def _wall(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
