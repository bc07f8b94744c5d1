"""What is done about something a candidate said or pressed, and which words ask for it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from voice.controls import Control
from voice.improvising import Intent


class Step(StrEnum):
    ANSWER = "answer"  # it is (part of) the answer
    DONE = "done"  # the answer is complete
    REPEAT = "repeat"
    REPHRASE = "rephrase"
    WAIT = "wait"
    CONFIRM_SKIP = "confirm_skip"
    SKIP = "skip"
    GO_BACK = "go_back"
    CONFIRM_FINISH = "confirm_finish"
    FINISH = "finish"
    CONFIRM_PAUSE = "confirm_pause"
    PAUSE = "pause"
    GO_ON = "go_on"  # a confirmation was declined
    # What a language model alone can tell from an answer.
    ABOUT_ROLE = "about_role"
    OFF_TOPIC = "off_topic"
    ABUSE = "abuse"


ASKED_FOR: Final = {
    Control.REPEAT: Step.REPEAT,
    Control.REPHRASE: Step.REPHRASE,
    Control.WAIT: Step.WAIT,
    Control.SKIP: Step.CONFIRM_SKIP,
    Control.GO_BACK: Step.GO_BACK,
    Control.FINISH: Step.CONFIRM_FINISH,
    Control.PAUSE: Step.PAUSE,
    Control.DONE: Step.DONE,
}
#: What a language model takes a turn for counts less than set words: what moves the interview is
#: confirmed.
UNDERSTOOD: Final = {
    Intent.ANSWER: Step.ANSWER,
    Intent.REPEAT: Step.REPEAT,
    Intent.REPHRASE: Step.REPHRASE,
    Intent.WAIT: Step.WAIT,
    Intent.SKIP: Step.CONFIRM_SKIP,
    Intent.PAUSE: Step.CONFIRM_PAUSE,
    Intent.ROLE: Step.ABOUT_ROLE,
    Intent.OFF_TOPIC: Step.OFF_TOPIC,
    Intent.ABUSE: Step.ABUSE,
}
CONFIRMS: Final = {
    Step.CONFIRM_SKIP: Control.SKIP,
    Step.CONFIRM_FINISH: Control.FINISH,
    Step.CONFIRM_PAUSE: Control.PAUSE,
}
CONFIRMED: Final = {
    Control.SKIP: Step.SKIP,
    Control.FINISH: Step.FINISH,
    Control.PAUSE: Step.PAUSE,
}
