"""Spoken controls: what is taken for a request, and what is not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from voice.controls import Control, asked_time, recognise

REQUESTS = {
    Control.REPEAT: [
        "Could you repeat the question, please?",
        "Repeat that.",
        "Please repeat.",
        "Can you say that again?",
        "Sorry, I didn't hear you.",
        "What was the question again?",
        "Pardon?",
        "One more time, please.",
        "Would you mind repeating the question?",
        "I'd like to hear the question again.",
        "Um, can you repeat it?",
        "Okay, could you please ask the question once more?",
    ],
    Control.REPHRASE: [
        "Can you rephrase the question?",
        "I don't understand the question.",
        "What do you mean by that?",
        "Could you explain the question?",
        "Can you put it differently?",
        "Could you clarify that, please?",
        "I'm not sure I understand the question.",
    ],
    Control.WAIT: [
        "Let me think.",
        "Let me think about that for a moment.",
        "Give me a minute.",
        "One moment, please.",
        "Can I have two minutes?",
        "Wait.",
        "Hold on a second.",
        "I need 30 seconds to think.",
        "Good question, let me think.",
        "I'm not done yet.",
        "I need some time to think about it.",
        "Just a second.",
    ],
    Control.SKIP: [
        "Skip this question.",
        "Can we skip this one?",
        "Next question, please.",
        "Pass.",
        "I'd like to skip.",
        "I don't know, let's move on.",
        "I'll pass on this one.",
        "No idea. Skip it.",
        "Can we move on to the next question?",
    ],
    Control.GO_BACK: [
        "Go back to the previous question.",
        "Can we go back?",
        "Previous question.",
        "I want to go back to the last question.",
        "Could we go back one question?",
    ],
    Control.FINISH: [
        "Let's finish the interview.",
        "I want to end the interview.",
        "Stop the interview.",
        "Can we stop here?",
        "I'm done with this interview.",
    ],
    Control.DONE: [
        "I'm done.",
        "I am done.",
        "That's all.",
        "That's it!",
        "That's my answer.",
        "I'm finished.",
        "Done.",
        "Okay, that's all I know.",
        "I have nothing to add.",
    ],
    Control.PAUSE: [
        "Can we pause?",
        "Pause the interview.",
        "I need a break.",
        "Could we take a short break, please?",
    ],
}

#: What the recogniser wrote for a request spoken by one of six synthetic voices.
MISHEARD = {
    "Can you save it again?": Control.REPEAT,
    "Sorry, I didn't care you.": Control.REPEAT,
    "Club you repeat the question.": Control.REPEAT,
    "Can you replace the question?": Control.REPHRASE,
    "Club you explain the question.": Control.REPHRASE,
    "Give me a millet.": Control.WAIT,
    "I need fairly seconds to think.": Control.WAIT,
    "I like to skip.": Control.SKIP,
    "I'd like to scoop.": Control.SKIP,
    "Premius question.": Control.GO_BACK,
    "I'm fearless.": Control.DONE,
    "Let's all.": Control.DONE,
    "Max all.": Control.DONE,
}

ANSWERS = [
    "we skip the node",
    "Then we skip this node and go on to the next one in the list.",
    "A skip list",
    "I would repeat the request",
    "Let me repeat that: it is a hash table.",
    "We can repeat the transaction.",
    "pass by reference",
    "It passes the value.",
    "We pass the callback on to the next handler.",
    "Go back to the database and read it again.",
    "Can we go back to the cache?",
    "Wait for the lock.",
    "The thread has to wait a second.",
    "I would stop the server.",
    "Stop the world.",
    "End the transaction.",
    "Finish the request.",
    "The previous question was easier.",
    "We pause the worker.",
    "I'm done with the first loop, then I sort.",
    "Done when the queue is empty.",
    "That's all the keys.",
    "That's it for reads, but writes need a lock.",
    "The last one wins.",
    "I don't know.",
    "I think about the complexity first.",
    "Let's think about the complexity.",
    "It takes one second.",
    "Give me a list and I sort it in two minutes.",
    "Explain shows the query plan.",
    "You repeat the loop until nothing changes.",
    "next",
    "Yes.",
    "No.",
    "Right.",
    "",
    "...",
]


@pytest.mark.parametrize(
    ("text", "control"), [(text, control) for control, texts in REQUESTS.items() for text in texts]
)
def test_a_request_is_recognised(text: str, control: Control) -> None:
    assert recognise(text) is control


@pytest.mark.parametrize(("text", "control"), MISHEARD.items())
def test_a_request_the_recogniser_misheard_is_recognised(text: str, control: Control) -> None:
    assert recognise(text) is control


@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_is_no_request(text: str) -> None:
    assert recognise(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Yes.",
        "Yes, please.",
        "Yeah, sure.",
        "Yep.",
        "Okay.",
        "Skip it.",
        "Yes I would like to skip",
    ],
)
def test_a_confirmation_is_agreed_to(text: str) -> None:
    assert recognise(text, confirming=Control.SKIP) is Control.YES


@pytest.mark.parametrize(
    "text",
    [
        "No.",
        "No, thanks.",
        "No, continue.",
        "Not yet.",
        "No, let me try it.",
        "Keep going.",
        "Wait.",
    ],
)
def test_a_confirmation_is_refused(text: str) -> None:
    assert recognise(text, confirming=Control.SKIP) is Control.NO


@pytest.mark.parametrize(
    "text", ["Yes, but first I want to say that it uses a queue.", "A queue is first in first out."]
)
def test_an_answer_given_instead_of_a_confirmation_confirms_nothing(text: str) -> None:
    assert recognise(text, confirming=Control.SKIP) is None


def test_another_request_is_still_heard_while_confirming() -> None:
    assert recognise("Could you repeat that?", confirming=Control.FINISH) is Control.REPEAT


def test_only_what_cannot_be_undone_is_confirmed() -> None:
    assert {control for control in Control if control.needs_confirmation} == {
        Control.SKIP,
        Control.FINISH,
    }


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Give me two minutes.", 120),
        ("Half a minute, please.", 30),
        ("I need 30 seconds to think.", 30),
        ("A couple of minutes, please", 120),
        ("One more minute", 60),
    ],
)
def test_the_time_asked_for_is_understood(text: str, seconds: int) -> None:
    assert asked_time(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["Let me think.", "One moment, please.", "Some minutes", ""])
def test_no_time_is_made_up(text: str) -> None:
    assert asked_time(text) is None
