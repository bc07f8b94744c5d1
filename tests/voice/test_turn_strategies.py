"""The turn strategies in Pipecat's user aggregator, fed with scripted voices and transcripts.

Times are real and short: the patience here is a fifth of a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    STTMetadataFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

from tests.waiting import eventually
from voice.holding import HeldVoice
from voice.interruptions import Interruptions
from voice.pauses import PROMISED_S, Kind, Pace, Patience
from voice.speech import NothingHeardFrame
from voice.turns import WATCHDOG_S, PatientTurnStop, PoliteTurnStart

PATIENCE_S = 0.2
SLOW_RECOGNISER = STTMetadataFrame(service_name="slow", ttfs_p99_latency=3.0)
SILENCE = InputAudioRawFrame(bytes(640), 16_000, 1)


class Heard(FrameProcessor):
    def __init__(self) -> None:
        super().__init__()
        self.interruptions = 0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        self.interruptions += isinstance(frame, InterruptionFrame)
        await self.push_frame(frame, direction)


class Table:
    """Candidate and interviewer, as frames."""

    def __init__(self) -> None:
        self.score = 0.95
        self.voice = HeldVoice()
        self.pace = Pace()
        self.interruptions = Interruptions()
        self.start = PoliteTurnStart(self.voice, self.interruptions, self.pace)
        self.stop = PatientTurnStop(self._finished, patience=Patience(PATIENCE_S), pace=self.pace)
        self.turns: list[str] = []
        self.happened: list[str] = []
        self.scored = 0
        pair = LLMContextAggregatorPair(
            LLMContext(),
            user_params=LLMUserAggregatorParams(
                user_turn_strategies=UserTurnStrategies(start=[self.start], stop=[self.stop]),
                user_turn_stop_timeout=WATCHDOG_S,
                empty_user_turn=None,
            ),
        )
        self._sink = Heard()
        self.worker = PipelineWorker(
            Pipeline([pair.user(), self._sink]),
            params=PipelineParams(audio_in_sample_rate=16_000),
            idle_timeout_secs=None,
        )
        self._listen(pair)

    @property
    def interrupted(self) -> int:
        return self._sink.interruptions

    async def run(self) -> None:
        runner = WorkerRunner(handle_sigint=False, handle_sigterm=False)
        await runner.add_workers(self.worker)
        await runner.run()

    async def tell(self, *frames: Frame) -> None:
        for frame in frames:
            await self.worker.queue_frame(frame)

    async def speak(self) -> None:
        await self.tell(VADUserStartedSpeakingFrame(start_secs=0.0))

    async def fall_silent(self, text: str | None = None) -> None:
        """The voice ends; its words, if any, follow at once."""
        await self.tell(VADUserStoppedSpeakingFrame(stop_secs=0.0))
        if text is not None:
            await self.words(text)

    async def words(self, text: str) -> None:
        if not text:
            await self.tell(NothingHeardFrame())
            return
        await self.tell(TranscriptionFrame(text, "", "", finalized=True))

    async def ask(self) -> None:
        await self.tell(BotStartedSpeakingFrame())

    async def finish_asking(self) -> None:
        await self.tell(BotStoppedSpeakingFrame())

    async def ended(self, count: int = 1, within_s: float = 5.0) -> list[str]:
        await eventually(lambda: len(self.turns) >= count, within_s=within_s)
        return self.turns

    async def _finished(self, audio: bytes) -> float:
        self.scored += 1
        return self.score

    def _listen(self, pair: LLMContextAggregatorPair) -> None:
        async def stopped(aggregator: Any, strategy: Any, message: Any) -> None:
            self.turns.append(message.content)

        def note(what: str) -> Any:
            async def noted(strategy: Any, *arguments: Any) -> None:
                self.happened.append(what)

            return noted

        pair.user().add_event_handler("on_user_turn_stopped", stopped)
        self.stop.add_event_handler("on_eager", note("eager"))
        self.stop.add_event_handler("on_quiet", note("quiet"))
        self.start.add_event_handler("on_taken_back", note("taken back"))
        self.start.add_event_handler("on_false_interruption", note("went on"))


@pytest.fixture
async def table() -> AsyncIterator[Table]:
    table = Table()
    running = asyncio.create_task(table.run())
    yield table
    await table.worker.cancel()
    await running


async def test_an_answer_ends_when_its_pause_is_long_enough(table: Table) -> None:
    await table.speak()
    silent_at = time.monotonic()
    await table.fall_silent("A queue is a list.")
    assert await table.ended() == ["A queue is a list."]
    assert PATIENCE_S <= time.monotonic() - silent_at < PATIENCE_S + 0.5


async def test_a_pause_within_the_patience_ends_nothing(table: Table) -> None:
    await table.speak()
    await table.fall_silent("A queue is a list.")
    await table.speak()
    await table.fall_silent("First in, first out.")
    assert await table.ended() == ["A queue is a list. First in, first out."]


async def test_only_pauses_inside_an_answer_are_the_candidates_pace(table: Table) -> None:
    for count in range(1, 8):
        await table.ask()
        await table.finish_asking()
        await table.speak()
        await table.fall_silent("A queue is a list.")
        await table.ended(count)
    assert table.pace.relative == 1.0


async def test_the_reply_can_be_prepared_inside_the_wait(table: Table) -> None:
    table.stop.patience = Patience(0.8)
    await table.speak()
    await table.fall_silent("A queue is a list.")
    await eventually(lambda: table.happened == ["eager"])
    assert table.turns == []
    await table.ended()


async def test_a_yes_or_no_is_not_waited_for_as_long_as_an_explanation(table: Table) -> None:
    table.stop.patience, table.stop.kind = Patience(3.0), Kind.CONTROL
    table.score = 0.1
    await table.speak()
    silent_at = time.monotonic()
    await table.fall_silent("Not yet.")
    await table.ended()
    assert time.monotonic() - silent_at < 2.0
    assert table.scored == 0


async def test_an_unfinished_voice_is_waited_for_and_asked_again(table: Table) -> None:
    table.score = 0.1
    await table.speak()
    silent_at = time.monotonic()
    await table.fall_silent("A queue is a list.")
    await table.ended()
    assert time.monotonic() - silent_at > 1.5
    assert table.scored >= 3
    assert "eager" not in table.happened


async def test_a_turn_is_not_ended_before_its_last_words_are_known(table: Table) -> None:
    await table.tell(SLOW_RECOGNISER)
    await table.speak()
    await table.fall_silent()
    await eventually(lambda: table.scored >= 2)  # 0.4 s: twice the patience
    assert table.turns == []
    await table.words("A queue is a list.")
    assert await table.ended() == ["A queue is a list."]


async def test_im_done_ends_the_turn_at_once(table: Table) -> None:
    table.score = 0.0
    await table.speak()
    await table.fall_silent("It is slow because")
    await eventually(lambda: table.scored > 0)
    pressed_at = time.monotonic()
    assert await table.stop.close_now()
    await table.ended()
    assert time.monotonic() - pressed_at < 0.3


async def test_im_done_also_ends_a_turn_in_which_a_voice_goes_on(table: Table) -> None:
    await table.tell(SLOW_RECOGNISER)
    await table.speak()
    await table.words("A queue is a list.")
    await eventually(lambda: table.stop.in_turn)
    assert await table.stop.close_now()
    await eventually(lambda: table.scored > 0)
    await table.words("And more.")
    assert await table.ended() == ["A queue is a list. And more."]


async def test_im_done_without_a_turn_has_nothing_to_end(table: Table) -> None:
    assert not await table.stop.close_now()


async def test_let_me_think_inside_an_answer_opens_quiet_mode(table: Table) -> None:
    await table.speak()
    await table.fall_silent("The first way is chaining. Let me think.")
    await eventually(lambda: "quiet" in table.happened)
    assert table.stop.quiet
    await table.speak()
    await eventually(lambda: not table.stop.quiet)
    await table.fall_silent("The second is open addressing.")
    [text] = await table.ended()
    assert text.endswith("open addressing.")


async def test_quiet_mode_ends_after_the_time_asked_for(table: Table) -> None:
    await table.speak()
    await table.fall_silent("A queue is a list.")
    await eventually(lambda: table.stop.in_turn)
    table.stop.open_quiet(0.9)
    silent_at = time.monotonic()
    await table.ended()
    assert time.monotonic() - silent_at >= 0.8


async def test_leaving_quiet_mode_lets_the_pause_count(table: Table) -> None:
    await table.speak()
    await table.fall_silent("The first way is chaining. Let me think.")
    await eventually(lambda: table.stop.quiet)
    table.stop.leave_quiet()
    await table.ended(within_s=PROMISED_S + 1)


async def test_a_cough_in_silence_is_a_turn_without_words(table: Table) -> None:
    await table.speak()
    await table.fall_silent("")
    assert await table.ended() == [""]


async def test_a_cough_while_the_interviewer_speaks_holds_and_goes_on(table: Table) -> None:
    await table.ask()
    await table.speak()
    await eventually(lambda: table.voice.held, within_s=0.3)
    await table.fall_silent("")
    await eventually(lambda: not table.voice.held)
    await eventually(lambda: table.happened == ["went on"])
    assert table.interrupted == 0
    assert table.turns == []


async def test_a_nod_is_no_part_of_the_next_answer(table: Table) -> None:
    await table.ask()
    await table.speak()
    await table.fall_silent("Okay, right.")
    await eventually(lambda: table.happened == ["went on"])
    await table.finish_asking()
    await table.speak()
    await table.fall_silent("A queue is a list.")
    assert await table.ended() == ["A queue is a list."]


async def test_words_interrupt_and_begin_the_turn_with_themselves(table: Table) -> None:
    await table.ask()
    await table.speak()
    await table.fall_silent("Could you repeat that?")
    assert await table.ended() == ["Could you repeat that?"]
    assert table.interrupted == 1
    assert not table.voice.held


async def test_a_voice_that_goes_on_interrupts_without_words(table: Table) -> None:
    await table.ask()
    await table.speak()
    await eventually(lambda: table.voice.held)
    await eventually(lambda: _more_audio(table), within_s=3.0)
    await table.fall_silent("Because it is sorted.")
    assert await table.ended() == ["Because it is sorted."]


async def test_going_on_before_the_reply_is_heard_takes_the_answer_back(table: Table) -> None:
    await table.speak()
    await table.fall_silent("A queue is a list.")
    await table.ended()
    await table.speak()
    await table.fall_silent("With two ends.")
    assert await table.ended(2) == ["A queue is a list.", "With two ends."]
    assert "taken back" in table.happened


async def _more_audio(table: Table) -> bool:
    """Audio is the policy's clock."""
    await table.tell(SILENCE)
    return table.interrupted == 1
