"""Who has the floor when the candidate makes a sound while the interviewer speaks. Pure.

A sound is not yet an interruption: it may be a cough or an "mm-hm". So the interviewer falls silent
at once, with the rest of the sentence kept, and what follows decides:

    the voice goes on, or words come   YIELD   the rest is dropped, the candidate's turn begins
    no words, or only a backchannel    RESUME  the sentence goes on where it was

The same holds in the gap between the end of an answer and the reply. There, or in the reply's first
second, words mean that the turn was ended too soon: the answer is taken back.

Times are seconds of any one clock.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

#: A voice that lasts this long is speech, whatever it says: a cough or "mm-hm" is shorter.
CLEARLY_SPEAKING_S: Final = 0.9
#: Held without words for this long after the voice has stopped, the interviewer goes on.
LONGEST_HOLD_S: Final = 3.0
#: A reply that has sounded for less has not been heard: speaking into it takes the answer back.
HEARD_AFTER_S: Final = 1.0
#: For so long after a turn's end a reply is expected; then silence is the candidate's again.
REPLY_DUE_S: Final = 5.0

#: Said while listening. The recogniser writes "mm-hm" as "Mama", "uh-huh" as "Aha".
_BACKCHANNEL = re.compile(
    r"(?:(?:m+|huh|mhm|mm+ ?h*m+|mama|hmm+|uh ?huh|aha|ah|oh|uh|um|er|yeah|yes|yep|yup|ya|ok|okay|"
    r"right|all right|alright|sure|i see|i c|got it|cool|good|great|nice|exactly|true|thanks|"
    r"thank you|interesting|wow|ha|haha|you|bye|so|hi|hello)(?: |$))+"
)


def is_backchannel(text: str) -> bool:
    """The text holds nothing but signs of listening."""
    plain = " ".join(re.sub(r"[^a-z]+", " ", text.lower().replace("'", "")).split())
    return not plain or _BACKCHANNEL.fullmatch(plain) is not None


class Action(Enum):
    NONE = "none"
    START = "start"  # the floor was free: the candidate's turn begins
    HOLD = "hold"  # silent at once, the rest is kept
    RESUME = "resume"  # goes on with what was kept
    YIELD = "yield"  # what was kept is dropped; the candidate's turn begins
    TAKE_BACK = "take_back"  # YIELD, and the last turn was ended too soon


class _Floor(Enum):
    FREE = "free"
    CANDIDATE = "candidate"
    INTERVIEWER = "interviewer"  # speaking, or about to
    CONTESTED = "contested"  # held until it is clear what the sound was


class Interruptions:
    """Told what happens, answers what to do; one for each conversation."""

    def __init__(self) -> None:
        #: While a confirmation is asked for, "yes" is an answer and no backchannel.
        self.short_answers_count = False
        self._floor = _Floor.FREE
        self._speaking = False
        self._words_in_turn = False
        self._reply_due_until: float | None = None
        self._reply_began_at: float | None = None
        self._reply_pending = False
        self._voice_since: float | None = None
        self._voice_ended_at: float | None = None
        self._held_at: float | None = None

    def turn_began(self) -> None:
        self._floor = _Floor.CANDIDATE
        self._words_in_turn = False
        self._reply_pending = False

    def turn_ended(self, now: float) -> None:
        """The candidate's turn is over. If it held words, a reply is due."""
        self._floor = _Floor.FREE
        self._reply_began_at = None
        if self._words_in_turn:
            self._reply_pending = True
            self.reply_due(now)

    def reply_due(self, now: float) -> None:
        """The interviewer is about to speak (again): a sound in between does not cancel it."""
        self._reply_due_until = now + REPLY_DUE_S
        if self._floor is _Floor.FREE:
            self._floor = _Floor.INTERVIEWER

    def bot_started(self, now: float) -> None:
        self._speaking = True
        self._reply_due_until = None
        if self._reply_began_at is None:
            self._reply_began_at = now
        if self._floor is _Floor.FREE:
            self._floor = _Floor.INTERVIEWER

    def bot_stopped(self, now: float) -> None:
        self._speaking = False
        if self._floor is _Floor.INTERVIEWER and self._reply_due_until is None:
            self._floor = _Floor.FREE

    def voice_started(self, now: float) -> Action:
        self.tick(now)
        self._voice_since, self._voice_ended_at = now, None
        if self._floor is _Floor.FREE:
            return Action.START
        if self._floor is _Floor.INTERVIEWER:
            self._floor, self._held_at = _Floor.CONTESTED, now
            return Action.HOLD
        return Action.NONE

    def voice_stopped(self, now: float) -> None:
        self._voice_since, self._voice_ended_at = None, now

    def words(self, text: str, now: float, *, final: bool) -> Action:
        """Words were recognised. Words in nobody's turn (a quiet voice) begin the candidate's."""
        if self._floor is _Floor.CANDIDATE:
            self._words_in_turn = True
            return Action.NONE
        if self._floor is _Floor.FREE:
            return Action.START if final else Action.NONE
        if not is_backchannel(text) or self.short_answers_count:
            return self._yielded(now)
        if self._floor is _Floor.CONTESTED and final and self._voice_since is None:
            return self._resumed()
        return Action.NONE

    def nothing_heard(self, now: float) -> Action:
        """The sound held no words."""
        if self._floor is _Floor.CONTESTED and self._voice_since is None:
            return self._resumed()
        return Action.NONE

    def tick(self, now: float) -> Action:
        """Called often (with each piece of audio); decides what time alone decides."""
        if self._floor is _Floor.CONTESTED:
            return self._contested(now)
        overdue = self._reply_due_until is not None and now > self._reply_due_until
        if overdue and not self._speaking:
            self._reply_due_until = None
            if self._floor is _Floor.INTERVIEWER:
                self._floor = _Floor.FREE
        return Action.NONE

    def _contested(self, now: float) -> Action:
        if self._voice_since is not None and now - self._voice_since >= CLEARLY_SPEAKING_S:
            return self._yielded(now)
        if self._voice_ended_at is not None and now - self._voice_ended_at >= LONGEST_HOLD_S:
            return self._resumed()
        return Action.NONE

    def _resumed(self) -> Action:
        waiting = self._speaking or self._reply_due_until is not None
        self._floor = _Floor.INTERVIEWER if waiting else _Floor.FREE
        self._held_at = None
        return Action.RESUME

    def _yielded(self, now: float) -> Action:
        spoken_into_at = now if self._held_at is None else self._held_at
        began_at = self._reply_began_at
        unheard = began_at is None or spoken_into_at - began_at < HEARD_AFTER_S
        taken_back = self._reply_pending and unheard
        self._floor = _Floor.FREE  # until `turn_began` says that the turn is the candidate's
        self._reply_due_until = self._held_at = None
        self._reply_pending = False
        return Action.TAKE_BACK if taken_back else Action.YIELD
