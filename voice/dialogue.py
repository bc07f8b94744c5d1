"""The conversation's course: who has the floor, what is done about what was heard.

Everything that happens (a turn, a stretch of speech, a button, a change made over HTTP, a reply of
the workflow) is put into one queue and handled in order by one task, so that no two handlers meet.
Silence does not wait for it: the pipeline interrupts the bot by itself, and this catches up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from uuid_utils.compat import uuid7

from contracts.conversation import ConversationEnd
from contracts.errors import StaleFence
from contracts.interview import InterviewStatus, Snapshot
from contracts.turns import Turn, TurnPurpose
from voice.answering import Answering
from voice.clerk import Clerk
from voice.ending import Ending
from voice.floor import CandidateTurn, Floor, Room, Utterance
from voice.inbox import Inbox
from voice.interruptions import is_backchannel
from voice.interviewer import QUIET_MODE, Interviewer, Line, Step, prompts_differ
from voice.messages import Notice, Press
from voice.page import Page
from voice.running import first_of
from voice.speaking import Mouth
from voice.speech import Heard
from voice.timekeeper import Due, Timekeeper

#: Sound without words that is longer than this was probably meant for the bot.
UNHEARD_AFTER_S: Final = 2.5
#: Words that start no turn within this time were a nod.
UNCLEAR_FOR_S: Final = 1.0
#: "Sorry, go on": to somebody who fell silent because the bot had spoken. Above the default
#: patience, so that a finished addition is answered instead.
GO_ON_AFTER_S: Final = 1.6
TICK_S: Final = 0.25


class Dialogue:
    """One conversation's course. `run` returns how it ended."""

    mouth: Mouth

    def __init__(self, interviewer: Interviewer, clerk: Clerk, room: Room, epoch: int) -> None:
        self._interviewer = interviewer
        self._clerk = clerk
        self._room = room
        self._epoch = epoch
        self._time = Timekeeper(interviewer)
        self.page = Page(room, clerk, self._prompt_heard, self._silent)
        self._inbox = Inbox()
        self._post = self._inbox.post
        self._answer = Answering(
            interviewer,
            clerk,
            recorded=lambda snapshot: self._post(self._recorded, snapshot),
            delayed=self._delayed,
            stale=lambda: self.end(ConversationEnd.SUPERSEDED),
        )
        self._ending = Ending()
        self._floor = Floor.ASKING
        self._turn: CandidateTurn | None = None
        self._in_turn = False  # the same, known at once
        self._early: list[Utterance] = []  # heard before it is clear whose floor it is
        self._caption_id = uuid7()
        self._go_on_at: float | None = None

    # -- life

    async def run(self, turns: Sequence[Turn]) -> ConversationEnd:
        """Says the opening and handles what happens until the end. Raises what a handler raises."""
        self._answer.go_on_with(turns)
        await self._ask(self._interviewer.opening(turns))
        tasks = [asyncio.create_task(self._inbox.handle()), asyncio.create_task(self._tick())]
        try:
            return await first_of(self._ending.wait(), tasks)
        except StaleFence:
            return ConversationEnd.SUPERSEDED
        finally:
            for task in tasks:
                task.cancel()
            self._answer.close()

    def end(self, end: ConversationEnd) -> None:
        """Ends without another word."""
        self._ending.now(end)

    async def line_gone(self) -> None:
        """The candidate is not there any more; what was said up to then is still handled."""
        await self._inbox.caught_up()
        self.end(self._ending.after_farewell or ConversationEnd.LEFT)

    def abandon(self) -> None:
        """Notes what was being said when the line went: it was heard up to here."""
        self.mouth.cut()
        self.mouth.drop()

    # -- what the pipeline reports

    def turn_started(self) -> None:
        """The candidate has the floor; the bot is silent already."""
        self._in_turn = True
        self.mouth.cut()
        self._post(self._turn_started)

    def heard(self, heard: Heard) -> None:
        """A stretch of speech, possibly before its turn is known to have started."""
        turn_id, self._caption_id = self._caption_id, uuid7()
        self.page.candidate(turn_id, heard.text, final=True)
        self._post(self._heard, Utterance(heard, turn_id))

    def interim(self, text: str) -> None:
        self.page.candidate(self._caption_id, text, final=False)

    def false_interruption(self) -> None:
        """What was just heard was a nod or a noise; the bot goes on by itself."""
        self._post(self._nothing_meant)

    def thinking(self) -> None:
        """Quiet mode was opened in the middle of an answer: "let me think"."""
        self._time.quiet(QUIET_MODE)
        self.page.show("thinking")

    def turn_stopped(self) -> None:
        self._in_turn = False
        self._post(self._turn_stopped)

    def pressed(self, press: Press) -> None:
        self._post(self._pressed, press)

    def changed(self, state_version: int) -> None:
        """A newer state was saved, by this bot or by somebody else."""
        self._post(self._changed, state_version)

    def _silent(self) -> None:
        self._time.sound()
        if self._floor is Floor.LEAVING:
            self._post(self._left)
        else:
            self._show_state()

    def _show_state(self) -> None:
        if self._floor is Floor.RECORDING:
            self.page.show("writing")
        elif self._floor is Floor.LISTENING:
            self.page.show("thinking" if self._time.quiet_mode else "listening")

    # -- asking

    async def _ask(self, lines: Sequence[Line]) -> None:
        """Says what leads to the next prompt, or to the end."""
        if self._interviewer.over:
            await self._leave(ConversationEnd.FINISHED, lines)
            return
        asks = any(line.asks for line in lines)
        self._floor = Floor.ASKING if asks else Floor.RECORDING
        self._time.quiet(None)
        await self._say(lines)
        self._room.prepare(self._interviewer.foreseen())

    def _prompt_heard(self) -> None:
        self._answer.stands()
        if self._floor is Floor.ASKING:
            self._floor = Floor.LISTENING
        self._time.prompt_heard()

    async def _say(self, lines: Sequence[Line]) -> None:
        """Speaks, or holds the lines back while the candidate does."""
        if self._in_turn and self._room.candidate_speaking and self._floor is not Floor.LEAVING:
            self.mouth.hold_back(lines)
        else:
            self._room.expect(reply=True, short_answer=self._interviewer.confirming is not None)
            await self.mouth.say(lines)

    # -- the candidate's turn

    async def _turn_started(self) -> None:
        self._turn = self._turn or CandidateTurn()
        self._go_on_at = None
        if self.mouth.cut_after_prompt:
            self._prompt_heard()
        self.page.show("listening")
        early, self._early = self._early, []
        for utterance in early:
            await self._heard(utterance)

    async def _nothing_meant(self) -> None:
        """What waited for its turn to start is nobody's turn: it is on record, and no answer."""
        early, self._early = self._early, []
        for utterance in early:
            self._write(utterance, TurnPurpose.CONTROL)
        if self.mouth.held and self._turn is None:
            await self.mouth.resume()

    async def _heard(self, utterance: Utterance) -> None:
        turn = self._turn
        if turn is None:
            self._early.append(utterance)
            return
        turn.texts.append(utterance.heard.text)
        self._go_on_at = None
        if self._aside(utterance.heard.text):
            self._write(utterance, TurnPurpose.CONTROL)
        elif self._answer.recording:
            self._answer.late.append(utterance)
        elif self._answer.reopenable:
            await self._take_back(turn, [utterance])
        elif self._floor is Floor.LEAVING and not self._pausing:
            self._write(utterance, TurnPurpose.CONTROL)
        else:
            self._answer.gathered = True
            self._quiet(None)
            self._write(utterance, TurnPurpose.ANSWER)
        if self._floor is Floor.LISTENING and self._time.over_the_limit():
            await self._room.close_turn()

    def _write(self, utterance: Utterance, purpose: TurnPurpose) -> None:
        cursor = self._interviewer.snapshot.cursor
        self._clerk.candidate_said(utterance.heard, cursor, purpose, utterance.turn_id)

    def _aside(self, text: str) -> bool:
        """Not part of any answer: a request, a nod while the bot spoke, or small talk before the
        first prompt was begun."""
        if self._interviewer.is_request(text):
            return True
        unasked = not (self._answer.reopenable or self._answer.gathered)
        small_talk = unasked and self.mouth.cut_before_prompt
        return bool(self.mouth.held) and (small_talk or is_backchannel(text))

    async def _turn_stopped(self) -> None:
        turn, self._turn = self._turn, None
        self._go_on_at = None
        self._time.sound()
        if turn is None:
            return
        nods = bool(self.mouth.held) and all(map(is_backchannel, turn.texts))
        if self._floor is Floor.LEAVING or nods or not turn.texts:
            await self._nothing_said(turn)
            return
        step = Step.DONE if turn.done else self._interviewer.hears(turn.texts)
        if self._answer.recording:
            self._answer.late_step = step
        elif step is Step.ANSWER and self.mouth.held and not turn.taken_back:
            await self.mouth.resume()  # the prompt was not heard yet; the words are kept
        else:
            self.mouth.drop()
            await self._do(step, turn.texts)

    async def _nothing_said(self, turn: CandidateTurn) -> None:
        """A cough, a nod: the bot goes on where it was."""
        long = time.monotonic() - turn.began > UNHEARD_AFTER_S
        if self.mouth.held:
            await self.mouth.resume()
        elif turn.done:
            await self._submit()
        elif long and self._floor is Floor.LISTENING and self._time.quiet_mode is None:
            await self._say([self._interviewer.nothing_heard()])
        self._show_state()

    # -- steps

    async def _do(self, step: Step, texts: Sequence[str] = ()) -> None:
        if step in (Step.ANSWER, Step.DONE):
            await self._submit()
        elif step in (Step.SKIP, Step.GO_BACK, Step.PAUSE, Step.FINISH):
            await self._move(step)
        else:
            lines = self._interviewer.reply(step)
            if any(line.asks for line in lines):
                self._floor = Floor.ASKING
            if step is Step.WAIT:
                self._quiet(self._interviewer.asked_time(texts))
            await self._say(lines)

    async def _submit(self) -> None:
        """The answer is complete: acknowledged at once, stored while that is heard."""
        if not self._answer.submit():
            await self._say([self._interviewer.nothing_heard()])
            return
        self._floor = Floor.RECORDING
        self._quiet(None)
        await self._say([self._interviewer.acknowledges()])
        self.page.show("writing")

    def _delayed(self) -> None:
        self.page.notice(Notice.NOT_STORED)
        self._post(self._say, [self._interviewer.not_stored()])

    async def _recorded(self, snapshot: Snapshot) -> None:
        late, step = self._answer.take_late()
        self.page.moved(snapshot.state_version)
        if late:
            await self._take_back(self._turn or CandidateTurn(), late)
            if step is not None and self._turn is None:
                await self._do(step)
            return
        lines = self._interviewer.after(Step.ANSWER, snapshot)
        if step in (Step.PAUSE, Step.FINISH, Step.GO_BACK):
            await self._do(step)
        else:
            await self._ask(lines)

    async def _take_back(self, turn: CandidateTurn, said: Sequence[Utterance]) -> None:
        """The candidate went on: the answer is opened again and goes on with these words."""
        snapshot = await self._answer.reopen()
        if snapshot is None:
            for utterance in said:
                self._write(utterance, TurnPurpose.CONTROL)
            await self._follow(await self._clerk.snapshot())
            return
        if self.mouth.speaking or any(spoken.begun for spoken in self.mouth.held):
            self._go_on_at = time.monotonic() + GO_ON_AFTER_S
        await self.mouth.stop()
        turn.taken_back = True
        self._interviewer.snapshot = snapshot
        self.page.moved(snapshot.state_version)
        self._floor = Floor.LISTENING
        self._ending.withdraw()
        for utterance in said:
            self._write(utterance, TurnPurpose.ANSWER)

    async def _move(self, step: Step) -> None:
        question_id = self._interviewer.snapshot.cursor.question_id
        snapshot = await self._clerk.move(step, question_id)
        if snapshot is None:
            if step is Step.GO_BACK:
                await self._say([self._interviewer.nothing_before()])
            await self._follow(await self._clerk.snapshot())
            return
        self._answer.leave()
        self.page.moved(snapshot.state_version)
        lines = self._interviewer.after(step, snapshot)
        if snapshot.status is InterviewStatus.PAUSED:
            await self._leave(ConversationEnd.PAUSED, lines)
        else:
            await self._ask(lines)

    async def _pressed(self, press: Press) -> None:
        if self._floor in (Floor.LEAVING, Floor.RECORDING):
            return
        if press is Press.LISTENING:
            self._quiet(None)
        elif press is Press.DONE and self._turn is not None:
            self._turn.done = True
            await self._room.close_turn()
        else:
            steps = {Press.DONE: Step.DONE, Press.MINUTE: Step.WAIT, Press.REPEAT: Step.REPEAT}
            await self.mouth.stop()
            await self._do(steps[press])
        self._show_state()

    # -- what others did

    async def _changed(self, state_version: int) -> None:
        """Own updates come back here too, and are known already."""
        known = self._interviewer.snapshot.state_version
        if state_version > known and not self._answer.recording:
            await self._follow(await self._clerk.snapshot())

    async def _follow(self, snapshot: Snapshot) -> None:
        """Stops and goes where the interview is now, if it has moved."""
        before = self._interviewer.snapshot
        if snapshot.state_version < before.state_version:
            return
        self.page.moved(snapshot.state_version)
        if snapshot.epoch > self._epoch:
            self.end(ConversationEnd.SUPERSEDED)
            return
        self._interviewer.snapshot = snapshot
        paused = snapshot.status is InterviewStatus.PAUSED
        moved = paused or self._interviewer.over or prompts_differ(before, snapshot)
        if self._floor is Floor.LEAVING or not moved:
            return
        await self.mouth.stop()
        self._answer.leave()
        if paused:
            await self._room.close_turn()
            lines = self._interviewer.after(Step.PAUSE, snapshot)
            await self._leave(ConversationEnd.PAUSED, lines)
        else:
            await self._ask(self._interviewer.followed(before, snapshot))

    # -- leaving

    async def _leave(self, end: ConversationEnd, lines: Sequence[Line]) -> None:
        self._floor = Floor.LEAVING
        self._ending.farewell(end)
        await self._say(lines)

    async def _left(self) -> None:
        if self._floor is Floor.LEAVING and not self.mouth.speaking:
            await self._ending.said()

    @property
    def _pausing(self) -> bool:
        return self._ending.after_farewell is ConversationEnd.PAUSED

    # -- time

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._post(self._time_passed)

    async def _time_passed(self) -> None:
        now = time.monotonic()
        if self._early and now - self._early[0].at > UNCLEAR_FOR_S:
            await self._nothing_meant()
        self._ending.look_at_the_clock()
        quiet = not (self.mouth.speaking or self._room.candidate_speaking)
        if self._floor is Floor.LISTENING and quiet:
            await self._into_silence(now)

    async def _into_silence(self, now: float) -> None:
        due: Due | None
        if self._go_on_at is not None and now > self._go_on_at:
            self._go_on_at, due = None, Due(self._interviewer.taken_back())
        else:
            due = self._time.time_low() or (None if self._turn else self._time.silence())
        if due and due.notice:
            self.page.notice(due.notice)
        if due:
            await self.mouth.say([due.line])

    def _quiet(self, asked: timedelta | None) -> None:
        self._time.quiet(asked)
        self._room.quiet(asked)
