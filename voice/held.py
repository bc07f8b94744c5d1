"""One held conversation, from its offer to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.conversation import ConversationEnd, ConversationResult, HoldConversation
from contracts.errors import CodeVoiceError, StaleFence
from contracts.interview import BotReady, Fence, Snapshot
from contracts.questions import Question
from contracts.rooms import AdmitsBots
from contracts.sdp import ANYWHERE, Reach
from contracts.turns import Turn
from contracts.usage import Usage
from voice import messages
from voice.bot import Bot, Speech
from voice.clerk import Clerk
from voice.dialogue import Dialogue
from voice.improvising import Improviser, Model
from voice.interviewer import Interviewer
from voice.lines import CLOSE_WITHIN_S, Line, in_room, open_line
from voice.messages import Notice
from voice.notebook import Notebook
from voice.protocols import InterviewUpdates, Journal
from voice.recorder import Recorded, Recording
from voice.recovered import Recovery
from voice.running import Stragglers, first_of, run_pipeline, stop_pipeline, within
from voice.script import Wording
from voice.turns import TurnTaking

_log = logging.getLogger("codevoice.voice")

PULSE_EVERY_S: Final = 0.5
ALIVE_EVERY_S: Final = 1.0
#: A pipeline that has moved nothing for this long is not alive, whatever the timer says.
STUCK_AFTER_S: Final = 3.0
#: Words on their way when the line goes are waited for: the voice detector ends them after 1 s.
LAST_WORDS_WITHIN_S: Final = 3.0
#: The first words wait so long, after the line is up, for what an earlier bot did not recognise.
RECOVERED_WITHIN_S: Final = 3.0
#: What is left to write at an orderly end, and when the worker cancels (one second in all).
TIDY_WITHIN_S: Final = 3.0
CANCELLED_TIDY_WITHIN_S: Final = 0.8
SENSES_EVERY_S: Final = 0.5
#: A new line is there a second after its bot was called for.
HEARD_OUT_WITHIN_S: Final = 3.0
#: None is a failure.
_ANOTHER_FOLLOWS: Final = (None, ConversationEnd.SUPERSEDED, ConversationEnd.HANDOFF)


@dataclass(frozen=True)
class ConversationSettings:
    """`recordings_url` is a folder (any fsspec URL); None records nothing. `ice_servers` are URLs.

    `handoff_grace_s` is how long a draining bot waits for its page to be served elsewhere.
    """

    recordings_url: str | None
    ice_servers: tuple[str, ...] = ()
    reach: Reach = ANYWHERE
    connect_within_s: float = 15.0
    handoff_grace_s: float = 8.0
    check_lasts_s: float = 60.0


@dataclass(frozen=True)
class House:
    """What all conversations of a process share."""

    speech: Speech
    settings: ConversationSettings
    wording: Wording
    model: Model
    draining: asyncio.Event
    stragglers: Stragglers
    rooms: AdmitsBots | None = None


class Held:
    """One attempt to hold one conversation. `run` may be called once."""

    def __init__(
        self,
        house: House,
        spec: HoldConversation,
        fence: Fence,
        *,
        journal: Journal,
        updates: InterviewUpdates,
        beat: Callable[[], None],
    ) -> None:
        self._house = house
        self._spec = spec
        self._fence = fence
        self._journal = journal
        self._updates = updates
        self._beat = beat
        self._tasks: list[asyncio.Task[Any]] = []
        self._recording: Recording | None = None
        self._incomplete = asyncio.Event()
        self._heard_out = False
        self._used: asyncio.Queue[Usage] = asyncio.Queue()
        self._notebook = Notebook(journal, lambda: self._dialogue.end(ConversationEnd.SUPERSEDED))
        self._dialogue: Dialogue
        self._interviewer: Interviewer
        self._bot: Bot
        self._line: Line
        self._recovery: Recovery
        self._recovering: asyncio.Task[None]
        self._pipeline: asyncio.Task[None]

    async def run(self) -> ConversationResult:
        """Raises what `Conversation.hold` says; StaleFence too."""
        changes = self._journal.changes()
        await self._journal.take_fence()
        await self._get_ready()
        self._pipeline = asyncio.create_task(run_pipeline(self._bot.worker))
        beside = (
            self._notebook.run(),
            self._bot.deliver(),
            self._follow(changes),
            self._pulse(),
            self._stay_alive(),
            self._watch_line(),
            self._line.taken(),
            self._welcome_back(),
            self._watch_drain(),
            self._watch_recording(),
            self._watch_senses(),
        )
        tasks = [asyncio.create_task(each) for each in beside]
        booking = asyncio.create_task(self._book())
        self._tasks = [*tasks, self._recovering]
        try:
            end = await first_of(self._talk(), [self._pipeline, *tasks])
            if end is ConversationEnd.SUPERSEDED and self._house.draining.is_set():
                # The next bot, which has the line in a moment, waits for the end of this recording.
                self._heard_out = await within(HEARD_OUT_WITHIN_S, self._line.left.wait())
                end = ConversationEnd.HANDOFF
        except asyncio.CancelledError:
            tidying = asyncio.create_task(self._tidy(None))
            await asyncio.wait([tidying], timeout=CANCELLED_TIDY_WITHIN_S)
            raise
        except BaseException:
            await self._tidied(None)
            raise
        else:
            await self._tidied(end)
        finally:
            booking.cancel()
        connected = self._line.connected.is_set() and self._bot.started.is_set()
        return ConversationResult(end=end, turns=self._notebook.written, connected=connected)

    async def _get_ready(self) -> None:
        """Reads the record, opens the line, reports ready, builds the pipeline.

        What a bot that died had not recognised is looked for meanwhile: the line takes its time.
        """
        plan, turns, manner, last_alive_at, left = await asyncio.gather(
            self._journal.plan(),
            self._journal.turns(),
            self._journal.manner(),
            self._journal.last_alive_at(),
            self._journal.left_recordings(),
        )
        speech, wording = self._house.speech.asked(manner), self._house.wording
        taking = TurnTaking(speech.models, patience_s=manner.patience_s)
        ready: asyncio.Future[Interviewer] = asyncio.get_running_loop().create_future()
        self._recovery = Recovery(
            speech,
            wording,
            self._journal,
            plan=plan,
            turns=turns,
            interviewer=ready,
            book=self._used.put_nowait,
        )
        self._recovering = asyncio.create_task(self._recovery.run(left))
        try:
            self._line = await open_line(self._house, self._spec, self._journal, taking.voice)
        except BaseException:
            self._recovering.cancel()
            raise
        try:
            self._begin_recording()
            offer_id = self._spec.offer_id
            bot = BotReady(fence=self._fence, offer_id=offer_id, last_alive_at=last_alive_at)
            snapshot, _ = await asyncio.gather(self._updates.bot_ready(bot), self._note_recording())
        except BaseException:
            self._recovering.cancel()
            await within(CLOSE_WITHIN_S, self._line.close())
            await within(CLOSE_WITHIN_S, self._end_recording())
            raise
        self._assemble(plan, snapshot, taking, speech)
        ready.set_result(self._interviewer)
        self._bot.prepare([line.text for line in self._interviewer.opening(turns)])

    def _assemble(
        self,
        plan: Mapping[UUID, Question],
        snapshot: Snapshot,
        taking: TurnTaking,
        speech: Speech,
    ) -> None:
        improviser = Improviser(self._house.model, self._used.put_nowait)
        interviewer = Interviewer(plan, self._house.wording, snapshot, improviser)
        self._interviewer = interviewer
        self._bot = Bot(
            self._line.transport,
            speech,
            self._recording,
            taking,
            terms=lambda: interviewer.question.key_terms if interviewer.question else (),
            beat=self._beat,
            book=self._used.put_nowait,
        )
        clerk = Clerk(
            self._spec.interview_id,
            self._fence,
            journal=self._journal,
            updates=self._updates,
            notebook=self._notebook,
            recording=self._recording,
        )
        self._dialogue = Dialogue(interviewer, clerk, self._bot, self._fence.epoch)
        self._bot.connect(self._dialogue)

    async def _talk(self) -> ConversationEnd:
        try:
            async with asyncio.timeout(self._house.settings.connect_within_s):
                await self._line.connected.wait()
                await self._bot.started.wait()
        except TimeoutError:
            return ConversationEnd.LEFT
        return await self._dialogue.run(await self._recovered())

    async def _recovered(self) -> Sequence[Turn]:
        """All turns so far. Raises StaleFence."""
        await asyncio.wait([self._recovering], timeout=RECOVERED_WITHIN_S)
        if self._recovering.done():
            self._recovering.result()
        else:
            _log.warning("recovering words of %s takes too long", self._spec.interview_id)
            self._recovering.cancel()
        return self._recovery.turns

    # -- beside the talk

    async def _follow(self, changes: AsyncIterator[int]) -> None:
        async for state_version in changes:
            self._dialogue.changed(state_version)

    async def _book(self) -> None:
        """What providers were used for. A database that is away for long costs an entry."""
        while True:
            call = await self._used.get()
            try:
                await self._journal.book(call)
            except CodeVoiceError as failure:
                _log.warning("a call is not booked: %s", failure.kind)
            self._used.task_done()

    async def _pulse(self) -> None:
        while True:
            self._bot.send(messages.pulse(self._fence.epoch))
            await asyncio.sleep(PULSE_EVERY_S)

    async def _stay_alive(self) -> None:
        """Notes each second that frames move, once the candidate is there to hear them. A database
        that is away misses a note and no more."""
        await self._line.connected.wait()
        while True:
            await asyncio.sleep(ALIVE_EVERY_S)
            if self._bot.progress.quiet_for_s() < STUCK_AFTER_S:
                try:
                    await self._journal.touch_alive()
                except StaleFence:
                    self._dialogue.end(ConversationEnd.SUPERSEDED)
                except CodeVoiceError as failure:
                    _log.warning("not noted as alive: %s", failure.kind)

    async def _watch_line(self) -> None:
        """The candidate hung up or vanished. What was being said is still recognised and kept."""
        gone = [
            asyncio.create_task(self._line.left.wait()),
            asyncio.create_task(self._line.lost(self._bot.progress.silent_line_s)),
        ]
        try:
            await asyncio.wait(gone, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in gone:
                task.cancel()
        await self._bot.last_words(LAST_WORDS_WITHIN_S)
        await self._dialogue.line_gone()

    async def _welcome_back(self) -> None:
        while True:
            await self._line.returned.wait()
            self._line.returned.clear()
            self._dialogue.returned()

    async def _watch_senses(self) -> None:
        """A bot that is deaf, mute or stuck fails, and the page's next offer gets another."""
        await self._bot.started.wait()
        await self._line.connected.wait()
        while not self._line.left.is_set():
            await asyncio.sleep(SENSES_EVERY_S)
            self._bot.pass_time(SENSES_EVERY_S)

    async def _watch_drain(self) -> None:
        """Over a line of its own the page finds the next bot; in a room the next bot comes."""
        await self._house.draining.wait()
        if in_room(self._spec):
            await self._bot.last_words(LAST_WORDS_WITHIN_S)
        else:
            self._bot.send(messages.moving())
            await asyncio.sleep(self._house.settings.handoff_grace_s)
        self._dialogue.end(ConversationEnd.HANDOFF)

    # -- the recording

    def _begin_recording(self) -> None:
        folder = self._house.settings.recordings_url
        if folder is not None:
            name = str(self._spec.interview_id)
            self._recording = Recording(folder, name, uuid7(), self._incomplete.set)
            self._recording.start()

    async def _note_recording(self) -> None:
        if self._recording:
            recording = self._recording
            await self._journal.begin_recording(
                recording.recording_id, recording.url, recording.started_at
            )

    async def _watch_recording(self) -> None:
        """Tells at once that it is incomplete: the report is made while the bot says goodbye."""
        await self._incomplete.wait()
        self._bot.send(messages.notice(Notice.RECORDING_INCOMPLETE))
        if self._recording:
            await self._note_recorded(self._recording.recorded)

    # -- the end

    async def _tidied(self, end: ConversationEnd | None) -> None:
        """Goes on when it is cancelled: else the recording is written for ever."""
        tidying = asyncio.create_task(self._tidy(end))
        try:
            await asyncio.shield(tidying)
        except asyncio.CancelledError:
            await asyncio.wait([tidying], timeout=CANCELLED_TIDY_WITHIN_S)
            raise

    async def _tidy(self, end: ConversationEnd | None) -> None:
        """Writes what is left, tells the page, closes everything. `end` is None after a failure."""
        self._dialogue.abandon()
        if end in (ConversationEnd.FINISHED, ConversationEnd.PAUSED):
            self._bot.send(messages.ended(end.value))
        try:
            async with asyncio.timeout(TIDY_WITHIN_S if end else CANCELLED_TIDY_WITHIN_S / 4):
                await self._bot.delivered()
                await self._notebook.flush()
        except TimeoutError:
            _log.warning("the last turns of %s are not stored", self._spec.interview_id)
        for task in self._tasks:
            task.cancel()
        self._bot.close()
        await stop_pipeline(self._bot.worker, self._pipeline, self._house.stragglers)
        await within(CLOSE_WITHIN_S, self._line.close())
        cut_off = end in _ANOTHER_FOLLOWS and self._bot.words_due and not self._heard_out
        heard = not (cut_off or self._bot.senses.words.overdue)
        await within(CLOSE_WITHIN_S, self._end_recording(heard=heard))
        await within(CLOSE_WITHIN_S, self._used.join())

    async def _end_recording(self, *, heard: bool = True) -> None:
        """One with words that nobody heard stays open in the record: the next bot finds them."""
        if self._recording is None:
            return
        recorded = await self._recording.close()
        if heard:
            await self._note_recorded(recorded)

    async def _note_recorded(self, recorded: Recorded) -> None:
        try:
            await self._journal.finish_recording(
                recorded.recording_id,
                complete=recorded.complete,
                duration_ms=recorded.duration_ms,
            )
        except Exception as failure:
            _log.warning(
                "recording %s is not closed: %s", recorded.recording_id, type(failure).__name__
            )
