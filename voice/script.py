"""The scripted interviewer's wordings: every line it says that is not in the question bank.

`Wording` is the seam for another language. What a language model words has its line here as well.
No line depends on whether an answer was right.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

_SMALL: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_TENS: Final = (
    "",
    "",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
)

#: Equally neutral, so that which one is used says nothing.
_ACKNOWLEDGEMENTS: Final = (
    "Thank you.",
    "Okay, thank you.",
    "All right, noted.",
    "Thanks, I have that.",
    "Noted, thank you.",
    "Okay, I have that down.",
)

_CLOSINGS: Final = {
    "answered": "That was the last question.",
    "finished": "We end here, as you asked.",
    "deadline": "Our time is up.",
    "cancelled": "This interview was cancelled by the organiser.",
}

_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+(?=[\"'(]?[A-Z0-9])")


class Wording(Protocol):
    """How a line is put into words. Called on the event loop: returns at once, touches nothing."""

    def greeting(self, questions: int, minutes: int) -> str: ...
    def question(self, number: int, total: int, prompt: str) -> str: ...
    def follow_up(self, text: str) -> str: ...
    def welcome_back(self, number: int, *, kept: bool) -> str: ...
    def acknowledgement(self, count: int) -> str: ...
    def typed_answer(self) -> str: ...
    def repeat(self, prompt: str) -> str: ...
    def rephrase(self, prompt: str) -> str: ...
    def take_your_time(self) -> str: ...
    def go_on(self) -> str: ...
    def taken_back(self) -> str: ...
    def nothing_heard(self) -> str: ...
    def not_stored(self) -> str: ...
    def nothing_before(self) -> str: ...
    def confirm_skip(self) -> str: ...
    def skipped(self) -> str: ...
    def went_back(self) -> str: ...
    def confirm_finish(self) -> str: ...
    def confirm_pause(self) -> str: ...
    def about_role(self) -> str: ...
    def off_topic(self) -> str: ...
    def abuse(self) -> str: ...
    def paused(self) -> str: ...
    def still_there(self) -> str: ...
    def silence_offer(self) -> str: ...
    def question_winding_down(self) -> str: ...
    def winding_down(self, minutes: int) -> str: ...
    def closing(self, reason: str | None) -> str: ...
    def speaker_check(self) -> str: ...


class Script:
    """The built-in English wording."""

    def greeting(self, questions: int, minutes: int) -> str:
        """Who speaks, what comes and how long. `minutes` is the whole asking time."""
        count = f"{spoken_number(questions)} question{'s' if questions != 1 else ''}"
        return (
            "System online. "
            "Hello, I am the CodeVoice interviewer, an automated system. "
            f"I have {count} for you, and we have {spoken_number(minutes)} "
            f"minute{'s' if minutes != 1 else ''}. "
            "Pauses are fine, and you can ask me to repeat, to wait or to skip. "
            "Let us begin."
        )

    def question(self, number: int, total: int, prompt: str) -> str:
        lead = "Last question" if number == total > 1 else f"Question {spoken_number(number)}"
        return f"{lead}. {prompt}"

    def follow_up(self, text: str) -> str:
        return text

    def welcome_back(self, number: int, *, kept: bool) -> str:
        line = f"Welcome back. We were at question {number}."
        return f"{line} What you said so far is kept, so please go on from there." if kept else line

    def acknowledgement(self, count: int) -> str:
        return _ACKNOWLEDGEMENTS[count % len(_ACKNOWLEDGEMENTS)]

    def typed_answer(self) -> str:
        return "Thank you, I have what you typed."

    def repeat(self, prompt: str) -> str:
        return f"Of course. {prompt}"

    def rephrase(self, prompt: str) -> str:
        return f"Let me put it another way. {prompt}"

    def take_your_time(self) -> str:
        return "Of course, take your time."

    def go_on(self) -> str:
        return "All right, please go on."

    def taken_back(self) -> str:
        return "Sorry, go on."

    def nothing_heard(self) -> str:
        return "Sorry, I did not hear you. Could you say that again?"

    def not_stored(self) -> str:
        return "Sorry, something went wrong on our side. Your answer is kept. One moment, please."

    def nothing_before(self) -> str:
        return "This is the first question, so there is nothing to go back to."

    def confirm_skip(self) -> str:
        return "Shall I skip this question? Please say yes or no."

    def skipped(self) -> str:
        return "All right, we leave that one."

    def went_back(self) -> str:
        return "All right, back to the previous question."

    def confirm_finish(self) -> str:
        return "Shall we end the interview now? Please say yes or no."

    def confirm_pause(self) -> str:
        return "Shall I pause the interview? Please say yes or no."

    def about_role(self) -> str:
        return (
            "I cannot speak about the role, but the people who invited you will. "
            "Please go on with your answer."
        )

    def off_topic(self) -> str:
        return "I cannot help with that. Please go on with your answer, or say skip."

    def abuse(self) -> str:
        return "Let us keep this civil. Please go on with your answer when you are ready."

    def paused(self) -> str:
        return "The interview is paused, and what you said is kept. Come back when you are ready."

    def still_there(self) -> str:
        return "There is no hurry. Start whenever you are ready."

    def silence_offer(self) -> str:
        return (
            "If you prefer, you can type your answer, pause the interview, or skip this question."
        )

    def question_winding_down(self) -> str:
        return "Please bring this answer to a close."

    def winding_down(self, minutes: int) -> str:
        if minutes <= 1:
            return "We have about a minute left."
        return f"We have about {spoken_number(minutes)} minutes left."

    def closing(self, reason: str | None) -> str:
        first = _CLOSINGS.get(reason or "answered", _CLOSINGS["answered"])
        if reason == "cancelled":
            return f"{first} Thank you for your time. Goodbye."
        return f"{first} Thank you, your answers are saved and a person decides. Goodbye."

    def speaker_check(self) -> str:
        return "Hello. Please say one sentence, and I will show you what I heard."


def spoken_number(value: int) -> str:
    """0 to 99 as words ("twenty-one"); anything else as digits."""
    if not 0 <= value <= 99:
        return str(value)
    if value < 20:
        return _SMALL[value]
    tens, ones = divmod(value, 10)
    return _TENS[tens] + (f"-{_SMALL[ones]}" if ones else "")


def sentences(text: str, *, at_least: int = 18) -> list[str]:
    """Cuts a line where it may be interrupted and taken up again.

    A piece shorter than `at_least` characters is joined to the next ("Question two. What is ..."),
    except at the very front, where a short piece is heard sooner.
    """
    pieces: list[str] = []
    for piece in _SENTENCE_END.split(text.strip()):
        if len(pieces) > 1 and len(pieces[-1]) < at_least:
            pieces[-1] = f"{pieces[-1]} {piece}"
        elif piece:
            pieces.append(piece)
    return pieces
