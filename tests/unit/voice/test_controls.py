"""Spoken controls: what is taken for a request, and what is not."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from questions.loader import starter_bank
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
    "The last one.",
    "The last one, I think.",
    "The previous one.",
    "To the previous one.",
    "To the last.",
    "Thirty seconds.",
    "A few seconds.",
    "About a minute.",
    "One second.",
    "A couple of minutes, I think.",
    "A while.",
    "A bit.",
    "Use a bit.",
    "Take one bit more.",
    "again",
    "Once more.",
    "One more time.",
    "Read it again.",
    "Save it again.",
    "Ask me again.",
    "Then ask the leader again.",
    "Explain.",
    "Replace it.",
    "Simplify it.",
    "Hold it.",
    "Stop.",
    "Stop it.",
    "Pause it.",
    "Pause the session.",
    "End the session.",
    "Cancel the call.",
    "Terminate the conversation.",
    "And wait.",
    "So wait.",
    "I need to wait.",
    "I will return to the last one.",
    "Go to the last one.",
    "Return to the previous.",
    "Come back.",
    "Jump back one.",
    "Back to the earlier one.",
    "The last question.",
    "Move to the next one.",
    "Go on to the next.",
    "Continue to the next one.",
    "And skip it.",
    "Then pass it.",
    "Pass on that one.",
    "Nothing else.",
    "Nothing more.",
    "Can't get it.",
    "Everything.",
    "It.",
    "All of it.",
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


#: A request where nothing was answered yet; otherwise how a sentence may end.
BARE = [
    "Wait.",
    "wait a second",
    "Hold on.",
    "Just a second.",
    "Skip it.",
    "Skip this one.",
    "Pass.",
    "Move on.",
    "I'll skip that.",
    "I want to skip it.",
    "Go back.",
    "Let's go back.",
    "Repeat it.",
    "Repeat.",
    "What?",
    "What does that mean?",
    "Rephrase it.",
    "Pause.",
    "Take a break.",
    "Done.",
    "We're done.",
    "Finished.",
    "I'll stop here.",
]

#: Unmistakable, in the middle of an answer too.
EXPLICIT = [
    ("Go back to the previous question.", Control.GO_BACK),
    ("Can we go back?", Control.GO_BACK),
    ("Please go back.", Control.GO_BACK),
    ("Can you repeat the question?", Control.REPEAT),
    ("Say that again.", Control.REPEAT),
    ("Again, please.", Control.REPEAT),
    ("Pardon?", Control.REPEAT),
    ("Could you rephrase that?", Control.REPHRASE),
    ("Give me thirty seconds.", Control.WAIT),
    ("Wait a minute, please.", Control.WAIT),
    ("Thirty seconds, please.", Control.WAIT),
    ("One moment.", Control.WAIT),
    ("Let me think.", Control.WAIT),
    ("Skip it, please.", Control.SKIP),
    ("Skip this question.", Control.SKIP),
    ("I don't know, skip it.", Control.SKIP),
    ("Can we stop here?", Control.FINISH),
    ("End the interview.", Control.FINISH),
    ("I'm done.", Control.DONE),
    ("That's all.", Control.DONE),
    ("Can we pause?", Control.PAUSE),
    ("I need a break.", Control.PAUSE),
]


@pytest.mark.parametrize("answering", [False, True])
@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_is_no_request(text: str, answering: bool) -> None:
    assert recognise(text, answering=answering) is None


@pytest.mark.parametrize("text", BARE)
def test_a_bare_word_is_a_request_only_of_somebody_who_has_not_begun_to_answer(text: str) -> None:
    assert recognise(text) is not None
    assert recognise(text, answering=True) is None


@pytest.mark.parametrize(("text", "control"), EXPLICIT)
def test_a_request_in_full_is_one_in_the_middle_of_an_answer_too(
    text: str, control: Control
) -> None:
    assert recognise(text, answering=True) is control


def _stretches(text: str) -> set[str]:
    """How it may reach us: whole, a sentence, a clause, what lies between two breaths."""
    sentences = re.split(r"(?<=[.!?])\s+", text)
    clauses = re.split(r"[,;:.!?]\s+|[.!?]$", text)
    joints = re.split(r"\b(?:and|or|but|then|so|to|because|which|that|until|when|if)\b", text)
    return {piece.strip() for piece in (text, *sentences, *clauses, *joints) if piece.strip()}


def test_no_part_of_a_model_answer_of_the_bank_is_a_request() -> None:
    """Half answers too: a request with the first words of an answer in it would lose them."""
    questions = starter_bank()
    texts = [
        text
        for question in questions
        for text in (question.model_answer, *(point.text for point in question.key_points))
    ]
    pieces = {piece for text in texts for piece in _stretches(text)}
    assert len(pieces) > 2000
    assert {piece for piece in pieces if recognise(piece, answering=True)} == set()
    taken = {re.sub(r"\W", "", piece) for piece in pieces if recognise(piece)}
    assert taken == {"wait", "repeat"}  # of somebody who goes on after it, part of the answer


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
        "Actually no, I want to try it first.",
        "No, don't skip it.",
        "I changed my mind, let's continue.",
    ],
)
def test_a_confirmation_is_refused(text: str) -> None:
    assert recognise(text, confirming=Control.SKIP) is Control.NO


@pytest.mark.parametrize(
    "text",
    [
        "Yes, but first I want to say that it uses a queue.",
        "A queue is first in first out.",
        "No locks are needed here.",
        "Right, so the lock is held.",
        "Wait for the lock.",
        "Continue with the left half.",
        "Never on the same row.",
        "Okay, the second one waits.",
    ],
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
