"""What becomes of each stretch of speech, in a room without sound where lines are heard at once."""

from __future__ import annotations

import pytest

from contracts.interview import Move
from contracts.turns import TurnPurpose
from tests.voice.rooms import HASH
from tests.voice.silent import talking
from tests.waiting import eventually
from voice.pauses import Kind

POINTER = "Each node holds a pointer."
ANSWER, CONTROL = TurnPurpose.ANSWER, TurnPurpose.CONTROL


@pytest.mark.parametrize(
    "stretches",
    [
        ["The last one."],
        ["Thirty seconds."],
        [POINTER, "To the previous one."],
        ["The thread has to", "wait."],
        ["If the lock is taken you try", "again."],
        ["Skip", "lists are sorted."],
        ["Wait.", "Go back.", "That is what a reader does."],
    ],
)
async def test_every_stretch_of_an_answer_is_in_it(stretches: list[str]) -> None:
    async with talking() as talk:
        talk.room.say(*stretches)
        await eventually(lambda: talk.interview.calls == ["record 1"])
        first = next(iter(talk.interview.questions))
        assert talk.interview.answers[first, 1][1] == " ".join(stretches)
        assert await talk.purposes(len(stretches)) == [(text, ANSWER) for text in stretches]


@pytest.mark.parametrize("request_text", ["Skip it.", "Could you repeat the question?", "Wait."])
async def test_a_whole_turn_that_is_a_request_is_no_answer(request_text: str) -> None:
    async with talking() as talk:
        talk.room.say(request_text)
        assert await talk.purposes(1) == [(request_text, CONTROL)]
        assert talk.interview.calls == []


async def test_a_request_in_full_after_an_answer_is_no_part_of_it() -> None:
    async with talking() as talk:
        talk.room.say(POINTER, "Let me think.")
        assert await talk.purposes(2) == [(POINTER, ANSWER), ("Let me think.", CONTROL)]
        assert talk.interview.calls == []


async def test_what_was_begun_before_the_end_belongs_to_the_answer_and_the_rest_does_not() -> None:
    async with talking() as talk:
        first = next(iter(talk.interview.questions))
        talk.room.speak()
        talk.interview.move("finish", Move())
        await eventually(lambda: {"type": "cursor", "state_version": 2} in talk.room.sent)
        talk.room.heard(POINTER)
        talk.room.say("Now I have to go.")
        await eventually(lambda: len(talk.said()) == 2)
        assert talk.said() == [
            (POINTER, ANSWER, first, 1),
            ("Now I have to go.", CONTROL, None, None),
        ]


async def test_what_was_begun_before_an_answer_was_typed_is_part_of_that_answer() -> None:
    async with talking() as talk:
        first = next(iter(talk.interview.questions))
        talk.room.speak()
        talk.interview.type_answer("What I typed.")
        await eventually(lambda: {"type": "cursor", "state_version": 2} in talk.room.sent)
        talk.room.heard(POINTER)
        talk.room.dialogue.turn_stopped()
        await eventually(lambda: talk.interview.calls == ["reopen 1", "record 2"])
        assert talk.interview.answers[first, 2][1] == f"What I typed. {POINTER}"


async def test_a_request_begun_before_the_end_is_no_answer() -> None:
    async with talking() as talk:
        talk.room.speak()
        talk.interview.move("finish", Move())
        await eventually(lambda: {"type": "cursor", "state_version": 2} in talk.room.sent)
        talk.room.heard("Could you repeat the question?")
        assert await talk.purposes(1) == [("Could you repeat the question?", CONTROL)]


async def test_who_was_away_for_a_moment_is_told_where_we_were_and_asked_again() -> None:
    async with talking() as talk:
        talk.room.dialogue.returned()
        again = ["Welcome back. We were at question 1.", HASH.prompt]
        await eventually(lambda: talk.bot()[-2:] == again)
        assert talk.asked().count(HASH.prompt) == 2


async def test_who_was_away_in_an_answer_hears_that_it_is_kept() -> None:
    async with talking() as talk:
        talk.room.speak()
        talk.room.heard(POINTER)
        await talk.purposes(1)
        talk.room.dialogue.returned()
        await eventually(lambda: any("What you said so far is kept" in each for each in talk.bot()))
        talk.room.dialogue.turn_stopped()
        await eventually(lambda: talk.interview.calls == ["record 1"])


async def test_who_was_away_during_the_greeting_is_greeted_anew() -> None:
    async with talking(heard=False) as talk:
        await eventually(lambda: talk.room.dialogue.mouth.greeting)
        talk.room.dialogue.returned()
        talk.room.audible.set()
        await eventually(lambda: HASH.prompt in talk.asked())
        assert talk.interview.texts(TurnPurpose.RESUME) == []
        assert talk.asked().count(HASH.prompt) == 1


async def test_turn_taking_is_told_what_kind_of_answer_comes() -> None:
    async with talking() as talk:
        await eventually(lambda: "hash table" in talk.asked())
        assert set(talk.room.expected) == {Kind.EXPLAIN}
        talk.room.say("Please skip this question.")
        await eventually(lambda: talk.room.expected[-1] is Kind.CONTROL)
        talk.room.say("No.")
        await eventually(lambda: talk.room.expected[-1] is Kind.EXPLAIN)
