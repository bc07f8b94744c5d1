"""Spoken controls: "could you repeat that", "let me think", "skip this question".

Pure and strict: the whole utterance must be the request. "We skip the node" is an answer, and so is
everything longer than a request. What cannot be undone is confirmed before it counts.
"""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import Final


class Control(StrEnum):
    REPEAT = "repeat"
    REPHRASE = "rephrase"
    WAIT = "wait"  # how long: `asked_time`
    SKIP = "skip"
    GO_BACK = "go_back"
    FINISH = "finish"
    DONE = "done"  # the answer, not the interview
    PAUSE = "pause"
    YES = "yes"  # these two only while something is being confirmed
    NO = "no"

    @property
    def needs_confirmation(self) -> bool:
        return self in (Control.SKIP, Control.FINISH)


#: A request longer than this is taken for an answer.
LONGEST_REQUEST: Final = 14
#: The same for a yes or no with its reason ("no, I would like to try it").
LONGEST_REPLY: Final = 8

_UNITS: Final = {"second": 1, "sec": 1, "minute": 60, "min": 60}
_COUNTS: Final = {
    "half a": 0.5,
    "a": 1,
    "an": 1,
    "one": 1,
    "another": 1,
    "a couple of": 2,
    "two": 2,
    "a few": 3,
    "three": 3,
    "four": 4,
    "five": 5,
    "ten": 10,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "forty five": 45,
    "sixty": 60,
}

# Said around a request without changing it. The patterns see lower case without apostrophes and
# punctuation.
_AROUND = re.compile(
    r"^(?:(?:um|uh|uhm|hmm|mm|er|oh|ah|well|so|ok|okay|alright|all right|actually|sorry|im sorry|"
    r"excuse me|hey|hi|please|just|no wait|i think|and) )+(?=.)"
    r"|(?: (?:please|thanks|thank you|then|now|for me|ok|okay|sorry|actually|i think|if possible|"
    r"if i may|if you dont mind|real quick))+$"
)
_YOU = (  # "could you ...", "I would like you to ..."
    r"(?:(?:can|could|would|will|may|club|should) (?:you|we|i)(?: please| just| maybe)? |"
    r"(?:id|i d|i|i would|wed) (?:like|love|prefer|want|need|wish)(?: you)? to |"
    r"(?:do|would) you mind |is it (?:ok|okay|possible) (?:if we|if i|to) )?(?:please )?"
)
_ME = rf"(?:(?:lets|let us|let me|i will|ill) (?:just )?|{_YOU})"  # "let me ..." as well
_COUNT = (
    r"(?:half a|a couple of|a few|forty five|a|an|one|two|three|four|five|ten|fifteen|twenty|"
    r"thirty|fairly|sixty|another|some|\d+)"
)
_SPAN = rf"{_COUNT}(?: more)? (?:minutes?|mins?|millet|moments?|seconds?|secs?|sec|bit|while|time)"
_ABOUT = r"(?: about (?:that|this|it|the question|this one|my answer))?"
_UNSURE = (
    r"(?:(?:i (?:dont|do not) know|no idea|im not sure)(?: (?:this|that)(?: one)?)?(?: so)? )?"
)
_THIS = r"(?:(?:this|that|the|the last|the current) (?:one|question)|this|that|it|one)"
_INTERVIEW = r"(?:the|this|our|my) (?:whole )?(?:interview|session|conversation|call|meeting)"
_AGAIN = r"(?:again|once more|one more time|once again)"

# Some words are the recogniser's: "replace" for "rephrase", "fearless" for "finished", found by
# letting it transcribe every request in six synthetic voices.
_PATTERNS: Final[dict[Control, tuple[str, ...]]] = {
    Control.REPEAT: (
        rf"{_YOU}repeat(?:ing)?(?: (?:yourself|what you said|your question|{_THIS}))?"
        rf"(?: {_AGAIN})?",
        rf"{_YOU}(?:say|save|read|ask|tell me)(?: me)? (?:that|it|this|the question) {_AGAIN}",
        rf"{_YOU}hear (?:that|it|the question) {_AGAIN}",
        r"what(?:s| is| was) the question(?: again)?",
        r"what (?:did you say|was that|did you ask)(?: again)?",
        r"(?:i )?(?:didnt|did not|couldnt|could not|cant|cannot) (?:quite )?(?:hear|care|catch|get)"
        r"(?: (?:you|that|it|this|the question|what you said))?",
        rf"pardon(?: me)?|i beg your pardon|come again|{_AGAIN}|what|say again",
    ),
    Control.REPHRASE: (
        rf"{_YOU}(?:rephrase|reword|replace|clarify|explain|simplify)"
        rf"(?: (?:your question|{_THIS}))?(?: again| differently)?",
        rf"{_YOU}(?:put|say|ask|word|phrase) (?:that|it|this|the question) "
        r"(?:differently|another way|in another way|in other words|in a different way)",
        r"(?:i )?(?:dont|do not|didnt|did not) (?:really |quite )?understand"
        r"(?: (?:the|this|that|your) question| that| it| what you mean)?",
        r"what do you mean(?: by (?:that|this|it))?|what does (?:that|this) mean",
        r"im not sure (?:what you mean|i understand(?: the question)?|what you are asking)",
    ),
    Control.WAIT: (
        rf"{_YOU}(?:wait|hold on|hang on|hold it|stop)(?: (?:for )?{_SPAN})?",
        rf"(?:good question )?{_ME}think(?:{_ABOUT}(?: for {_SPAN})?|(?: for {_SPAN})?{_ABOUT})"
        r"(?: first)?",
        rf"{_YOU}(?:give|gimme)(?: me)? (?:{_SPAN}|more time|time)(?: to think)?{_ABOUT}",
        rf"{_ME}(?:have|take|get|use) {_SPAN}(?: to think)?{_ABOUT}",
        rf"i (?:just )?need (?:{_SPAN}|more time|time|to think)(?: to think)?{_ABOUT}",
        rf"{_SPAN}|bear with me|im (?:still )?thinking|still thinking",
        r"(?:im|i am) not (?:done|finished|ready)(?: yet)?|im still (?:talking|speaking|answering)",
    ),
    Control.SKIP: (
        rf"{_UNSURE}{_ME}(?:skip|scoop)(?: over)?(?: {_THIS})?",
        rf"{_UNSURE}(?:ill |i will |id like to |i would |i )?pass(?: on {_THIS})?",
        rf"{_UNSURE}{_ME}move on",
        rf"{_UNSURE}{_ME}(?:move on|go on|move|go|proceed|continue|skip) (?:on )?to the next"
        r"(?: one| question)?",
        rf"{_UNSURE}{_ME}(?:have |get )?(?:the )?next question",
    ),
    Control.GO_BACK: (
        rf"{_ME}(?:go|get|come|jump) back(?: (?:one|a)(?: question)?)?",
        rf"(?:{_ME}(?:go|get|come|jump|return) )?(?:back )?to (?:the |my )?"
        r"(?:previous|premius|last|earlier)(?: one| question| answer)?",
        r"(?:the )?(?:previous|premius|last) (?:question|one)",
    ),
    Control.FINISH: (
        rf"{_ME}(?:finish|end|stop|quit|terminate|conclude|leave|abort|cancel)(?: with)? "
        rf"{_INTERVIEW}(?: here)?",
        r"(?:lets|can we|could we|i want to|id like to) (?:finish|stop|end)(?: (?:it|this))? here",
        rf"(?:im|i am) (?:done|finished) with {_INTERVIEW}",
    ),
    Control.DONE: (
        r"(?:im|i am|i m|were) (?:done|finished|all done|through|fearless)"
        rf"(?: (?:with (?:my answer|the answer|{_THIS})|answering|here))?",
        r"(?:thats|that is|that s|that was|lets|max) (?:all|it|my answer|everything|all of it|"
        r"all i have|all i know|all i can say|about it|the answer)(?: from me| really)?",
        r"done|finished|end of answer|(?:i have )?nothing (?:more|else)(?: to add)?|"
        r"i have nothing to add|(?:ill|i will|let me) stop (?:here|there)",
    ),
    Control.PAUSE: (
        rf"{_ME}pause(?: (?:{_INTERVIEW}|here|this|it))?(?: {_SPAN})?",
        rf"(?:{_ME}(?:have|take|make) |i need )a(?: short| quick| little| small)? (?:break|pause)",
    ),
}
_COMPILED: Final = {
    control: re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
    for control, patterns in _PATTERNS.items()
}

_YES_FIRST = re.compile(
    r"(?:yes|yeah|yep|yup|yet|yea|ya|sure|ok|okay|right|correct|absolutely|definitely|exactly|"
    r"indeed|yall sure|short|please do|do it|do that|go ahead|of course|i do|i am|im sure|"
    r"thats right|fine|affirmative|confirmed?)(?: |$)"
)
_NO_FIRST = re.compile(
    r"(?:no|nope|nah|not|that yet|dont|do not|never|continue|keep going|go on|lets continue|cancel|"
    r"wait|actually no|i changed my mind|i want to (?:continue|try|answer)|"
    r"let me (?:try|answer|continue))(?: |$)"
)
_SECOND_THOUGHTS = re.compile(r"\b(?:but|no|not|dont|wait|actually|however)\b")


def recognise(text: str, *, confirming: Control | None = None) -> Control | None:
    """The control that the whole utterance asks for; None: it is (part of) an answer.

    `confirming` is the control that was asked back ("Shall I skip this question?"). Only then are
    YES and NO returned, and saying the control again means YES.
    """
    plain = _plain(text)
    words = plain.split()
    if not words or len(words) > LONGEST_REQUEST:
        return None
    if confirming is not None and len(words) <= LONGEST_REPLY:
        reply = _reply(plain)
        if reply is not None:
            return reply
    asked = _asked(plain)
    return Control.YES if confirming is not None and asked is confirming else asked


def asked_time(text: str) -> timedelta | None:
    """How long the candidate asks to think: "give me two minutes". None when no time is named."""
    found = re.search(
        r"\b(half a|a couple of|a few|forty five|\d+|[a-z]+)(?: more)? (second|sec|minute|min)s?\b",
        _plain(text),
    )
    if found is None:
        return None
    count = _COUNTS.get(found[1], float(found[1]) if found[1].isdigit() else None)
    return None if count is None else timedelta(seconds=count * _UNITS[found[2]])


def _asked(plain: str) -> Control | None:
    bare = _AROUND.sub("", plain)
    for candidate in (plain, bare, _AROUND.sub("", bare)):
        for control, pattern in _COMPILED.items():
            if pattern.fullmatch(candidate):
                return control
    return None


def _reply(plain: str) -> Control | None:
    if _NO_FIRST.match(plain):
        return Control.NO
    agreed = _YES_FIRST.match(plain)
    if agreed and not _SECOND_THOUGHTS.search(plain, agreed.end()):
        return Control.YES
    return None


def _plain(text: str) -> str:
    """Lower case, no apostrophes, everything else that is not a letter or digit a single space."""
    text = re.sub(r"[’'`]", "", text.lower())
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text).split())
