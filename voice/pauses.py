"""How long a pause must last before it is the end of an answer. Pure: seconds and texts in.

Patience is a policy, not a number. Smart Turn's opinion of the voice, what the last words promise,
and how long this candidate usually pauses decide together. What the answer covers has no part in
it: a shorter wait after a right answer would tell.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from statistics import fmean, quantiles
from typing import Final

from voice.controls import Control, recognise

#: Silence after which the voice is scored. One inference costs 97 ms of CPU, so not each 100 ms.
RUNGS_S: Final = (0.2, 0.4, 0.8, 1.5, 3.0)
#: Mean score from which the voice counts as finished.
FINISHED: Final = 0.5

#: The wait is this long, at least, when the voice does not sound finished ...
UNFINISHED_S: Final = 2.0
#: ... with patience off: when it does not but nothing in the words promises more either. The voice
#: is wrong about one end in ten (8.4 % on Smart Turn's own clips), and speed was asked for.
DOUBTED_S: Final = 0.6
#: ... or the words do not: after "because", "such as", "um".
PROMISED_S: Final = 2.5
#: ... or neither does.
NEITHER_S: Final = 4.0
#: After "that's all", a request like "repeat that", or nothing intelligible.
SETTLED_S: Final = 0.4
#: No pause holds an answer open for longer, quiet mode apart.
LONGEST_S: Final = 8.0

#: The candidate's own pace counts from this many pauses on, and within these bounds. With what is
#: added at the bot's edge the longest stays within 2.5 s of dead air.
PAUSES_NEEDED: Final = 5
PAUSES_KEPT: Final = 40
SHORTEST_PACE_S: Final = 0.6
LONGEST_PACE_S: Final = 2.25


class Ending(Enum):
    """What the last words of an answer promise."""

    PLAIN = "plain"
    MORE = "more"  # a filler, a function word, an opened list
    SETTLED = "settled"  # "that's all", or the whole utterance is a request
    THINKING = "thinking"  # "let me think" after the beginning of an answer


# Words that seldom end a sentence: in the bank's answers, one time in twenty at most. "It depends
# on" and "logged in" do, so their like is not here. "Ah" is what the recogniser makes of an "uh".
_MORE = re.compile(
    r"\b(?:um+|uh+|uhm|er+|hmm+|ah+|like|so|and|or|but|nor|because|cause|since|if|when|while|which|"
    r"what|where|than|although|though|whereas|unless|until|whether|with|without|from|to|of|into|"
    r"onto|as|at|by|for|via|per|between|the|a|an|every|several|such|its|their|our|my|your|i|we|they|"
    r"is|are|was|were|be|has|may|must|should|would|cannot|also|first|firstly|second|secondly|finally|"
    r"including|namely|such as|so that|means that|think that|first of all|for example|for instance|"
    r"the following|let me see|you know|i mean|basically)$"
)
_LIST = re.compile(
    r"\b(?:there are|has|have|see|consider|with|of|in) "
    r"(?:the following|two|three|four|five|several|a few|a couple of) \w+"
    r"(?: here)?$"
)
_FULL_STOP = re.compile(r"[.!?]\s*$")
_TRAILING = re.compile(r"(?:,|:|;|-|–|—|\.\.\.|…)\s*$")
_CLAUSE = re.compile(r"(?<=[.!?,])\s+")
#: "If it is locked, wait" asks for no time.
_TIME = re.compile(r"\b(?:think\w*|moments?|minutes?|seconds?|sec|time|bear)\b", re.IGNORECASE)


def ending(text: str) -> Ending:
    """What the answer so far promises. A bare "skip" may go on with "list": it settles nothing.
    The recogniser ends most segments with a full stop, said or
    not, so punctuation alone proves nothing; a comma or colon at the end does.
    """
    if recognise(text, answering=True) is not None:
        return Ending.SETTLED
    last = _CLAUSE.split(text.strip())[-1]
    asked = recognise(last, answering=True)
    if asked is Control.WAIT and _TIME.search(last):
        return Ending.THINKING
    if asked is Control.DONE:
        return Ending.SETTLED
    plain = re.sub(r"[^a-z' ]+", " ", _FULL_STOP.sub("", text.lower())).strip()
    opened = _MORE.search(plain) or _LIST.search(plain)
    return Ending.MORE if opened or _TRAILING.search(text) else Ending.PLAIN


@dataclass
class Pace:
    """How long this candidate pauses inside an answer."""

    _pauses: deque[float] = field(default_factory=lambda: deque(maxlen=PAUSES_KEPT))

    def observe(self, pause_s: float) -> None:
        """A pause after which the candidate went on."""
        if 0 < pause_s <= LONGEST_S:
            self._pauses.append(pause_s)

    @property
    def pause_s(self) -> float:
        """The 90th percentile, from 0.6 to 2.25 s; 0 until it is known."""
        if len(self._pauses) < PAUSES_NEEDED:
            return 0.0
        usual = quantiles(self._pauses, n=10)[-1]
        return min(max(usual, SHORTEST_PACE_S), LONGEST_PACE_S)


@dataclass(frozen=True)
class Patience:
    """`wait_s` is the silence after a finished answer; 0 ends the turn at Smart Turn's verdict, or
    soon after it when the voice leaves a doubt that the words do not share. The others are the
    policy's thresholds; `codevoice bench-turns` tries them.
    """

    wait_s: float = 1.0
    finished: float = FINISHED
    unfinished_s: float = UNFINISHED_S
    promised_s: float = PROMISED_S
    neither_s: float = NEITHER_S
    longest_pace_s: float = LONGEST_PACE_S

    def rungs(self) -> tuple[float, ...]:
        """When the voice is scored: once within the first half of the wait (the reply can then be
        prepared, and short pauses cost nothing), once before the wait ends, then at each rung.
        """
        within = [rung for rung in RUNGS_S if rung <= self.wait_s]
        early = [rung for rung in within if rung <= self.wait_s / 2] or [RUNGS_S[0]]
        later = [rung for rung in RUNGS_S if rung > self.wait_s]
        return tuple(sorted({early[-1], *within[-1:], *later}))

    def needed_s(self, scores: Sequence[float], text: str, pace_s: float = 0.0) -> float:
        """Silence that ends the turn as things stand; the next score may change it."""
        said = ending(text)
        if not text or said is Ending.SETTLED:
            return min(SETTLED_S, self.wait_s)
        finished = bool(scores) and fmean(scores) >= self.finished
        if self.wait_s == 0:
            doubted_s = DOUBTED_S if said is Ending.PLAIN else self.unfinished_s
            return 0.0 if finished else doubted_s
        floor = self._floor_s(finished, said)
        pace_s = min(pace_s, self.longest_pace_s)
        return min(max(self.wait_s, floor, pace_s), max(LONGEST_S, self.wait_s))

    def _floor_s(self, finished: bool, said: Ending) -> float:
        stretch = max(1.0, self.wait_s)
        if said is Ending.PLAIN:
            return 0.0 if finished else self.unfinished_s * stretch
        return (self.promised_s if finished else self.neither_s) * stretch
