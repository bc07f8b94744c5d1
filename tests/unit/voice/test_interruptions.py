"""Coughs, nods and real interruptions while the interviewer has the floor."""

from __future__ import annotations

import pytest

from voice.interruptions import (
    CLEARLY_SPEAKING_S,
    LONGEST_HOLD_S,
    REPLY_DUE_S,
    Action,
    Interruptions,
    is_backchannel,
)


@pytest.fixture
def speaking() -> Interruptions:
    """The interviewer has been asking for three seconds at time 3."""
    policy = Interruptions()
    policy.bot_started(0.0)
    return policy


@pytest.fixture
def answered() -> Interruptions:
    """An answer with words ended at time 10; the reply is due."""
    policy = Interruptions()
    policy.turn_began()
    policy.words("A hash table maps keys.", 8.0, final=True)
    policy.turn_ended(10.0)
    return policy


def test_a_voice_in_silence_begins_a_turn() -> None:
    assert Interruptions().voice_started(1.0) is Action.START


def test_a_sound_holds_the_interviewer_at_once(speaking: Interruptions) -> None:
    assert speaking.voice_started(3.0) is Action.HOLD


def test_a_cough_lets_the_interviewer_go_on(speaking: Interruptions) -> None:
    speaking.voice_started(3.0)
    speaking.voice_stopped(3.4)
    assert speaking.nothing_heard(3.6) is Action.RESUME
    assert speaking.voice_started(5.0) is Action.HOLD


@pytest.mark.parametrize("nod", ["Mm-hm.", "Okay, right.", "Yeah.", "Aha!", "Mama.", "I see."])
def test_a_nod_lets_the_interviewer_go_on(speaking: Interruptions, nod: str) -> None:
    speaking.voice_started(3.0)
    speaking.voice_stopped(3.4)
    assert speaking.words(nod, 3.6, final=True) is Action.RESUME


def test_words_interrupt(speaking: Interruptions) -> None:
    speaking.voice_started(3.0)
    speaking.voice_stopped(3.6)
    assert speaking.words("Wait, please.", 3.8, final=True) is Action.YIELD


def test_a_voice_that_goes_on_interrupts_before_its_words_are_known(
    speaking: Interruptions,
) -> None:
    speaking.voice_started(3.0)
    assert speaking.tick(3.0 + CLEARLY_SPEAKING_S - 0.1) is Action.NONE
    assert speaking.tick(3.01 + CLEARLY_SPEAKING_S) is Action.YIELD


def test_a_nod_in_a_voice_that_goes_on_is_not_the_last_word(speaking: Interruptions) -> None:
    speaking.voice_started(3.0)
    assert speaking.words("Okay", 3.5, final=False) is Action.NONE
    assert speaking.words("Okay but that", 3.7, final=False) is Action.YIELD


def test_a_hold_without_words_ends_by_itself(speaking: Interruptions) -> None:
    speaking.voice_started(3.0)
    speaking.voice_stopped(3.4)
    assert speaking.tick(3.41 + LONGEST_HOLD_S) is Action.RESUME


def test_yes_is_an_answer_while_a_confirmation_is_asked_for(speaking: Interruptions) -> None:
    speaking.short_answers_count = True
    speaking.voice_started(3.0)
    speaking.voice_stopped(3.3)
    assert speaking.words("Yes.", 3.5, final=True) is Action.YIELD


def test_going_on_before_the_reply_takes_the_answer_back(answered: Interruptions) -> None:
    assert answered.voice_started(10.3) is Action.HOLD
    assert answered.tick(10.31 + CLEARLY_SPEAKING_S) is Action.TAKE_BACK


def test_going_on_into_the_replys_first_words_takes_the_answer_back(
    answered: Interruptions,
) -> None:
    answered.bot_started(10.2)
    answered.voice_started(10.9)
    answered.voice_stopped(11.6)
    assert answered.words("Also it resizes.", 12.0, final=True) is Action.TAKE_BACK


def test_speaking_into_a_reply_that_was_heard_is_an_interruption(answered: Interruptions) -> None:
    answered.bot_started(10.2)
    answered.voice_started(12.0)
    assert answered.tick(12.01 + CLEARLY_SPEAKING_S) is Action.YIELD


def test_a_cough_before_the_reply_takes_nothing_back(answered: Interruptions) -> None:
    answered.voice_started(10.3)
    answered.voice_stopped(10.6)
    assert answered.nothing_heard(10.8) is Action.RESUME


def test_a_turn_without_words_is_owed_no_reply() -> None:
    policy = Interruptions()
    policy.turn_began()
    policy.turn_ended(5.0)
    assert policy.voice_started(5.5) is Action.START


def test_the_floor_is_free_when_the_interviewer_has_finished(speaking: Interruptions) -> None:
    speaking.bot_stopped(4.0)
    assert speaking.voice_started(4.1) is Action.START


def test_a_cough_between_two_lines_does_not_cancel_the_second(speaking: Interruptions) -> None:
    speaking.reply_due(3.0)
    speaking.bot_stopped(3.5)
    assert speaking.voice_started(3.8) is Action.HOLD


def test_a_reply_that_never_comes_is_not_waited_for(answered: Interruptions) -> None:
    assert answered.voice_started(10.1 + REPLY_DUE_S) is Action.START


@pytest.mark.parametrize("text", ["", "Mm-hm", "OK.", "yeah yeah", "Uh-huh, right.", "You"])
def test_signs_of_listening_are_backchannels(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize("text", ["No.", "Okay but wait", "Repeat that", "A queue.", "Right join"])
def test_everything_else_is_not(text: str) -> None:
    assert not is_backchannel(text)
