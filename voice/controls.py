"""Spoken controls: "could you repeat that", "let me think", "skip this question".

Pure and strict: the whole utterance must be the request, and unmistakable in form. It names the
interview ("skip this question"), asks somebody ("could you ...", "give me a minute", "please") or
is a set phrase ("let me think", "I'm done"). A bare word ("wait", "skip it", "go back") may as well
end a sentence about locks or lists: it counts only for somebody who has not begun to answer, and
never where it can be an answer of its own ("the last one", "thirty seconds").
Better a control missed than an answer lost. What cannot be undone is confirmed before it counts.
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

# Said around a request without changing it. The patterns see lower case without apostrophes,
# punctuation and "please".
_AROUND = re.compile(
    r"^(?:(?:um|uh|uhm|hmm|mm|er|oh|ah|well|so|ok|okay|alright|all right|actually|sorry|im sorry|"
    r"excuse me|hey|hi|just|no wait|i think|and) )+(?=.)"
    r"|(?: (?:thanks|thank you|then|now|for me|ok|okay|sorry|actually|i think|if possible|"
    r"if i may|if you dont mind|real quick))+$"
)
#: The same around a bare word: "and wait", "then skip it" go on with a sentence.
_HESITATION = re.compile(
    r"^(?:(?:um|uh|uhm|hmm|mm|er|oh|ah|well|ok|okay|alright|all right|actually|sorry|im sorry|"
    r"excuse me|hey|hi|no wait) )+(?=.)|(?: (?:thanks|thank you|ok|okay|sorry|for me))+$"
)
_COULD = r"(?:can|could|would|will|may|club|should)"
_LIKE = r"(?:id|i d|i|i would|wed) (?:like|love|prefer)"
# The interviewer is asked: "could you ...", "I would like you to ...".
_ASK_YOU = (
    rf"(?:{_COULD} (?:you|we)(?: just| maybe)? |(?:{_LIKE}|i (?:want|need)) you to |"
    r"(?:do|would) you mind |is it (?:ok|okay|possible) (?:if we|to) )"
)
_ASK = (  # also for what the candidate wants to do: "can I ...", "I'd like to ..."
    rf"(?:{_ASK_YOU}|{_COULD} i (?:just |maybe )?|{_LIKE} to |is it (?:ok|okay|possible) if i )"
)
# Said of oneself, in an answer as well: it needs the interview's own nouns behind it.
_I = rf"(?:{_ASK}|(?:lets|let us|let me|i will|ill|i (?:want|need|wish) to) (?:just )?)"
_COUNT = (
    r"(?:half a|a couple of|a few|forty five|a|an|one|two|three|four|five|ten|fifteen|twenty|"
    r"thirty|fairly|sixty|another|some|\d+)"
)
_SPAN = rf"{_COUNT}(?: more)? (?:minutes?|mins?|millet|moments?|seconds?|secs?|sec)"
_TIME = (
    rf"(?:{_SPAN}|a (?:bit|little|while)|(?:a (?:bit|little) )?more time|some(?: more)? time|time)"
)
_THINK = r"(?: to think)?(?: about (?:that|this|it|the question|this one|my answer))?"
_UNSURE = r"(?:i (?:dont|do not) know|no idea|im not sure)(?: (?:this|that)(?: one)?)?(?: so)? "
_THIS = r"(?:this one|that one|this|that|it)"
_QUESTION = r"(?:your|(?:(?:this|that|the)(?: last| current)?)) question"
_INTERVIEW = r"(?:the|this|our|my) (?:whole )?interview"
_SESSION = rf"(?:{_INTERVIEW}|(?:the|this|our) (?:session|conversation|call|meeting))"
_AGAIN = r"(?:again|once more|one more time|once again)"
_DONE = r"(?:done|finished|all done|through)"

# Some words are the recogniser's: "replace" for "rephrase", "fearless" for "finished", found by
# letting it transcribe every request in six synthetic voices.
_EXPLICIT: Final[dict[Control, tuple[str, ...]]] = {
    Control.REPEAT: (
        rf"(?:{_ASK})?repeat(?:ing)? (?:yourself|what you said|{_QUESTION})(?: {_AGAIN})?",
        rf"{_ASK_YOU}repeat(?:ing)?(?: {_THIS})?(?: {_AGAIN})?",
        rf"(?:{_ASK})?(?:say|read|ask|tell me)(?: me)? {_QUESTION} {_AGAIN}",
        rf"{_ASK_YOU}(?:say|save|read|ask|tell me)(?: me)? (?:that|it|this) {_AGAIN}",
        rf"say (?:that|it) {_AGAIN}|say again",
        rf"{_ASK}hear (?:that|it|{_QUESTION}) {_AGAIN}",
        r"what(?:s| is| was) the question(?: again)?",
        r"what (?:did you say|did you ask)(?: again)?|what was that again",
        r"i (?:didnt|did not|couldnt|could not|cant|cannot) (?:quite )?(?:hear|care|catch)"
        r"(?: (?:you|that|it|this|the question|what you said))?",
        r"i (?:didnt|did not) (?:quite )?get(?: (?:that|it|the question|what you said))?",
        r"(?:didnt|did not|couldnt|could not) (?:hear|care|catch) (?:you|that|the question)",
        r"pardon(?: me)?|i beg your pardon",
    ),
    Control.REPHRASE: (
        rf"(?:{_ASK})?(?:rephrase|reword|replace|clarify|explain|simplify) {_QUESTION}"
        r"(?: again| differently)?",
        rf"{_ASK_YOU}(?:rephrase|reword|replace|clarify|explain|simplify)(?: {_THIS})?"
        r"(?: again| differently)?",
        rf"{_ASK_YOU}(?:put|say|ask|word|phrase) (?:that|it|this|{_QUESTION}) "
        r"(?:differently|another way|in another way|in other words|in a different way)",
        r"i (?:dont|do not|didnt|did not) (?:really |quite )?understand"
        r"(?: (?:the|this|that|your) question| that| it| what you mean)?",
        r"what do you mean(?: by (?:that|this|it))?",
        r"im not sure (?:what you mean|i understand(?: the question)?|what you are asking)",
    ),
    Control.WAIT: (
        rf"(?:{_ASK_YOU}|can i )(?:wait|hold on|hang on|stop)(?: (?:for )?{_SPAN})?",
        rf"(?:hold on|hang on)(?: for)? {_SPAN}",
        rf"(?:good question )?(?:{_ASK}|lets |let us |let me |i (?:have|need|want) to )"
        rf"(?:just )?think(?: for {_TIME})?{_THINK}(?: for {_TIME})?(?: first)?",
        rf"(?:(?:{_ASK})?give me|gimme) {_TIME}{_THINK}",
        rf"(?:{_ASK}|let me )(?:have|take|get) {_TIME}{_THINK}",
        rf"i (?:just )?need (?:{_SPAN}|more time|some time|time|{_TIME} to think|to think){_THINK}",
        r"(?:just )?one (?:more )?moment|just a moment|bear with me",
        r"(?:im )?still thinking|im thinking",
        r"(?:im|i am) not (?:done|finished|ready)(?: yet)?",
        r"im still (?:talking|speaking|answering)",
    ),
    Control.SKIP: (
        rf"(?:{_UNSURE})?(?:{_I})?(?:skip|scoop)(?: over)? {_QUESTION}",
        rf"(?:{_UNSURE})?{_ASK}(?:skip|scoop)(?: {_THIS})?",
        rf"(?:{_UNSURE})?(?:{_I})?pass on (?:this one|{_QUESTION})",
        rf"(?:{_UNSURE})?(?:{_ASK}|lets )move on",
        rf"(?:{_UNSURE})?(?:{_I})?(?:move on|go on|move|go|proceed|continue|skip) (?:on )?"
        r"to the next question",
        rf"(?:{_UNSURE})?{_ASK}(?:move on|go on|move|go|proceed|continue|skip) (?:on )?"
        r"to the next(?: one)?",
        rf"(?:{_UNSURE})?(?:{_I})?(?:have |get )?(?:the )?next question",
        rf"{_UNSURE}(?:{_I})?(?:skip|pass|move on)(?: {_THIS})?",
    ),
    Control.GO_BACK: (
        rf"(?:{_I})?(?:go|get|come|jump) back (?:one|a) question",
        rf"(?:{_I})?(?:go|get|come|jump|return) (?:back )?to (?:the |my )?"
        r"(?:previous|premius|last|earlier) (?:question|answer)",
        rf"{_ASK}(?:go|get|come|jump) back(?: one)?",
        rf"{_ASK}(?:go|get|come|jump|return) (?:back )?to the (?:previous|last|earlier)(?: one)?",
        r"(?:back )?to the previous question|(?:the )?(?:previous|premius) question",
    ),
    Control.FINISH: (
        rf"(?:{_I})?(?:finish|end|stop|quit|terminate|conclude|leave|abort|cancel)(?: with)? "
        rf"{_INTERVIEW}(?: here)?",
        rf"{_I}(?:finish|end|stop|quit|leave)(?: with)? {_SESSION}(?: here)?",
        rf"(?:lets|i want to|{_ASK}) ?(?:finish|stop|end)(?: (?:it|this))? here",
        rf"(?:im|i am) (?:done|finished) with {_SESSION}",
    ),
    Control.DONE: (
        rf"(?:im|i am|i m) (?:{_DONE}|fearless)"
        rf"(?: (?:with (?:my answer|the answer|{_QUESTION}|{_THIS})|answering|here))?",
        r"(?:thats|that is|that s|that was) (?:all|it|my answer|everything|all of it|"
        r"all i have|all i know|all i can say|about it|the answer)(?: from me| really)?",
        r"(?:lets|max) all",
        r"end of answer|(?:i have )?nothing (?:more|else) to add|i have nothing to add",
    ),
    Control.PAUSE: (
        rf"(?:{_I})?pause {_INTERVIEW}(?: (?:here|(?:for )?{_TIME}))?",
        rf"(?:{_ASK}|lets )pause(?: (?:here|this|{_SESSION}))?(?: (?:for )?{_TIME})?",
        rf"(?:{_I}(?:have|take|make) |i need )a(?: short| quick| little| small)? (?:break|pause)",
    ),
}
_BARE: Final[dict[Control, tuple[str, ...]]] = {
    Control.REPEAT: (
        rf"repeat(?: {_THIS})?(?: {_AGAIN})?|ask (?:that|it) again|what|what was that|come again",
    ),
    Control.REPHRASE: (rf"(?:rephrase|reword|clarify)(?: {_THIS})?|what does (?:that|this) mean",),
    Control.WAIT: (
        r"wait|hold on|hang on|just a (?:second|sec|minute|bit)",
        r"wait (?:a|one|just a) (?:moment|second|sec|minute)",
    ),
    Control.SKIP: (
        rf"(?:{_I})?(?:skip|scoop)(?: {_THIS})?|(?:ill |i will |i would )?pass|(?:{_I})?move on",
    ),
    Control.GO_BACK: (r"(?:lets |let me )?go back",),
    Control.DONE: (
        rf"done|finished|(?:were|we are) {_DONE}|(?:ill|i will|let me) stop (?:here|there)",
    ),
    Control.PAUSE: (r"pause(?: here)?|(?:take|have) a(?: short| quick)? break",),
}
#: With "please" there is no mistaking these, without it they are somebody's answer.
_WITH_PLEASE: Final[dict[Control, tuple[str, ...]]] = {
    Control.REPEAT: (_AGAIN,),
    Control.WAIT: (_SPAN,),
    Control.REPHRASE: (rf"(?:explain|simplify)(?: {_THIS})?",),
}


_Patterns = dict[Control, re.Pattern[str]]


def _compiled(patterns: dict[Control, tuple[str, ...]]) -> _Patterns:
    return {
        control: re.compile("|".join(f"(?:{pattern})" for pattern in each))
        for control, each in patterns.items()
    }


_REQUESTS: Final = _compiled(_EXPLICIT)
_WORDS: Final = _compiled(_BARE)
_POLITE: Final = _compiled(_WITH_PLEASE)

_OBJECT = rf"(?: (?:it|that|this|this one|{_QUESTION}|{_INTERVIEW}))?"
_YES = re.compile(
    r"(?:(?:yes|yeah|yep|yup|yet|yea|ya|sure|ok|okay|right|correct|absolutely|definitely|exactly|"
    r"indeed|yall sure|short|(?:lets )?do (?:it|that|so)|do|go ahead|of course|i do|i am|im sure|"
    r"(?:thats|that is) (?:right|fine|ok|okay|correct)|fine|affirmative|confirmed?|"
    r"(?:you|we) can(?: do (?:it|that))?|id like that)(?: |$))+"
)
_NO = re.compile(
    r"(?:(?:no|nope|nah|not|not yet|not now|that yet|never|never mind|cancel|wait|actually|sorry|"
    rf"i changed my mind|(?:dont|do not)(?: (?:skip|end|finish|stop|do))?{_OBJECT}|"
    rf"(?:lets |ill |i will )?(?:continue|carry on|keep going|go on)(?: with)?{_OBJECT}|"
    r"(?:i (?:want|(?:would )?like|d like|will|can)|id (?:like|rather)|let me|ill)(?: to| just)* "
    rf"(?:try to answer|try|answer|continue|stay|go on|keep going|think){_OBJECT}"
    r"(?: first| again)?)(?: |$))+"
)


def recognise(
    text: str, *, confirming: Control | None = None, answering: bool = False
) -> Control | None:
    """The control that the whole utterance asks for; None: it is (part of) an answer.

    `confirming` is the control that was asked back ("Shall I skip this question?"). Only then are
    YES and NO returned, and saying the control again means YES. `answering`: the candidate is in
    an answer, to which a bare word ("skip it") belongs.
    """
    plain = _plain(text)
    if not plain or len(plain.split()) > LONGEST_REQUEST:
        return None
    if confirming is None:
        return _asked(plain, answering=answering)
    reply = _reply(plain, confirming) if len(plain.split()) <= LONGEST_REPLY else None
    asked = reply or _asked(plain, answering=False)
    return Control.YES if asked is confirming else asked


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


def _asked(plain: str, *, answering: bool) -> Control | None:
    said = " ".join(word for word in plain.split() if word != "please")
    polite = said != plain
    stripped = _AROUND.sub("", said)
    asked = _first(_REQUESTS, said, stripped, _AROUND.sub("", stripped))
    if asked is None and (polite or not answering):
        asked = _first(_WORDS, said, _HESITATION.sub("", said))
    if asked is None and polite:
        asked = _first(_POLITE, said, stripped)
    return asked


def _first(patterns: _Patterns, *texts: str) -> Control | None:
    for text in texts:
        for control, pattern in patterns.items():
            if pattern.fullmatch(text):
                return control
    return None


def _reply(plain: str, confirming: Control) -> Control | None:
    """Yes or no, and what is said with it; an answer that begins with such a word is neither."""
    said = " ".join(word for word in plain.split() if word != "please")
    bare = _AROUND.sub("", said)
    if _NO.fullmatch(said) or _NO.fullmatch(bare):
        return Control.NO
    agreed = _YES.match(said)
    if agreed is None:
        return Control.YES if _YES.fullmatch(bare) else None
    rest = _AROUND.sub("", said[agreed.end() :])
    agrees = not rest or rest in ("thanks", "thank you")
    return Control.YES if agrees or _asked(rest, answering=False) is confirming else None


def _plain(text: str) -> str:
    """Lower case, no apostrophes, everything else that is not a letter or digit a single space."""
    text = re.sub(r"[’'`]", "", text.lower())
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text).split())
