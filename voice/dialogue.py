"""The conversation's course: what is done about what was heard, pressed, and changed elsewhere.

Everything that happens (a turn, a stretch of speech, a button, a change made over HTTP, a reply of
the workflow) is put into one queue and handled in order by one task, so that no two handlers meet.
Silence does not wait for it: the pipeline interrupts the bot by itself, and this catches up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from uuid_utils.compat import uuid7

from contracts.conversation import ConversationEnd
from contracts.errors import StaleFence
from contracts.interview import Cursor, InterviewStatus, Snapshot
from contracts.turns import Turn, TurnPurpose
from voice.answering import Answering
from voice.clerk import Clerk
from voice.floor import CandidateTurn, Floor, Room, Utterance
from voice.inbox import Inbox
from voice.interruptions import is_backchannel
from voice.interviewer import Interviewer, prompts_differ
from voice.messages import Notice, Press
from voice.running import first_of
from voice.speaking import Mouth
from voice.speech import Heard
from voice.stage import OVER, Stage
from voice.steps import Step

#: Sound without words that is longer than this was probably meant for the bot.
UNHEARD_AFTER_S: Final = 2.5
#: Words that start no turn within this time were a nod.
UNCLEAR_FOR_S: Final = 1.0
TICK_S: Final = 0.25


class Dialogue:
    """One conversation's course. `run` returns how it ended."""

    def __init__(self, interviewer: Interviewer, clerk: Clerk, room: Room, epoch: int) -> None:
        self._interviewer = interviewer
        self._clerk = clerk
        self._room = room
        self._epoch = epoch
        self._inbox = Inbox()
        self._post = self._inbox.post
        self._answer = Answering(
            interviewer,
            clerk,
            recorded=lambda snapshot: self._post(self._recorded, snapshot),
            delayed=self._delayed,
            stale=lambda: self.end(ConversationEnd.SUPERSEDED),
        )
        self._stage = Stage(interviewer, clerk, room, self._answer, self._post)
        self.page = self._stage.page
        self._turn: CandidateTurn | None = None
        self._early: list[Utterance] = []  # heard before it is clear whose floor it is
        self._caption_id = uuid7()

    @property
    def mouth(self) -> Mouth:
        return self._stage.mouth

    @mouth.setter
    def mouth(self, mouth: Mouth) -> None:
        self._stage.mouth = mouth

    # -- life

    async def run(self, turns: Sequence[Turn]) -> ConversationEnd:
        """Says the opening and handles what happens until the end. Raises what a handler raises."""
        self._answer.go_on_with(turns)
        await self._stage.ask(self._interviewer.opening(turns))
        tasks = [asyncio.create_task(self._inbox.handle()), asyncio.create_task(self._tick())]
        try:
            return await first_of(self._stage.ending.wait(), tasks)
        except StaleFence:
            return ConversationEnd.SUPERSEDED
        finally:
            for task in tasks:
                task.cancel()
            self._answer.close()
            self._clerk.close()

    def end(self, end: ConversationEnd) -> None:
        """Ends without another word."""
        self._stage.ending.now(end)

    async def line_gone(self) -> None:
        """The candidate is not there any more; what was said up to then is still handled."""
        await self._inbox.caught_up()
        self.end(self._stage.ending.after_farewell or ConversationEnd.LEFT)

    def abandon(self) -> None:
        """Notes what both were saying when the line went."""
        self.mouth.cut()
        self.mouth.drop()
        if self._turn:
            self._settle(self._turn, Step.ANSWER)
        self._answer.leave(TurnPurpose.ANSWER)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._post(self._time_passed)

    async def _time_passed(self) -> None:
        if self._early and time.monotonic() - self._early[0].at > UNCLEAR_FOR_S:
            await self._nothing_meant()
        await self._stage.time_passed(in_turn=self._turn is not None)
        if self._stage.time_up_at is not None and not self._stage.lets_finish():
            await self._follow(await self._clerk.snapshot())
        elif self._turn and self._stage.out_of_time(said=bool(self._turn.texts)):
            await self._room.close_turn()

    # -- what the pipeline reports

    def turn_started(self) -> None:
        """The candidate has the floor; the bot is silent already."""
        self._stage.in_turn = True
        self._interviewer.interrupted()
        self.mouth.cut()
        self._post(self._turn_started)

    def turn_stopped(self) -> None:
        self._stage.in_turn = False
        self._post(self._turn_stopped)

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
        self._stage.thinking()

    def pressed(self, press: Press) -> None:
        self._post(self._pressed, press)

    def returned(self) -> None:
        """The candidate was away for a moment, and has missed what was said then."""
        self._post(self._stage.welcome_back)

    def changed(self, state_version: int) -> None:
        """A newer state was saved, by this bot or by somebody else."""
        self._post(self._changed, state_version)

    # -- the candidate's turn

    async def _turn_started(self) -> None:
        self._stage.time.forget_go_on()
        if self.mouth.cut_after_prompt:
            self._stage.prompt_heard()
        answering = self._answer.begun and not self.mouth.cut_in_prompt
        self._turn = self._turn or CandidateTurn(answering=answering)
        self.page.show("listening")
        early, self._early = self._early, []
        for utterance in early:
            await self._heard(utterance)

    async def _nothing_meant(self) -> None:
        """What waited for its turn to start is nobody's turn: it is on record, and no answer."""
        early, self._early = self._early, []
        self._answer.note(early, TurnPurpose.CONTROL)
        if self.mouth.held and self._turn is None:
            await self.mouth.resume()

    async def _heard(self, utterance: Utterance) -> None:
        turn = self._turn
        if turn is None:
            self._early.append(utterance)
            return
        turn.texts.append(utterance.heard.text)
        self._stage.time.forget_go_on()
        said_to = self._answer.said_to(utterance)
        self._stage.last_words_due &= said_to is not None
        farewell = self._stage.floor is Floor.LEAVING and not self._stage.pausing
        answers_nothing = turn.stale or (farewell and not self._answer.begun)
        if said_to is not None and not self._interviewer.is_request(utterance.heard.text):
            await self._belongs(turn, utterance, said_to)
        elif answers_nothing or self._aside(utterance.heard.text):
            self._answer.note([utterance], TurnPurpose.CONTROL)
        elif self._interviewer.may_be_request(turn.texts, answering=turn.answering):
            turn.unsure.append(utterance)
        else:
            await self._answers(turn, [*turn.take_unsure(), utterance])

    async def _answers(self, turn: CandidateTurn, said: Sequence[Utterance]) -> None:
        if self._answer.recording:
            self._answer.late += said
        elif self._answer.reopenable:
            await self._take_back(turn, said)
        else:
            self._stage.quiet(None)
            self._answer.gather(said)

    def _settle(self, turn: CandidateTurn, asked: Step) -> None:
        """Nothing followed a bare word in its turn: it was the request, if there was one."""
        said = turn.take_unsure()
        if asked is Step.ANSWER:
            self._answer.gather(said)
        else:
            self._answer.note(said, TurnPurpose.CONTROL)

    async def _belongs(self, turn: CandidateTurn, utterance: Utterance, said_to: Cursor) -> None:
        """Begun before somebody else moved the interview: it is part of the answer given then. One
        that was submitted meanwhile, by typing, is taken back for it."""
        if self._answer.recorded_elsewhere(said_to):
            await self._take_back(turn, [utterance])
        else:
            self._answer.note([utterance], TurnPurpose.ANSWER, said_to)

    def _aside(self, text: str) -> bool:
        """Not part of any answer: a request, a nod while the bot spoke, or small talk before the
        first prompt was begun."""
        if self._interviewer.is_request(text):
            return True
        small_talk = self.mouth.cut_before_prompt and not self._answer.begun
        return bool(self.mouth.held) and (small_talk or is_backchannel(text))

    async def _turn_stopped(self) -> None:
        turn, self._turn = self._turn, None
        self._stage.time.forget_go_on()
        self._stage.time.sound()
        if turn is None or turn.stale:
            return
        if self._stage.time_up_at is not None:
            self._settle(turn, Step.ANSWER)
            return  # a tick says goodbye
        if self._stage.floor is Floor.LEAVING or self._only_nodded(turn):
            self._settle(turn, Step.ANSWER)
            await self._nothing_said(turn)
            return
        asked = self._interviewer.hears(turn.texts, answering=turn.answering)
        step = Step.DONE if turn.done else asked
        self._settle(turn, Step.ANSWER if turn.done else asked)
        unasked = bool(self.mouth.held) and not (turn.taken_back or self._answer.prompt_known)
        if self._answer.recording:
            self._answer.late_step = step
        elif step is Step.ANSWER and unasked:
            await self.mouth.resume()  # the words are kept, and the prompt is said to its end
        else:
            self.mouth.drop()
            if step is Step.ANSWER:
                step = await self._interviewer.understands()
            await self._do(step, turn.texts)

    def _only_nodded(self, turn: CandidateTurn) -> bool:
        meant = self._interviewer.confirming is not None or not self.mouth.held
        return not turn.texts or (not meant and turn.only_nodded)

    async def _nothing_said(self, turn: CandidateTurn) -> None:
        """A cough, a nod: the bot goes on where it was."""
        waiting = self._stage.floor is Floor.LISTENING and self._stage.time.quiet_mode is None
        if self.mouth.held:
            await self.mouth.resume()
        elif turn.done:
            await self._submit()
        elif waiting and time.monotonic() - turn.began > UNHEARD_AFTER_S:
            await self._stage.say([self._interviewer.nothing_heard()])
        self._stage.show()

    # -- steps

    async def _do(self, step: Step, texts: Sequence[str] = (), *, over: bool = False) -> None:
        if step in (Step.ANSWER, Step.DONE):
            await self._submit()
        elif step in (Step.SKIP, Step.GO_BACK, Step.PAUSE, Step.FINISH):
            await self._move(step)
        else:
            if step is Step.WAIT:
                self._stage.quiet(self._interviewer.asked_time(texts))
            await self._stage.reply(self._interviewer.reply(step), over=over)

    async def _submit(self) -> None:
        """The answer is complete: acknowledged at once, stored while that is heard."""
        if not self._answer.submit():
            await self._stage.reply([self._interviewer.nothing_heard()])
            return
        self._stage.floor = Floor.RECORDING
        self._stage.quiet(None)
        await self._stage.say([self._interviewer.acknowledges()])
        self.page.show("writing")

    def _delayed(self) -> None:
        self.page.notice(Notice.NOT_STORED)
        self._post(self._stage.say, [self._interviewer.not_stored()])

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
            await self._move(step)
        else:
            await self._stage.go_on(lines)

    async def _take_back(self, turn: CandidateTurn, said: Sequence[Utterance]) -> None:
        """The candidate went on: the answer is opened again and goes on with these words."""
        self._answer.note(said, TurnPurpose.ANSWER, self._answer.reopened)
        snapshot = await self._answer.reopen()
        if snapshot is None:
            await self._follow(await self._clerk.snapshot())
            return
        if self.mouth.speaking or any(spoken.begun for spoken in self.mouth.held):
            self._stage.time.promise_go_on()
        await self.mouth.stop()
        turn.taken_back, turn.stale = True, False
        self._interviewer.snapshot = snapshot
        self._interviewer.answered(*(each.heard.text for each in said))
        self.page.moved(snapshot.state_version)
        self._stage.stay()

    async def _move(self, step: Step) -> None:
        snapshot = await self._clerk.move(step, self._interviewer.snapshot.cursor.question_id)
        if snapshot is None:
            if step is Step.GO_BACK:
                await self._stage.reply([self._interviewer.nothing_before()])
            await self._follow(await self._clerk.snapshot())
            return
        self._answer.leave(TurnPurpose.CONTROL)
        self.page.moved(snapshot.state_version)
        await self._stage.go_on(self._interviewer.after(step, snapshot))

    async def _pressed(self, press: Press) -> None:
        if self._stage.floor in (Floor.LEAVING, Floor.RECORDING):
            return
        if press is Press.LISTENING:
            self._stage.quiet(None)
        elif press is Press.DONE and self._turn is not None:
            self._turn.done = True
            await self._room.close_turn()
        else:
            steps = {Press.DONE: Step.DONE, Press.MINUTE: Step.WAIT, Press.REPEAT: Step.REPEAT}
            await self.mouth.stop()
            await self._do(steps[press], over=OVER)
        self._stage.show()

    # -- what others did

    async def _changed(self, state_version: int) -> None:
        """Own updates come back here too, and are known already."""
        if state_version > self._interviewer.snapshot.state_version:
            self._clerk.look(lambda snapshot: self._post(self._seen, snapshot))

    async def _seen(self, snapshot: Snapshot | None) -> None:
        if not self._answer.recording:  # its reply tells the newer state
            await self._follow(snapshot)

    async def _follow(self, snapshot: Snapshot | None) -> None:
        """Stops and goes where the interview is now, if it has moved."""
        before = self._interviewer.snapshot
        if snapshot is None or snapshot.state_version < before.state_version:
            return
        self.page.moved(snapshot.state_version)
        if snapshot.epoch > self._epoch:
            self.end(ConversationEnd.SUPERSEDED)
            return
        deadline = snapshot.ends_reason == "deadline" and self._stage.floor is not Floor.LEAVING
        if deadline and self._stage.lets_finish():
            return  # a tick comes back to it
        self._stage.time_up_at = None
        self._interviewer.snapshot = snapshot
        paused = snapshot.status is InterviewStatus.PAUSED
        moved = paused or self._interviewer.over or prompts_differ(before, snapshot)
        if self._stage.floor is Floor.LEAVING or not moved:
            return
        self._answer.moved(before.cursor, self._turn.take_unsure() if self._turn else [])
        self._stage.last_words_due = self._room.words_due
        await self.mouth.stop()
        self._answer.leave(TurnPurpose.CONTROL)
        if paused:
            if not self._room.candidate_speaking:
                await self._room.close_turn()
            lines = self._interviewer.after(Step.PAUSE, snapshot)
            await self._stage.leave(ConversationEnd.PAUSED, lines)
            return
        if self._turn is not None:
            self._turn.stale = True
        await self._stage.ask(self._interviewer.followed(before, snapshot), over=OVER)
