"""The bot's side of the conversation: what it says, who has the floor, how it leaves."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from contracts.conversation import ConversationEnd
from contracts.interview import InterviewStatus
from voice.answering import Answering
from voice.clerk import Clerk
from voice.ending import Ending
from voice.floor import Floor, Room
from voice.interviewer import QUIET_MODE, Interviewer, Line
from voice.page import Page
from voice.speaking import Mouth
from voice.timekeeper import Timekeeper

#: Somebody who speaks when the interview's time is up is let finish, for as long as this.
LAST_WORDS_S: Final = 8.0

Post = Callable[[Callable[[], Awaitable[None]]], None]

#: Lines that need the candidate's attention now are said even while the candidate has the floor.
OVER: Final = True


class Stage:
    """`post` has something done after what is being handled; `mouth` comes with the pipeline."""

    mouth: Mouth

    def __init__(
        self, interviewer: Interviewer, clerk: Clerk, room: Room, answer: Answering, post: Post
    ) -> None:
        self._interviewer = interviewer
        self._room = room
        self._answer = answer
        self._post = post
        self.page = Page(room, clerk, self.prompt_heard, self._silent)
        self.time = Timekeeper(interviewer)
        self.ending = Ending()
        self.floor = Floor.ASKING
        #: The candidate has the floor, known at once.
        self.in_turn = False
        #: Set while the candidate finishes a sentence after the interview's time.
        self.time_up_at: float | None = None
        #: The conversation ends when what was being said is recognised, and not before.
        self.last_words_due = False

    async def ask(self, lines: Sequence[Line], *, over: bool = False) -> None:
        """Says what leads to the next prompt, or to the end."""
        if self._interviewer.over:
            await self.leave(ConversationEnd.FINISHED, lines)
            return
        asks = any(line.asks for line in lines)
        self.floor = Floor.ASKING if asks else Floor.RECORDING
        self.time.quiet(None)
        await self.say(lines, over=over)
        self._room.prepare(self._interviewer.foreseen())

    async def go_on(self, lines: Sequence[Line]) -> None:
        """Says what follows an update that has moved the interview."""
        if self._interviewer.snapshot.status is InterviewStatus.PAUSED:
            await self.leave(ConversationEnd.PAUSED, lines)
        else:
            await self.ask(lines)

    async def welcome_back(self) -> None:
        """Says where the interview is, and asks anew; all from the start where not even the
        greeting was over."""
        if self.floor in (Floor.LEAVING, Floor.RECORDING):
            return
        if self.mouth.greeting:
            lines = self._interviewer.opening(())
        else:
            lines = self._interviewer.welcome_back(kept=self._answer.begun)
        await self.mouth.stop()
        await self.reply(lines, over=OVER)

    async def reply(self, lines: Sequence[Line], *, over: bool = False) -> None:
        """Says what moves nothing: the candidate's words are waited for again after it."""
        asks = any(line.asks for line in lines)
        self.floor = Floor.ASKING if asks else Floor.LISTENING
        await self.say(lines, over=over)

    async def say(self, lines: Sequence[Line], *, over: bool = False) -> None:
        """Speaks, or holds the lines back while the candidate has the floor."""
        if self.in_turn and not over:
            self.mouth.hold_back(lines)
            return
        self._room.expect(self._interviewer.expects, reply=True)
        await self.mouth.say(lines)

    def prompt_heard(self) -> None:
        """The candidate knows what is asked."""
        self._answer.stands()
        if self.floor is Floor.ASKING:
            self.floor = Floor.LISTENING
        self.time.prompt_heard()

    def quiet(self, asked: timedelta | None) -> None:
        """Opens quiet mode for as long as asked, or leaves it."""
        self.time.quiet(asked)
        self._room.quiet(asked)

    def thinking(self) -> None:
        """Turn taking opened quiet mode by itself."""
        self.time.quiet(QUIET_MODE)
        self.page.show("thinking")

    def show(self) -> None:
        if self.floor is Floor.RECORDING:
            self.page.show("writing")
        elif self.floor is Floor.LISTENING:
            self.page.show("thinking" if self.time.quiet_mode else "listening")

    # -- leaving

    async def leave(self, end: ConversationEnd, lines: Sequence[Line]) -> None:
        """Says goodbye; the conversation ends when that was heard."""
        self.floor = Floor.LEAVING
        self.ending.farewell(end)
        await self.say(lines, over=OVER)

    def stay(self) -> None:
        """The candidate was not done."""
        self.floor = Floor.LISTENING
        self.ending.withdraw()

    @property
    def pausing(self) -> bool:
        return self.ending.after_farewell is ConversationEnd.PAUSED

    def lets_finish(self) -> bool:
        """The interview's time is over, but the candidate is in the middle of a sentence."""
        now = time.monotonic()
        self.time_up_at = self.time_up_at or now
        speaking = self.in_turn or self._room.candidate_speaking
        return speaking and now - self.time_up_at < LAST_WORDS_S

    def out_of_time(self, *, said: bool) -> bool:
        """The candidate pauses, and the interview's time is over, or that of the question which
        this turn answers if anything was `said` in it."""
        answers = said and self.floor is Floor.LISTENING
        over = self.time_up_at is not None or (answers and self.time.over_the_limit())
        return self.time.pausing and over

    def _silent(self) -> None:
        self.time.sound()
        if self.floor is Floor.LEAVING:
            self._post(self._left)
        else:
            self.show()

    async def _left(self) -> None:
        silent = not (self.mouth.speaking or self.mouth.held or self.last_words_due)
        if self.floor is Floor.LEAVING and silent:
            await self.ending.said()

    # -- time

    async def time_passed(self, *, in_turn: bool) -> None:
        """Says what time alone makes due. Never over the candidate's words."""
        self.ending.look_at_the_clock()
        if self.last_words_due and not self._room.words_due:
            self.last_words_due = False
            await self._left()
        if self._room.candidate_speaking:
            self.time.voice()
        quiet = not (self.mouth.speaking or self._room.candidate_speaking)
        if self.floor is not Floor.LISTENING or not quiet:
            return
        due = self.time.due(in_turn=in_turn)
        if due and due.notice:
            self.page.notice(due.notice)
        if due:
            await self.mouth.say([due.line])
