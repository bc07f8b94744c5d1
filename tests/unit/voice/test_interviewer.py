"""What the interviewer says and does, without a sound."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from contracts.interview import (
    Cursor,
    InterviewStatus,
    Outcome,
    QuestionState,
    Snapshot,
)
from contracts.questions import Difficulty, KeyPoint, Question
from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose
from voice.interviewer import FIRST_PROMPT, Hush, Interviewer, Line, open_turns
from voice.pauses import Kind
from voice.script import Script
from voice.steps import Step
from voice.timekeeper import LIMIT_GRACE, Timekeeper


def _question(slug: str, prompt: str, difficulty: Difficulty = Difficulty.EASY) -> Question:
    return Question(
        slug=slug,
        topic="Basics",
        difficulty=difficulty,
        prompt=prompt,
        rephrased=f"Said differently: {prompt}",
        key_points=(
            KeyPoint(id="one", text="the first point", follow_up="What comes first, then?"),
            KeyPoint(id="two", text="the second point", follow_up="And what comes after it?"),
            KeyPoint(id="three", text="a point nobody asks about"),
        ),
        model_answer="First the first point, then the second.",
        time_limit=timedelta(minutes=2),
    )


QUESTIONS = {
    uuid7(): _question("a", "What is a hash table?"),
    uuid7(): _question("b", "What is a cache used for?"),
    uuid7(): _question("c", "How would you design a queue?", Difficulty.HARD),
}
FIRST, SECOND, THIRD = QUESTIONS


def _at(
    question_id: UUID | None = FIRST,
    *,
    revision: int = 1,
    follow_up: str | None = None,
    status: InterviewStatus = InterviewStatus.IN_PROGRESS,
    assessing: bool = False,
    remaining: timedelta = timedelta(minutes=20),
    version: int = 1,
    recorded: int = 0,
    ends_reason: str | None = None,
) -> Snapshot:
    keys = list(QUESTIONS)
    following = keys[keys.index(question_id) + 1 :] if question_id else []
    return Snapshot(
        interview_id=uuid7(),
        state_version=version,
        status=status,
        cursor=Cursor(
            question_id=question_id,
            position=keys.index(question_id) + 1 if question_id else 3,
            revision=revision,
            follow_up=follow_up,
            follow_ups_left=0 if follow_up else 1,
            assessing=assessing,
            next_question_id=following[0] if following else None,
        ),
        questions=tuple(
            QuestionState(
                question_id=key,
                outcome=Outcome.ANSWERED if place < recorded else Outcome.UNASKED,
                revision=1 if place < recorded else 0,
            )
            for place, key in enumerate(keys)
        ),
        remaining=remaining,
        as_of=datetime.now(UTC),
        ends_reason=ends_reason,
    )


def _interviewer(snapshot: Snapshot | None = None) -> Interviewer:
    return Interviewer(QUESTIONS, Script(), snapshot or _at())


def _turn(speaker: Speaker, purpose: TurnPurpose, revision: int | None = None) -> Turn:
    now = datetime.now(UTC)
    return Turn(
        id=uuid7(),
        interview_id=uuid7(),
        question_id=FIRST,
        revision=revision,
        speaker=speaker,
        kind=TurnKind.SPOKEN,
        purpose=purpose,
        text="something",
        started_at=now,
        ended_at=now,
    )


def _texts(lines: tuple[Line, ...]) -> str:
    return " | ".join(line.text for line in lines)


def test_the_greeting_says_who_speaks_what_comes_and_how_long() -> None:
    greeting, question = _interviewer().opening([])
    assert greeting.text.startswith("System online.")
    assert "three questions" in greeting.text
    assert "twenty minutes" in greeting.text
    assert "automated" in greeting.text
    assert question.text == "Question one. What is a hash table?"
    assert question.asks


def test_whoever_was_here_before_hears_one_line_and_the_bare_question() -> None:
    turns = [_turn(Speaker.INTERVIEWER, TurnPurpose.GREETING)]
    back, question = _interviewer(_at(THIRD)).opening(turns)
    assert back.text == "Welcome back. We were at question 3."
    assert back.purpose is TurnPurpose.RESUME
    assert question.text == "How would you design a queue?"


def test_what_was_said_before_the_line_was_lost_is_said_to_be_kept() -> None:
    turns = [
        _turn(Speaker.INTERVIEWER, TurnPurpose.QUESTION),
        _turn(Speaker.CANDIDATE, TurnPurpose.ANSWER, revision=1),
    ]
    back, _ = _interviewer().opening(turns)
    assert back.text.startswith("Welcome back. We were at question 1.")
    assert "kept" in back.text


def test_only_answer_turns_of_the_present_revision_are_open() -> None:
    turns = [
        _turn(Speaker.CANDIDATE, TurnPurpose.ANSWER, revision=1),
        _turn(Speaker.CANDIDATE, TurnPurpose.CONTROL, revision=2),
        _turn(Speaker.CANDIDATE, TurnPurpose.ANSWER, revision=2),
    ]
    assert open_turns(_at(revision=2), turns) == [turns[2]]


def test_the_follow_up_is_the_one_the_workflow_chose() -> None:
    interviewer = _interviewer()
    lines = interviewer.after(Step.ANSWER, _at(revision=2, follow_up="two"))
    assert [line.text for line in lines] == ["And what comes after it?"]
    assert lines[0].purpose is TurnPurpose.FOLLOW_UP


def test_no_prompt_is_due_while_the_answer_is_looked_at() -> None:
    assert _interviewer().after(Step.ANSWER, _at(assessing=True)) == ()


def test_the_last_question_is_announced_as_such() -> None:
    assert _texts(_interviewer(_at(THIRD)).prompt()).startswith("Last question.")


def test_acknowledgements_vary_and_none_praises() -> None:
    interviewer = _interviewer()
    said = [interviewer.acknowledges().text for _ in range(12)]
    assert all(one != other for one, other in pairwise(said))
    praise = ("good", "great", "right answer", "correct", "excellent", "perfect", "well done")
    assert not any(word in text.lower() for text in said for word in praise)


@pytest.mark.parametrize(
    ("said", "step"),
    [
        ("Could you repeat that?", Step.REPEAT),
        ("I don't understand the question.", Step.REPHRASE),
        ("Let me think about that.", Step.WAIT),
        ("Can we go back to the previous question?", Step.GO_BACK),
        ("Let's take a short break.", Step.PAUSE),
        ("I'm done.", Step.DONE),
        ("Please skip this question.", Step.CONFIRM_SKIP),
        ("I would like to end the interview.", Step.CONFIRM_FINISH),
        ("We skip the node whose key is smaller.", Step.ANSWER),
    ],
)
def test_a_whole_utterance_can_be_a_request(said: str, step: Step) -> None:
    assert _interviewer().hears([said]) is step


def test_a_request_of_its_own_at_the_end_of_an_answer_counts() -> None:
    answer = "It is a table that maps keys to values."
    assert _interviewer().hears([answer, "I'm done."]) is Step.DONE
    assert _interviewer().hears([answer, "Let me think."]) is Step.WAIT


@pytest.mark.parametrize(
    "stretches",
    [
        ["The last one."],
        ["Each node holds a pointer.", "To the previous one."],
        ["Thirty seconds."],
        ["The thread has to", "wait."],
        ["If the lock is taken you try", "again."],
        ["On a conflict you", "skip it."],
        ["At a dead end you", "go back."],
        ["Skip", "list."],
        ["Pass", "by reference."],
        ["Wait.", "The lock is held."],
    ],
)
def test_the_words_of_an_answer_move_nothing(stretches: list[str]) -> None:
    assert _interviewer().hears(stretches) is Step.ANSWER
    heard = [stretches[: end + 1] for end in range(len(stretches))]
    interviewer = _interviewer()
    assert not any(interviewer.is_request(said[-1]) for said in heard)
    assert not interviewer.may_be_request(stretches, answering=False)


def test_a_bare_word_is_a_request_before_an_answer_and_part_of_it_afterwards() -> None:
    assert _interviewer().hears(["Skip it."]) is Step.CONFIRM_SKIP
    assert _interviewer().hears(["Wait.", "Skip it."]) is Step.CONFIRM_SKIP
    assert _interviewer().hears(["Skip it."], answering=True) is Step.ANSWER
    assert _interviewer().hears(["Skip it, please."], answering=True) is Step.CONFIRM_SKIP
    assert _interviewer().may_be_request(["Skip it."], answering=False)
    assert not _interviewer().may_be_request(["Skip it."], answering=True)


def test_skipping_needs_a_yes() -> None:
    interviewer = _interviewer()
    question = interviewer.reply(interviewer.hears(["Skip this question."]))
    assert "Shall I skip" in _texts(question)
    assert interviewer.hears(["Yes."]) is Step.SKIP


def test_a_no_and_anything_else_drop_the_confirmation() -> None:
    interviewer = _interviewer()
    interviewer.reply(Step.CONFIRM_SKIP)
    assert interviewer.hears(["No."]) is Step.GO_ON
    interviewer.reply(Step.CONFIRM_FINISH)
    assert interviewer.hears(["A hash table maps keys to values."]) is Step.ANSWER
    assert interviewer.confirming is None
    assert interviewer.hears(["Yes."]) is Step.ANSWER


def test_repeating_and_rephrasing_ask_again() -> None:
    interviewer = _interviewer()
    assert _texts(interviewer.reply(Step.REPEAT)) == "Of course. What is a hash table?"
    (again,) = interviewer.reply(Step.REPHRASE)
    assert again.text.endswith("Said differently: What is a hash table?")
    assert again.asks


def test_a_typed_answer_is_acknowledged_as_typed() -> None:
    interviewer = _interviewer()
    lines = interviewer.followed(_at(), _at(SECOND, version=2, recorded=1))
    assert "typed" in lines[0].text
    assert lines[1].text == "Question two. What is a cache used for?"


def test_a_skip_over_the_page_is_followed_without_thanks() -> None:
    lines = _interviewer().followed(_at(), _at(SECOND, version=2))
    assert _texts(lines) == "Question two. What is a cache used for?"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("answered", "last question"),
        ("deadline", "time is up"),
        ("finished", "as you asked"),
        ("cancelled", "cancelled"),
    ],
)
def test_the_farewell_names_the_reason_and_says_goodbye(reason: str, words: str) -> None:
    over = _at(None, status=InterviewStatus.GRADING, ends_reason=reason)
    (farewell,) = _interviewer().after(Step.ANSWER, over)
    assert words in farewell.text
    assert farewell.text.endswith("Goodbye.")


def test_silence_gets_one_gentle_word_then_one_offer_then_nothing() -> None:
    interviewer = _interviewer()
    first = FIRST_PROMPT[Difficulty.EASY]
    assert interviewer.hush(timedelta(seconds=7.9), 0, None) is None
    assert interviewer.hush(first, 0, None) is Hush.PROMPT
    assert interviewer.hush(timedelta(seconds=5), 1, None) is None
    assert interviewer.hush(timedelta(seconds=20), 1, None) is Hush.OFFER
    assert interviewer.hush(timedelta(hours=1), 2, None) is None
    assert "type" in interviewer.into_silence(Hush.OFFER).text


def test_the_kind_of_answer_is_that_of_the_question_or_of_what_is_asked_back() -> None:
    hard = _interviewer(_at(THIRD))
    kinds = [_interviewer().expects, _interviewer(_at(follow_up="one")).expects, hard.expects]
    assert kinds == [Kind.EXPLAIN, Kind.RECALL, Kind.DESIGN]
    hard.reply(Step.CONFIRM_SKIP)
    assert hard.expects is Kind.CONTROL


def test_nobody_is_prompted_within_8_seconds_and_a_designer_within_20() -> None:
    assert min(FIRST_PROMPT.values()) >= timedelta(seconds=8)
    assert FIRST_PROMPT[Difficulty.HARD] >= timedelta(seconds=20)


def test_quiet_mode_lasts_as_long_as_was_asked() -> None:
    interviewer = _interviewer()
    asked = interviewer.asked_time(["Give me two minutes, please."])
    assert asked == timedelta(minutes=2)
    assert interviewer.hush(timedelta(seconds=100), 0, asked) is None
    assert interviewer.hush(timedelta(seconds=120), 0, asked) is Hush.PROMPT


def test_little_time_is_announced_once_for_each_notice() -> None:
    interviewer = _interviewer()
    assert interviewer.note_time(timedelta(minutes=9)) is None
    assert interviewer.note_time(timedelta(minutes=4.9)) == timedelta(minutes=5)
    assert interviewer.note_time(timedelta(minutes=4)) is None
    assert interviewer.note_time(timedelta(seconds=50)) == timedelta(minutes=1)
    assert interviewer.note_time(timedelta(seconds=10)) is None
    assert interviewer.winding_down(timedelta(minutes=5)).text == "We have about five minutes left."


def test_when_no_time_is_left_none_is_announced() -> None:
    assert _interviewer().note_time(timedelta(0)) is None


def test_what_may_come_next_is_foreseen() -> None:
    interviewer = _interviewer()
    ahead = interviewer.foreseen()
    assert interviewer.acknowledges().text == ahead[0]
    assert "What comes first, then?" in ahead
    assert "And what comes after it?" in ahead
    assert "Question two. What is a cache used for?" in ahead
    assert "Goodbye." in _interviewer(_at(THIRD)).foreseen()[-1]


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_questions_own_time_is_announced_once_and_then_closes_the_answer() -> None:
    clock = _Clock()
    keeper = Timekeeper(_interviewer(), clock)
    keeper.prompt_heard()
    clock.now += 80
    assert keeper.time_low() is None
    clock.now += 15
    due = keeper.time_low()
    assert due is not None
    assert "close" in due.line.text
    assert keeper.time_low() is None
    assert not keeper.over_the_limit()
    clock.now += 26 + LIMIT_GRACE.total_seconds()
    assert keeper.over_the_limit()


def test_time_is_announced_in_a_pause_of_an_answer_and_not_in_a_breath() -> None:
    clock = _Clock()
    keeper = Timekeeper(_interviewer(), clock)
    keeper.prompt_heard()
    clock.now += 95
    keeper.voice()
    clock.now += 0.8
    assert keeper.due(in_turn=True) is None
    clock.now += 0.5
    due = keeper.due(in_turn=True)
    assert due is not None
    assert "close" in due.line.text


def test_silence_is_counted_from_the_last_sound() -> None:
    clock = _Clock()
    keeper = Timekeeper(_interviewer(), clock)
    keeper.prompt_heard()
    keeper.sound()
    clock.now += 9
    keeper.sound()
    clock.now += 9
    assert keeper.silence() is None
    clock.now += 2
    assert keeper.silence() is not None
