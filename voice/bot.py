"""The bot: one function that reads in the order the audio travels."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from pipecat.frames.frames import (
    Frame,
    InterimTranscriptionFrame,
    InterruptionFrame,
    LLMContextFrame,
    TranscriptionFrame,
    TTSSpeakFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker, ProcessorUnusablePolicy
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.processors.frameworks.rtvi import RTVIClientMessageFrame
from pipecat.processors.frameworks.rtvi.observer import RTVIObserverParams
from pipecat.transports.base_transport import BaseTransport

from contracts.manner import Manner
from contracts.usage import Book, unbooked
from voice.dialogue import Dialogue
from voice.engines import STT_RATE_HZ, TTS_RATE_HZ, Engines, load_engines
from voice.messages import Message, pressed
from voice.models import SpeechModels
from voice.pauses import Kind
from voice.progress import Progress
from voice.provider import Provider
from voice.recorder import Recorder, Recording
from voice.running import CANCEL_WITHIN_S
from voice.senses import Debt, Senses
from voice.speaking import Ear, Mouth
from voice.speech import (
    LONGEST_SEGMENT_S,
    EmbeddedSTTService,
    EmbeddedTTSService,
    Heard,
    NothingHeardFrame,
    Repair,
    Voice,
)
from voice.terms import TermRepair
from voice.turns import PatientTurnStop, PoliteTurnStart, TurnTaking

#: Two heartbeats within Temporal's shortest heartbeat timeout (5 s).
HEARTBEAT_S: Final = 1.0


class Hearing:
    """Whether the candidate speaks now, and whether all words are known.

    `words` is the debt of them: due when somebody has stopped speaking, and now and then before.
    """

    def __init__(self, words: Debt) -> None:
        self.speaking = False
        self._words = words
        self._settled = asyncio.Event()
        self._settled.set()

    def voice(self, on: bool) -> None:
        self.speaking = on
        self._settled.clear()
        self._words.owe(LONGEST_SEGMENT_S if on else 0.0)

    def words(self) -> None:
        self.some_words()
        if not self.speaking:
            self._settled.set()

    def some_words(self) -> None:
        self._words.settle()
        if self.speaking:
            self._words.owe(LONGEST_SEGMENT_S)

    @property
    def words_due(self) -> bool:
        return not self._settled.is_set()

    async def settled(self) -> None:
        """Returns when nobody speaks and what was said is recognised."""
        await self._settled.wait()


class Scribe(FrameProcessor):
    """Before the user aggregator, which swallows transcripts: passes them to the dialogue."""

    def __init__(self, dialogue: Dialogue, hearing: Hearing) -> None:
        super().__init__()
        self._dialogue = dialogue
        self._hearing = hearing

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame) and isinstance(frame.result, Heard):
            self._dialogue.heard(frame.result)
            self._hearing.words()
        elif isinstance(frame, NothingHeardFrame) and not frame.failed:
            self._hearing.words()
        elif isinstance(frame, InterimTranscriptionFrame):
            self._dialogue.interim(frame.text)
            self._hearing.some_words()
        await self.push_frame(frame, direction)


class Brain(FrameProcessor):
    """Where an LLM service would stand: turns in, lines out. The dialogue decides."""

    def __init__(self, dialogue: Dialogue, hearing: Hearing) -> None:
        super().__init__()
        self._dialogue = dialogue
        self._hearing = hearing

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame):
            return  # the turn's end says it all; nothing runs on the context
        if direction is FrameDirection.DOWNSTREAM:
            self._tell(frame)
        await self.push_frame(frame, direction)

    def _tell(self, frame: Frame) -> None:
        if isinstance(frame, VADUserStartedSpeakingFrame):
            self._hearing.voice(True)
        elif isinstance(frame, VADUserStoppedSpeakingFrame):
            self._hearing.voice(False)
        elif isinstance(frame, UserStartedSpeakingFrame):
            self._dialogue.turn_started()
        elif isinstance(frame, UserStoppedSpeakingFrame):
            self._dialogue.turn_stopped()
        elif isinstance(frame, RTVIClientMessageFrame) and (press := pressed(frame.type)):
            self._dialogue.pressed(press)


@dataclass(frozen=True)
class Speech:
    """What a conversation shares with the others of its process: the models, and a provider that
    goes before the engines where one is set."""

    engines: Engines
    models: SpeechModels
    repair: Repair
    provider: Provider | None = None

    def voice(self, book: Book = unbooked) -> Voice:
        """For one conversation, whose calls `book` is told of."""
        return self.provider.voice(book) if self.provider else self.engines.text_to_speech

    def asked(self, manner: Manner) -> Speech:
        """The same, with what an interview names of it; the embedded speech has one voice."""
        return replace(self, provider=self.provider.asked(manner)) if self.provider else self

    @classmethod
    def load(cls) -> Speech:
        """Loads everything from the wheels (about a second). Blocks; call it at start."""
        engines = load_engines()
        return cls(engines, SpeechModels(), TermRepair(engines.text_to_speech.phonemes))

    async def warm(self) -> None:
        """Runs each model once: the first inference costs several times a later one."""
        await self.engines.warm()
        await self.models.warm()

    def close(self) -> None:
        self.engines.close()
        self.models.close()


class Bot:
    """One pipeline and what the dialogue does in it: this is its `Room`."""

    def __init__(
        self,
        transport: BaseTransport,
        speech: Speech,
        recording: Recording | None,
        turns: TurnTaking,
        *,
        terms: Callable[[], Sequence[str]],
        beat: Callable[[], None],
        book: Book,
    ) -> None:
        self._transport = transport
        self._speech = speech
        self._recording = recording
        self._turns = turns
        self._terms = terms
        self._book = book
        self._voice = speech.voice(book)
        self._preparing: asyncio.Task[None] | None = None
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()
        self.progress = Progress(beat)
        self.senses = Senses(self.progress)
        self._hearing = Hearing(self.senses.words)
        self.started = asyncio.Event()

    def connect(self, dialogue: Dialogue) -> None:
        """Builds the pipeline around the dialogue."""
        self._brain = Brain(dialogue, self._hearing)
        self._mouth = dialogue.mouth = Mouth(self._speak, self._interrupt, dialogue.page)
        self.worker = self._build(dialogue)

        async def on_pipeline_started(_: PipelineWorker, frame: Frame) -> None:
            self.started.set()

        async def on_false_interruption(_: PoliteTurnStart, text: str) -> None:
            dialogue.false_interruption()

        async def on_quiet(_: PatientTurnStop) -> None:
            dialogue.thinking()

        self.worker.add_event_handler("on_pipeline_started", on_pipeline_started)
        self._turns.start.add_event_handler("on_false_interruption", on_false_interruption)
        self._turns.stop.add_event_handler("on_quiet", on_quiet)

    def _build(self, dialogue: Dialogue) -> PipelineWorker:
        aggregators = LLMContextAggregatorPair(
            LLMContext(), user_params=self._turns.aggregator_params()
        )
        recorder = [Recorder(self._recording)] if self._recording else []
        pipeline = Pipeline(
            [
                self._transport.input(),
                *self._ears(),
                Scribe(dialogue, self._hearing),
                aggregators.user(),
                self._brain,
                EmbeddedTTSService(self._voice),
                self._transport.output(),
                Ear(dialogue.mouth.passed, self.senses.sound),
                *recorder,
                aggregators.assistant(),
                self.progress,
            ]
        )
        return PipelineWorker(
            pipeline,
            params=PipelineParams(
                audio_in_sample_rate=STT_RATE_HZ,
                audio_out_sample_rate=TTS_RATE_HZ,
                enable_heartbeats=True,
                heartbeats_period_secs=HEARTBEAT_S,
            ),
            cancel_timeout_secs=CANCEL_WITHIN_S,
            # A bot that can no longer hear or speak is of no use: its end brings another one.
            processor_unusable_policy=ProcessorUnusablePolicy.CANCEL,
            rtvi_observer_params=RTVIObserverParams(
                metrics_enabled=False,
                bot_llm_enabled=False,
                bot_tts_enabled=False,
                bot_output_enabled=False,
                user_llm_enabled=False,
                user_input_enabled=False,
            ),
            enable_turn_tracking=False,
            idle_timeout_secs=None,
            check_dangling_tasks=False,
        )

    def _ears(self) -> list[FrameProcessor]:
        """The embedded recogniser, behind that of the provider."""
        speech, terms = self._speech, self._terms
        engine, repair, provider = speech.engines.speech_to_text, speech.repair, speech.provider
        if provider is None:
            return [EmbeddedSTTService(engine, repair=repair, terms=terms)]
        return provider.ears(engine, repair, terms, self._book)

    # -- the dialogue's room

    @property
    def candidate_speaking(self) -> bool:
        return self._hearing.speaking

    @property
    def words_due(self) -> bool:
        return self._hearing.words_due

    def send(self, message: Message) -> None:
        self._outbox.put_nowait(message)

    async def deliver(self) -> None:
        """Sends what is in the outbox, in order, until cancelled."""
        while True:
            message = await self._outbox.get()
            await self.worker.rtvi.send_server_message(message)
            self._outbox.task_done()

    async def delivered(self) -> None:
        """Returns when the outbox is empty."""
        await self._outbox.join()

    async def last_words(self, within_s: float) -> None:
        """Returns when what the candidate was saying is recognised, or after `within_s`."""
        try:
            async with asyncio.timeout(within_s):
                await self._hearing.settled()
        except TimeoutError:
            return

    def quiet(self, asked: timedelta | None) -> None:
        if asked is None:
            self._turns.stop.leave_quiet()
        else:
            self._turns.stop.open_quiet(asked.total_seconds())

    def expect(self, kind: Kind, *, reply: bool = False) -> None:
        self._turns.interruptions.short_answers_count = kind is Kind.CONTROL
        self._turns.stop.kind = kind
        if reply:
            self._turns.reply_due()

    async def close_turn(self) -> None:
        await self._turns.stop.close_now()

    def pass_time(self, seconds: float) -> None:
        """Raises Senseless. A line that is held while the candidate speaks owes no sound yet."""
        if self._turns.voice.held:
            self.senses.sound.settle()
        elif self._mouth.speaking:
            self.senses.sound.owe()
        self.senses.pass_time(seconds)

    async def _speak(self, frame: Frame) -> None:
        if isinstance(frame, TTSSpeakFrame):
            self.senses.sound.owe()
        await self._brain.push_frame(frame)

    async def _interrupt(self) -> None:
        if self._turns.voice.held:
            self._turns.voice.drop()
        await self._brain.broadcast_frame(InterruptionFrame)

    def prepare(self, texts: Sequence[str]) -> None:
        """Synthesises in the background; what was prepared for before gives way."""
        if self._preparing:
            self._preparing.cancel()
        self._preparing = asyncio.create_task(self._prepare(texts))

    async def _prepare(self, texts: Sequence[str]) -> None:
        for text in texts:
            await self._voice.prepare(text)

    def close(self) -> None:
        if self._preparing:
            self._preparing.cancel()
