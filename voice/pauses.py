"""How long a pause must be before it is the end of an answer. Pure: seconds and texts in.

Patience is a policy, not a number. The kind of question, Smart Turn's opinion of the voice, what
the last words promise, and how long this candidate usually pauses decide together. What the answer
covers has no part in it: a shorter wait after a right answer would tell.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from statistics import fmean
from typing import Final

from contracts.questions import Difficulty
from voice.controls import Control, recognise

#: Silence after which the voice is scored. One inference costs 97 ms of CPU, so not each 100 ms.
RUNGS_S: Final = (0.2, 0.4, 0.8, 1.5, 3.0)
# What says "fitted" was chosen on the fitted part of `make bench-turns`: docs/turn-taking.md.

#: Mean score from which the voice counts as finished. Fitted.
FINISHED: Final = 0.7

#: The silence after a finished answer, the product's default patience. Fitted: the least by which
#: half as many thinkers are cut off as at 1.2 s.
WAIT_S: Final = 1.8
#: The wait is this long, at least, when the voice does not sound finished: with what is added at
#: the bot's edge the most that stays within 2.5 s of dead air ...
UNFINISHED_S: Final = 2.2
#: ... with patience off: when it does not but nothing in the words promises more either. The voice
#: is wrong about one end in ten (8.4 % on Smart Turn's own clips), and speed was asked for.
DOUBTED_S: Final = 0.6
#: ... or the words do not: after "because", "such as", "um". Fitted, as the next: answers
#: seldom end so, and a longer hold saves no more of them ...
PROMISED_S: Final = 4.0
#: ... or neither does.
NEITHER_S: Final = 5.0
#: After "that's all", a request like "repeat that", or nothing intelligible.
SETTLED_S: Final = 0.4
#: A yes or no: short, and said in one go.
SHORT_S: Final = 0.6
#: Nothing but the interview's own patience, or quiet mode, holds an answer open for longer.
LONGEST_S: Final = 8.0

#: Pauses shorter than this are breath, whoever takes them.
BREATH_S: Final = 0.5
#: The candidate's pauses are averaged (their logarithms) with so many of the usual length: one long
#: pause is no habit. The length is fitted.
USUAL_S: Final = 1.0
USUAL_COUNT: Final = 4
PAUSES_KEPT: Final = 40
#: Pace and kind of question change the wait within these bounds. Fitted: a wait that follows the
#: pace further cuts off no fewer, and the longest is bounded as `UNFINISHED_S` is.
QUICKEST, SLOWEST = 0.9, 1.2


class Kind(StrEnum):
    """What kind of answer is waited for."""

    CONTROL = "control"  # a yes or no
    RECALL = "recall"  # one point, as a follow-up asks for
    EXPLAIN = "explain"
    DESIGN = "design"


#: The bank has no kinds; its hard questions are those that have something designed or weighed.
KINDS: Final = {
    Difficulty.EASY: Kind.EXPLAIN,
    Difficulty.MEDIUM: Kind.EXPLAIN,
    Difficulty.HARD: Kind.DESIGN,
}
#: The wait after a finished answer, relative to the interview's. Reasoned, not fitted: the bench's
#: thinkers pause alike whatever is asked.
_RELATIVE: Final = {Kind.RECALL: 0.85, Kind.EXPLAIN: 1.0, Kind.DESIGN: 1.1}


class Ending(Enum):
    """What the last words of an answer promise."""

    PLAIN = "plain"
    MORE = "more"  # a filler, a function word, an opened list
    SETTLED = "settled"  # "that's all", or the whole utterance is a request
    THINKING = "thinking"  # "let me think" after the beginning of an answer


# Words that seldom end a sentence: in the bank's answers, one time in twenty at most. "It depends
# on" and "logged in" do, so their like is not here; nor is what a thing "looks like". "Ah" is what
# the recogniser makes of an "uh".
_MORE = re.compile(
    r"\b(?:um+|uh+|uhm|er+|hmm+|ah+|(?<!looks )(?<!look )like|so|and|or|but|nor|because|cause|"
    r"since|if|when|while|which|what|where|than|although|though|whereas|unless|until|whether|with|"
    r"without|from|to|of|into|onto|as|at|by|(?<!asked )(?<!paid )(?<!looked )for|via|per|between|"
    r"the|a|an|every|several|such|its|their|our|my|your|i|we|they|is|are|was|were|be|has|may|must|"
    r"should|would|cannot|also|first|firstly|second|secondly|finally|including|namely|such as|"
    r"so that|means that|think that|first of all|for example|for instance|the following|"
    r"let me see|you know|i mean|basically)$"
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

    The recogniser ends most segments with a full stop, said or not, so punctuation alone proves
    nothing; a comma or colon at the end does.
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
    """How long this candidate pauses inside an answer, this answer's pauses among them."""

    _pauses: deque[float] = field(default_factory=lambda: deque(maxlen=PAUSES_KEPT))

    def observe(self, pause_s: float) -> None:
        """A pause after which the candidate went on."""
        if BREATH_S <= pause_s <= LONGEST_S:
            self._pauses.append(pause_s)

    @property
    def relative(self) -> float:
        """The length of the candidate's pauses relative to usual ones; 1 while none is known."""
        longer = math.fsum(math.log(pause_s / USUAL_S) for pause_s in self._pauses)
        return math.exp(longer / (len(self._pauses) + USUAL_COUNT))


@dataclass(frozen=True)
class Patience:
    """`wait_s` is the silence after a finished answer; 0 ends the turn at Smart Turn's verdict, or
    soon after it when the voice leaves a doubt that the words do not share. One above the default
    is an accommodation and multiplies every wait. The others are the policy's thresholds;
    `codevoice bench-turns` tries them.
    """

    wait_s: float = WAIT_S
    finished: float = FINISHED
    unfinished_s: float = UNFINISHED_S
    promised_s: float = PROMISED_S
    neither_s: float = NEITHER_S
    quickest: float = QUICKEST
    slowest: float = SLOWEST

    def rungs(self, kind: Kind = Kind.EXPLAIN) -> tuple[float, ...]:
        """When the voice is scored: once within the first half of the wait (the reply can then be
        prepared, and short pauses cost nothing), once before the wait ends, then at each rung.
        A yes or no is not scored.
        """
        if kind is Kind.CONTROL and self.wait_s:
            return ()
        wait_s = self.wait_s * _RELATIVE.get(kind, 1.0)
        within = [rung for rung in RUNGS_S if rung <= wait_s]
        early = [rung for rung in within if rung <= wait_s / 2] or [RUNGS_S[0]]
        later = [rung for rung in RUNGS_S if rung > wait_s]
        return tuple(sorted({early[-1], *within[-1:], *later}))

    def needed_s(
        self,
        scores: Sequence[float],
        text: str,
        pace: float = 1.0,
        kind: Kind = Kind.EXPLAIN,
    ) -> float:
        """Silence that ends the turn as things stand; the next score may change it.

        `pace` is `Pace.relative`.
        """
        said = ending(text)
        if not text or said is Ending.SETTLED:
            return min(SETTLED_S, self.wait_s)
        finished = bool(scores) and fmean(scores) >= self.finished
        if self.wait_s == 0:
            doubted_s = DOUBTED_S if said is Ending.PLAIN else self.unfinished_s
            return 0.0 if finished else doubted_s
        if kind is Kind.CONTROL and said is Ending.PLAIN:
            return min(SHORT_S, self.wait_s) * self.accommodation
        own = min(max(pace, self.quickest), self.slowest)
        usual_s = self.wait_s * min(_RELATIVE.get(kind, 1.0) * own, self.slowest)
        floor_s = self._floor_s(finished, said) * self.accommodation
        return max(usual_s, min(floor_s, LONGEST_S))

    @property
    def accommodation(self) -> float:
        """How much more patience than usual the interview has; 1 at least."""
        return max(1.0, self.wait_s / WAIT_S)

    def _floor_s(self, finished: bool, said: Ending) -> float:
        if said is Ending.PLAIN:
            return 0.0 if finished else self.unfinished_s
        return self.promised_s if finished else self.neither_s
