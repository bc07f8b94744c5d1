"""When the candidate's turn begins and ends, as Pipecat's turn strategies.

The decisions are pure and stand in `pauses.py` (how long a pause must be) and `interruptions.py`
(whether a sound is an interruption). Here they meet frames, clocks and the voice on its way out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    STTMetadataFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.aggregators.llm_response_universal import LLMUserAggregatorParams
from pipecat.turns.types import ProcessFrameResult
from pipecat.turns.user_start import BaseUserTurnStartStrategy
from pipecat.turns.user_stop import BaseUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies

from voice.holding import HeldVoice
from voice.interruptions import Action, Interruptions
from voice.models import RATE_HZ, TURN_WINDOW_S, SpeechModels
from voice.pauses import WAIT_S, Ending, Kind, Pace, Patience, ending
from voice.speech import NothingHeardFrame

#: Heard before a turn's first word counts; the voice detector needs 0.2 s of it to be sure.
LEAD_IN_BYTES: Final = int(2 * RATE_HZ * 0.7)
WINDOW_BYTES: Final = 2 * RATE_HZ * TURN_WINDOW_S
#: Quiet mode without a time asked for ends after this; a candidate who is gone is not waited for.
QUIET_S: Final = 60.0
#: "I'm done" while there is still a voice (the last word, a television): closes after this.
CLOSE_ANYWAY_S: Final = 0.5
#: How much longer a pause is followed while a voice may be beginning.
STIRRING_S: Final = 0.25
#: Pipecat's own limit for a turn without activity, far above every pause that is waited for here.
WATCHDOG_S: Final = 3600.0


class PatientTurnStop(BaseUserTurnStopStrategy):  # type: ignore[no-untyped-call]  # Pipecat's
    """Ends the candidate's turn when a pause has lasted long enough, and says so beforehand.

    Events (handlers run in tasks of their own):
    - `on_eager(strategy, text)`: this pause will probably end the turn. Once per pause; prepare the
      reply now, it is due in what is left of the wait.
    - `on_quiet(strategy)`: "let me think" in the middle of an answer opened quiet mode.
    """

    def __init__(
        self,
        finished: Callable[[bytes], Awaitable[float]],
        *,
        patience: Patience | None = None,
        pace: Pace | None = None,
        stirring: Callable[[], bool] = lambda: False,
    ) -> None:
        """`finished` gives the probability that the speaker of 16 kHz PCM has finished; `stirring`
        says that a voice may just be beginning.
        """
        super().__init__()
        self._stirring = stirring
        self.patience = patience or Patience()
        #: What kind of answer is waited for: whoever asks sets it.
        self.kind = Kind.EXPLAIN
        self._finished = finished
        self._pace = pace or Pace()
        self._transcript_wait_s = 0.0
        self._audio = bytearray()
        self._in_turn = False
        self._voice = False
        self._silent_since = 0.0
        self._words_due = False
        self._text = ""
        self._closing = False
        self._quiet_until: float | None = None
        self._thinking_about = ""
        self._changed = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._register_event_handler("on_eager")
        self._register_event_handler("on_quiet")

    @property
    def in_turn(self) -> bool:
        return self._in_turn

    @property
    def quiet(self) -> bool:
        """Quiet mode is on: silence does not end the turn."""
        return self._quiet_until is not None and _now() < self._quiet_until

    def open_quiet(self, for_s: float | None = None) -> None:
        """Silence ends no turn until there is speech, `close_now`, or `for_s` seconds are over."""
        self._quiet_until = _now() + (QUIET_S if for_s is None else for_s)
        self._changed.set()

    def leave_quiet(self) -> None:
        self._quiet_until = None
        self._changed.set()

    async def close_now(self) -> bool:
        """ "I'm done": ends the turn as soon as its last words are recognised.

        False when no turn is open; there is then nothing to end.
        """
        if not self._in_turn:
            return False
        self._closing = True
        self.leave_quiet()
        if self._voice:
            self.create_task(self._close_anyway(), "close_anyway")
        return True

    async def cleanup(self) -> None:
        await self._stop_watching()
        await super().cleanup()  # type: ignore[no-untyped-call]  # Pipecat's

    async def handle_user_turn_started(self) -> None:
        self._in_turn = True
        self._text = ""
        self._closing = False
        await self._stop_watching()
        if not self._voice:
            self._start_watching()

    async def handle_user_turn_stopped(self) -> None:
        self._in_turn = self._closing = False
        self._text = ""
        self._quiet_until = None
        del self._audio[:-LEAD_IN_BYTES]
        await self._stop_watching()

    async def process_frame(self, frame: Frame) -> ProcessFrameResult:
        match frame:
            case InputAudioRawFrame():
                self._keep(frame.audio)
            case VADUserStartedSpeakingFrame():
                await self._voice_started(frame)
            case VADUserStoppedSpeakingFrame():
                self._voice_stopped(frame)
            case TranscriptionFrame():
                self._add_words(frame)
            case NothingHeardFrame():
                self._words_due = False
                self._changed.set()
            case STTMetadataFrame():
                self._transcript_wait_s = frame.ttfs_p99_latency
        return ProcessFrameResult.CONTINUE

    def _keep(self, audio: bytes) -> None:
        self._audio += audio
        kept = WINDOW_BYTES if self._in_turn or self._voice else LEAD_IN_BYTES
        del self._audio[:-kept]

    async def _voice_started(self, frame: VADUserStartedSpeakingFrame) -> None:
        self._voice = True
        self._quiet_until = None
        if self._text:  # otherwise the silence was the interviewer's
            self._pace.observe(_moment(frame.timestamp, frame.start_secs) - self._silent_since)
        await self._stop_watching()

    def _voice_stopped(self, frame: VADUserStoppedSpeakingFrame) -> None:
        self._voice = False
        self._words_due = True
        self._silent_since = _moment(frame.timestamp, frame.stop_secs)
        if self._in_turn:
            self._start_watching()

    def _add_words(self, frame: TranscriptionFrame) -> None:
        if self._in_turn:
            self._text = f"{self._text} {frame.text}".strip()
        if frame.finalized:
            self._words_due = False
        self._changed.set()

    def _start_watching(self) -> None:
        if self._watch is None:
            self._watch = self.create_task(self._watch_pause(), "pause")

    async def _stop_watching(self) -> None:
        """Ends the watch, unless it is the watch itself that ends the turn."""
        watch, self._watch = self._watch, None
        if watch and watch is not asyncio.current_task():
            await self.cancel_task(watch)

    async def _watch_pause(self) -> None:
        """Follows one pause until it is long enough; a new word cancels it."""
        scores: list[float] = []
        rungs = list(self.patience.rungs(self.kind))
        told = False
        while True:
            self._changed.clear()
            if rungs and self._silence_s() >= rungs[0]:
                rungs = [rung for rung in rungs if rung > self._silence_s()]
                scores.append(await self._finished(bytes(self._audio)))
            needed_s = self._needed_s(scores)
            ends_at_s = needed_s + (STIRRING_S if self._stirring() and not self._closing else 0.0)
            if not self._awaiting_words():
                if self._silence_s() >= ends_at_s:
                    break
                if not told and scores and needed_s <= self.patience.wait_s:
                    told = True
                    await self._call_event_handler("on_eager", self._text)
            await self._until([*rungs[:1], needed_s, *self._look_again()])
        self._watch = None
        await self.trigger_user_turn_stopped()

    async def _until(self, moments_s: list[float]) -> None:
        """Waits for news, or for the pause to reach the first of these lengths."""
        silence_s = self._silence_s()
        if self._awaiting_words():
            moments_s = [*moments_s, self._transcript_wait_s]
        coming = [moment for moment in moments_s if moment > silence_s]
        try:
            async with asyncio.timeout(min(coming) - silence_s if coming else WATCHDOG_S):
                await self._changed.wait()
        except TimeoutError:
            return

    def _needed_s(self, scores: list[float]) -> float:
        if self._closing:
            return 0.0
        if self._text != self._thinking_about and ending(self._text) is Ending.THINKING:
            self._thinking_about = self._text  # leaving quiet mode does not open it again
            self.open_quiet()
            self.create_task(self._call_event_handler("on_quiet"), "quiet")
        needed_s = self.patience.needed_s(scores, self._text, self._pace.relative, self.kind)
        if self._quiet_until is not None:
            needed_s = max(needed_s, self._quiet_until - self._silent_since)
        return needed_s

    def _look_again(self) -> list[float]:
        """A voice is noticed 0.15 to 0.2 s after it began; no turn is ended under a first word."""
        return [self._silence_s() + 0.03] if self._stirring() else []

    def _silence_s(self) -> float:
        return _now() - self._silent_since

    def _awaiting_words(self) -> bool:
        return self._words_due and self._silence_s() < self._transcript_wait_s

    async def _close_anyway(self) -> None:
        """Cuts the voice off as if it had stopped: Pipecat ends no turn while it hears one."""
        await asyncio.sleep(CLOSE_ANYWAY_S)
        if self._closing and self._voice:
            await self.broadcast_frame(VADUserStoppedSpeakingFrame, stop_secs=0.0)


class PoliteTurnStart(BaseUserTurnStartStrategy):  # type: ignore[no-untyped-call]  # Pipecat's
    """Begins the candidate's turn, and holds the interviewer's voice while a sound is unclear.

    Events (handlers run in tasks of their own):
    - `on_taken_back(strategy)`: the last turn was ended too soon; the candidate goes on. Comes with
      the beginning of the new turn, whose words belong to the same answer.
    - `on_false_interruption(strategy, text)`: the interviewer goes on; `text` is the backchannel,
      "" for a noise. It belongs to no answer and is no longer in the aggregation.
    """

    def __init__(self, voice: HeldVoice, interruptions: Interruptions, pace: Pace) -> None:
        super().__init__()
        self._voice = voice
        self._interruptions = interruptions
        self._pace = pace
        self._silent_since = 0.0
        self._pause_s = 0.0
        self._aside = ""
        self._register_event_handler("on_taken_back")
        self._register_event_handler("on_false_interruption")

    async def handle_user_turn_started(self) -> None:
        self._interruptions.turn_began()

    async def handle_user_turn_stopped(self) -> None:
        self._interruptions.turn_ended(_now())

    async def process_frame(self, frame: Frame) -> ProcessFrameResult:
        action = self._heard(frame)
        if action is Action.NONE:
            return ProcessFrameResult.CONTINUE
        await self._do(action)
        begins = action in (Action.START, Action.YIELD, Action.TAKE_BACK)
        return ProcessFrameResult.STOP if begins else ProcessFrameResult.CONTINUE

    def _heard(self, frame: Frame) -> Action:
        now, policy = _now(), self._interruptions
        match frame:
            case InputAudioRawFrame():
                return policy.tick(now)
            case VADUserStartedSpeakingFrame():
                voice_since = _moment(frame.timestamp, frame.start_secs)
                self._pause_s = voice_since - self._silent_since
                return policy.voice_started(now)
            case VADUserStoppedSpeakingFrame():
                self._silent_since = _moment(frame.timestamp, frame.stop_secs)
                policy.voice_stopped(now)
            case TranscriptionFrame():
                self._aside = frame.text
                return policy.words(frame.text, now, final=True)
            case InterimTranscriptionFrame():
                return policy.words(frame.text, now, final=False)
            case NothingHeardFrame():
                return policy.nothing_heard(now)
            case BotStartedSpeakingFrame():
                policy.bot_started(now)
            case BotStoppedSpeakingFrame():
                self._voice.begin()
                policy.bot_stopped(now)
        return Action.NONE

    async def _do(self, action: Action) -> None:
        if action is Action.HOLD:
            self._aside = ""
            self._voice.hold()
            return
        if action is Action.RESUME:
            await self.trigger_reset_aggregation()  # type: ignore[no-untyped-call]  # Pipecat's
            self._voice.resume()
            await self._call_event_handler("on_false_interruption", self._aside)
            return
        if action is not Action.START:
            self._voice.drop()
        if action is Action.TAKE_BACK:
            self._pace.observe(self._pause_s)
            await self._call_event_handler("on_taken_back")
        await self.trigger_user_turn_started()


class TurnTaking:
    """One conversation's turn taking. Where its parts go:

    - `voice` is the transport's `audio_out_filter`; without it nothing can be held.
    - `strategies` are the user aggregator's and `detector` its voice detector, with
      `user_turn_stop_timeout=WATCHDOG_S` and `empty_user_turn=None`: see `aggregator_params`.
    - The pipeline is interrupted only when the candidate's turn begins. A sound that turns out to
      be none leaves the sentence, and every frame queued behind it, where it was.
    - Transcripts reach processors before the aggregator also when they are a backchannel, outside
      of any turn: keep what was heard since `on_user_turn_started`, and what was heard just before
      a turn that such words began; forget it on `on_false_interruption`.
    - Turns without words occur (a cough in silence): their message is empty and asks for nothing.
    """

    def __init__(self, models: SpeechModels, *, patience_s: float = WAIT_S) -> None:
        pace = Pace()
        self.detector = models.voice_detector()
        self.voice = HeldVoice()
        self.interruptions = Interruptions()
        self.start = PoliteTurnStart(self.voice, self.interruptions, pace)
        self.stop = PatientTurnStop(
            models.finished,
            patience=Patience(patience_s),
            pace=pace,
            stirring=lambda: self.detector.stirring,
        )

    def reply_due(self) -> None:
        """More is about to be said (the question after "thank you"): a cough does not cancel it."""
        self.interruptions.reply_due(_now())

    @property
    def strategies(self) -> UserTurnStrategies:
        return UserTurnStrategies(start=[self.start], stop=[self.stop])

    def aggregator_params(self) -> LLMUserAggregatorParams:
        return LLMUserAggregatorParams(
            vad_analyzer=self.detector,
            user_turn_strategies=self.strategies,
            user_turn_stop_timeout=WATCHDOG_S,
            empty_user_turn=None,
        )


def _now() -> float:
    """The event loop's clock: its timers go by it, also where a loop runs ahead of time."""
    return asyncio.get_running_loop().time()


def _moment(timestamp: float, before_s: float) -> float:
    """A frame's wall-clock time, less `before_s`, on the event loop's clock."""
    return _now() - (time.time() - timestamp) - before_s
