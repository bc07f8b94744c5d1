"""What the interviewer says and when to move on. Pure: no clock, no audio, no Pipecat.

`Interviewer` reads the plan and the newest snapshot and answers with lines to say and steps to
take; who says them, waits and sends the updates is `dialogue.py`. The workflow alone sequences:
this class never decides which question is next.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from contracts.interview import InterviewStatus, Snapshot
from contracts.questions import Difficulty, Question
from contracts.turns import Speaker, Turn, TurnPurpose
from contracts.usage import unbooked
from voice.controls import Control, asked_time, recognise
from voice.improvising import Draft, Improviser, Model
from voice.pauses import KINDS, Kind
from voice.script import Wording
from voice.steps import ASKED_FOR, CONFIRMED, CONFIRMS, UNDERSTOOD, Step

#: No word into the thinking: how long after a prompt the first gentle one may come
#: (notes/ecosystem.md 4: never in the first 8 s, 20 s where something is designed).
FIRST_PROMPT: Final = {
    Difficulty.EASY: timedelta(seconds=10),
    Difficulty.MEDIUM: timedelta(seconds=12),
    Difficulty.HARD: timedelta(seconds=20),
}
#: After the gentle prompt: the offer to type, pause or skip. Then nothing more is said.
OFFER_AFTER: Final = timedelta(seconds=20)
#: "Give me a minute": the gentle prompt comes after that minute.
QUIET_MODE: Final = timedelta(seconds=60)
#: The question's own limit is announced this long before it, the whole interview's at these.
QUESTION_NOTICE: Final = timedelta(seconds=30)
TOTAL_NOTICES: Final = (timedelta(minutes=5), timedelta(minutes=1))


@dataclass(frozen=True)
class Line:
    """One thing to say. `asks`: the candidate is to answer once it was heard."""

    purpose: TurnPurpose
    text: str
    question_id: UUID | None = None
    asks: bool = False
    #: Said in its place where it comes in time.
    draft: Draft | None = field(default=None, compare=False, repr=False)


class Hush(StrEnum):
    """What is said into a silence."""

    PROMPT = "prompt"
    OFFER = "offer"


class Interviewer:
    """Keeps what was said in this conversation: acknowledgements, what is being confirmed."""

    def __init__(
        self,
        plan: Mapping[UUID, Question],
        wording: Wording,
        snapshot: Snapshot,
        improviser: Improviser | None = None,
    ) -> None:
        self._plan = plan
        self._wording = wording
        self._improviser = improviser or Improviser(Model(), unbooked)
        self._acknowledged = 0
        self._acknowledgement = ""
        self._noticed: set[timedelta] = set()
        self.snapshot = snapshot
        self.confirming: Control | None = None

    # -- where the interview is

    @property
    def question(self) -> Question | None:
        question_id = self.snapshot.cursor.question_id
        return self._plan[question_id] if question_id else None

    @property
    def over(self) -> bool:
        """Nothing is left to ask: everything was answered, or somebody ended the interview."""
        status = self.snapshot.status
        return status is InterviewStatus.GRADING or status.ended or self.question is None

    @property
    def expects(self) -> Kind:
        """What kind of answer is waited for."""
        question = self.question
        if self.confirming is not None:
            return Kind.CONTROL
        if question is None or self.snapshot.cursor.follow_up:
            return Kind.RECALL
        return KINDS[question.difficulty]

    # -- opening

    def opening(self, turns: Sequence[Turn]) -> tuple[Line, ...]:
        """The first words: a greeting, or one line for somebody who was here before."""
        if self.over:
            return self.closing()
        if not any(turn.speaker is Speaker.INTERVIEWER for turn in turns):
            minutes = max(1, math.ceil(self.snapshot.remaining / timedelta(minutes=1)))
            text = self._wording.greeting(len(self._plan), minutes)
            return (Line(TurnPurpose.GREETING, text), *self.prompt())
        return self.welcome_back(kept=bool(open_turns(self.snapshot, turns)))

    def welcome_back(self, *, kept: bool) -> tuple[Line, ...]:
        """`kept`: an answer to the present prompt was begun."""
        text = self._wording.welcome_back(self.snapshot.cursor.position, kept=kept)
        return (Line(TurnPurpose.RESUME, text), *self._bare_prompt())

    def prompt(self) -> tuple[Line, ...]:
        """The present prompt: the follow-up the workflow chose, or the question. Empty while the
        answer is still being looked at."""
        cursor, question = self.snapshot.cursor, self.question
        if question is None or cursor.assessing:
            return ()
        if cursor.follow_up:
            (line,) = self._bare_prompt()
            return (replace(line, draft=self._improviser.follow_up(question, line.text)),)
        text = self._wording.question(cursor.position, len(self._plan), question.prompt)
        return (Line(TurnPurpose.QUESTION, text, cursor.question_id, asks=True),)

    def _bare_prompt(self) -> tuple[Line, ...]:
        """The prompt without its number, as it is said when the number was just named."""
        cursor, question = self.snapshot.cursor, self.question
        if question is None or cursor.assessing:
            return ()
        text = self._prompt_text(question)
        purpose = TurnPurpose.FOLLOW_UP if cursor.follow_up else TurnPurpose.QUESTION
        return (Line(purpose, text, cursor.question_id, asks=True),)

    def _prompt_text(self, question: Question) -> str:
        wanted = self.snapshot.cursor.follow_up
        for point in question.key_points:
            if point.id == wanted and point.follow_up:
                return self._wording.follow_up(point.follow_up)
        return question.prompt

    # -- what was heard

    def hears(self, utterances: Sequence[str], *, answering: bool = False) -> Step:
        """What a candidate's turn asks for, given its stretches of speech.

        A request counts when it is the whole turn, or a stretch of its own at the turn's end ("...
        Let me think."); a bare word ("wait") only while nothing was answered: not before this turn,
        which is `answering`, and not in it. A confirmation is answered by yes or no; anything else
        drops it.
        """
        confirming, self.confirming = self.confirming, None
        in_answer = answering or not _all_requests(utterances[:-1])
        last = utterances[-1] if utterances else ""
        for text, begun in ((" ".join(utterances), answering), (last, in_answer)):
            control = recognise(text, confirming=confirming, answering=begun)
            if control is Control.YES and confirming is not None:
                return CONFIRMED[confirming]
            if control is Control.NO:
                return Step.GO_ON
            if control is not None:
                return ASKED_FOR[control]
        return Step.ANSWER

    # -- what a language model makes of it

    def answered(self, *texts: str) -> None:
        """Stretches of the answer: what they want may be asked for already."""
        if texts and self.question:
            self._improviser.heard(self._prompt_text(self.question), texts)

    def interrupted(self) -> None:
        """The candidate speaks again."""
        self._improviser.interrupt()

    def close(self) -> None:
        self._improviser.close()

    async def understands(self) -> Step:
        """What the answer that has just ended asks for, within `improvising.TOKEN_WITHIN_S`."""
        found = await self._improviser.understood()
        self._acknowledgement = found.acknowledgement
        return UNDERSTOOD[found.intent]

    def is_request(self, text: str) -> bool:
        """A stretch of speech that is a spoken control, wherever it stands in an answer."""
        return recognise(text, confirming=self.confirming, answering=True) is not None

    def may_be_request(self, utterances: Sequence[str], *, answering: bool) -> bool:
        """The last stretch is a request if nothing follows it in this turn, as "skip list" does."""
        return not answering and _all_requests(utterances)

    def asked_time(self, utterances: Sequence[str]) -> timedelta:
        """How long the candidate wants to think."""
        return asked_time(" ".join(utterances)) or QUIET_MODE

    def reply(self, step: Step) -> tuple[Line, ...]:
        """What is said to a step that moves nothing. Asking back begins to expect a yes or no."""
        cursor, question = self.snapshot.cursor, self.question
        if question is None:
            return ()
        asked, wording = self._prompt_text(question), self._wording
        self.confirming = CONFIRMS.get(step, self.confirming)
        text = {
            Step.REPEAT: wording.repeat(asked),
            Step.REPHRASE: wording.rephrase(asked if cursor.follow_up else question.rephrased),
            Step.WAIT: wording.take_your_time(),
            Step.CONFIRM_SKIP: wording.confirm_skip(),
            Step.CONFIRM_FINISH: wording.confirm_finish(),
            Step.CONFIRM_PAUSE: wording.confirm_pause(),
            Step.GO_ON: wording.go_on(),
            Step.ABOUT_ROLE: wording.about_role(),
            Step.OFF_TOPIC: wording.off_topic(),
            Step.ABUSE: wording.abuse(),
        }[step]
        asks = step in (Step.REPEAT, Step.REPHRASE)
        reworded = step is Step.REPHRASE and not cursor.follow_up
        draft = self._improviser.rephrase(question) if reworded else None
        return (Line(TurnPurpose.CONTROL, text, cursor.question_id, asks=asks, draft=draft),)

    # -- moving on

    def acknowledges(self, *, typed: bool = False) -> Line:
        """The line between an answer and what comes next. Never the same twice in a row."""
        if typed:
            text = self._wording.typed_answer()
        else:
            worded, self._acknowledgement = self._acknowledgement, ""
            text = worded or self._wording.acknowledgement(self._acknowledged)
            self._acknowledged += 1
        return Line(TurnPurpose.ACKNOWLEDGEMENT, text, self.snapshot.cursor.question_id)

    def after(self, step: Step, snapshot: Snapshot) -> tuple[Line, ...]:
        """What is said once an update has moved the interview."""
        self.snapshot, self.confirming = snapshot, None
        if self.over:
            return self.closing()
        if snapshot.status is InterviewStatus.PAUSED:
            return (self.line(TurnPurpose.CONTROL, self._wording.paused()),)
        said = {Step.SKIP: self._wording.skipped(), Step.GO_BACK: self._wording.went_back()}
        lead = (Line(TurnPurpose.CONTROL, said[step]),) if step in said else ()
        return (*lead, *self._time_notice(), *self.prompt())

    def followed(self, before: Snapshot, snapshot: Snapshot) -> tuple[Line, ...]:
        """What is said when somebody else moved the interview: an answer was typed, a button was
        pressed on the page."""
        self.snapshot, self.confirming = snapshot, None
        if self.over:
            return self.closing()
        recorded = {state.question_id: state.revision for state in before.questions}
        typed = any(
            state.revision > recorded.get(state.question_id, 0) for state in snapshot.questions
        )
        lead = (self.acknowledges(typed=True),) if typed else ()
        return (*lead, *self._time_notice(), *self.prompt())

    def closing(self) -> tuple[Line, ...]:
        return (Line(TurnPurpose.CLOSING, self._wording.closing(self.snapshot.ends_reason)),)

    # -- time

    def hush(self, silent: timedelta, said: int, quiet_mode: timedelta | None) -> Hush | None:
        """What is due after `silent` time since the prompt was heard, or since what was last said
        into this silence; `said` counts those. `quiet_mode` is the time the candidate asked for."""
        if said == 0:
            question = self.question
            first = FIRST_PROMPT[question.difficulty] if question else OFFER_AFTER
            return Hush.PROMPT if silent >= (quiet_mode or first) else None
        if said == 1:
            return Hush.OFFER if silent >= OFFER_AFTER else None
        return None

    def into_silence(self, hush: Hush) -> Line:
        wording = self._wording
        text = wording.still_there() if hush is Hush.PROMPT else wording.silence_offer()
        return self.line(TurnPurpose.PROMPT, text)

    def question_time_low(self, spent: timedelta) -> bool:
        """The question's own limit is near; true once per question is the caller's to keep."""
        question = self.question
        return question is not None and spent >= question.time_limit - QUESTION_NOTICE

    def question_winding_down(self) -> Line:
        return self.line(TurnPurpose.PROMPT, self._wording.question_winding_down())

    def note_time(self, remaining: timedelta) -> timedelta | None:
        """The notice that `remaining` makes due; each is due once. None while there is time, and
        when there is none any more."""
        due = [notice for notice in TOTAL_NOTICES if timedelta(0) < remaining <= notice]
        fresh = [notice for notice in due if notice not in self._noticed]
        self._noticed.update(due)
        return min(fresh) if fresh else None

    def winding_down(self, notice: timedelta) -> Line:
        text = self._wording.winding_down(max(1, round(notice / timedelta(minutes=1))))
        return self.line(TurnPurpose.PROMPT, text)

    def _time_notice(self) -> tuple[Line, ...]:
        notice = self.note_time(self.snapshot.remaining)
        return (self.winding_down(notice),) if notice else ()

    # -- single lines

    def line(self, purpose: TurnPurpose, text: str) -> Line:
        return Line(purpose, text, self.snapshot.cursor.question_id)

    def nothing_heard(self) -> Line:
        return self.line(TurnPurpose.CONTROL, self._wording.nothing_heard())

    def taken_back(self) -> Line:
        return self.line(TurnPurpose.ACKNOWLEDGEMENT, self._wording.taken_back())

    def nothing_before(self) -> Line:
        return self.line(TurnPurpose.CONTROL, self._wording.nothing_before())

    def not_stored(self) -> Line:
        return self.line(TurnPurpose.CONTROL, self._wording.not_stored())

    # -- preparing

    def foreseen(self) -> tuple[str, ...]:
        """Texts that may be needed next, the likeliest first: they are synthesised ahead."""
        cursor, question = self.snapshot.cursor, self.question
        if question is None:
            return ()
        ahead = [self._wording.acknowledgement(self._acknowledged), self._wording.taken_back()]
        if cursor.follow_ups_left:
            ahead += [
                self._wording.follow_up(point.follow_up)
                for point in question.key_points
                if point.follow_up and point.id != cursor.follow_up
            ]
        if cursor.next_question_id:
            upcoming = self._plan[cursor.next_question_id]
            number = list(self._plan).index(cursor.next_question_id) + 1
            ahead.append(self._wording.question(number, len(self._plan), upcoming.prompt))
        else:
            ahead.append(self._wording.closing("answered"))
        return tuple(ahead)


def _all_requests(utterances: Sequence[str]) -> bool:
    return all(recognise(text) is not None for text in utterances)


def open_turns(snapshot: Snapshot, turns: Sequence[Turn]) -> list[Turn]:
    """What the candidate has said to the present prompt and not yet submitted."""
    cursor = snapshot.cursor
    return [
        turn
        for turn in turns
        if turn.speaker is Speaker.CANDIDATE
        and turn.purpose is TurnPurpose.ANSWER
        and turn.question_id == cursor.question_id
        and turn.revision == cursor.revision
    ]


def prompts_differ(before: Snapshot, now: Snapshot) -> bool:
    """Another prompt is due. A newer version alone (a grade, a heartbeat) moves nothing."""
    was, is_ = before.cursor, now.cursor
    return (was.question_id, was.revision, was.follow_up, was.assessing) != (
        is_.question_id,
        is_.revision,
        is_.follow_up,
        is_.assessing,
    )
