"""Answers, follow-ups and the way through the plan."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from contracts.errors import Conflict
from contracts.interview import (
    Cursor,
    InterviewStatus,
    Move,
    Outcome,
    RecordAnswer,
    ReopenAnswer,
    Snapshot,
)
from contracts.questions import Difficulty
from tests.replay.plans import POINTS, a_start
from tests.replay.rehearsal import Room, Stage

EASY, MEDIUM, HARD = Difficulty.EASY, Difficulty.MEDIUM, Difficulty.HARD


async def typing(stage: Stage, *difficulties: Difficulty, follow_ups: int = 3) -> Room:
    room = await stage.open(a_start(*difficulties, follow_ups=follow_ups))
    await room.type_on()
    return room


def questions(room: Room) -> list[UUID]:
    return [planned.question_id for planned in room.start.questions]


def an_answer(cursor: Cursor, **changes: object) -> RecordAnswer:
    fields = {
        "question_id": cursor.question_id,
        "revision": cursor.revision,
        "answer_id": uuid4(),
        "await_next": True,
    }
    return RecordAnswer.model_validate(fields | changes)


# ---------------------------------------------------------------- follow-ups


@pytest.mark.parametrize(("difficulty", "budget"), [(EASY, 1), (MEDIUM, 1), (HARD, 2)])
async def test_follow_ups_are_asked_up_to_the_difficultys_budget(
    stage: Stage, difficulty: Difficulty, budget: int
) -> None:
    room = await typing(stage, difficulty, EASY)
    room.misses = POINTS
    asked = []
    cursor = (await room.answer()).cursor
    while cursor.follow_up:
        asked.append(cursor.follow_up)
        assert cursor.question_id == questions(room)[0]
        assert cursor.revision == len(asked) + 1
        assert (cursor.follow_ups_used, cursor.follow_ups_left) == (len(asked), budget - len(asked))
        cursor = (await room.answer()).cursor
    assert asked == list(POINTS[:budget])
    assert cursor.question_id == questions(room)[1]


async def test_only_missed_points_with_a_follow_up_are_asked_about(stage: Stage) -> None:
    room = await typing(stage, HARD, EASY, follow_ups=2)
    room.misses = ("third-point", "second-point")  # the third has no follow-up in the plan
    assert (await room.answer()).cursor.follow_up == "second-point"
    assert (await room.answer()).cursor.question_id == questions(room)[1]


async def test_a_covered_answer_goes_on_to_the_next_question(stage: Stage) -> None:
    room = await typing(stage, HARD, EASY)
    cursor = (await room.answer()).cursor
    assert (cursor.question_id, cursor.follow_up) == (questions(room)[1], None)


async def test_an_answer_that_cannot_be_assessed_in_time_goes_on_without_a_follow_up(
    stage: Stage,
) -> None:
    room = await typing(stage, HARD, EASY)
    room.misses = POINTS
    room.grading_open.clear()
    assert (await room.answer()).cursor.question_id == questions(room)[1]
    room.grading_open.set()


async def test_without_waiting_the_reply_says_that_the_answer_is_looked_at(stage: Stage) -> None:
    room = await typing(stage, EASY, EASY)
    room.misses = POINTS
    first = await room.answer(await_next=False)
    assert first.cursor.assessing
    assert first.questions[0].outcome is Outcome.ANSWERED
    await room.until_true(lambda: room.saved[-1].state_version > first.state_version)
    assert room.saved[-1].cursor.follow_up == POINTS[0]


async def test_a_follow_ups_reply_supersedes_the_answer_and_only_the_last_is_graded(
    stage: Stage,
) -> None:
    room = await typing(stage, EASY)
    room.misses = POINTS
    first = (await room.answer()).questions[0]
    await room.answer()
    done = (await room.result()).questions[0]
    assert (first.revision, done.revision) == (1, 2)
    assert done.answer_id != first.answer_id
    # The assessment looks at both; the grade that counts is the last one's.
    assert [a for a in room.graded if a == done.answer_id]
    assert room.graded.count(first.answer_id or uuid4()) == 1


async def test_a_follow_up_may_be_skipped_and_the_answer_stands(stage: Stage) -> None:
    room = await typing(stage, EASY, EASY)
    room.misses = POINTS
    await room.answer()
    moved = await room.client.skip(room.id, Move(question_id=questions(room)[0]))
    assert moved.questions[0].outcome is Outcome.ANSWERED
    assert moved.cursor.question_id == questions(room)[1]


# ---------------------------------------------------------------- the way through the plan


async def test_a_skipped_question_is_not_asked_again(stage: Stage) -> None:
    room = await typing(stage)
    first, second, third = questions(room)
    moved = await room.client.skip(room.id, Move(question_id=first))
    assert moved.cursor.question_id == second
    assert moved.cursor.next_question_id == third
    assert moved.questions[0].outcome is Outcome.SKIPPED
    await room.answer_all()
    done = await room.result()
    assert [q.outcome for q in done.questions] == [
        Outcome.SKIPPED,
        Outcome.ANSWERED,
        Outcome.ANSWERED,
    ]


async def test_going_back_makes_a_revision_and_then_goes_on_where_it_was(stage: Stage) -> None:
    room = await typing(stage)
    first, second, third = questions(room)
    await room.answer()
    await room.answer()
    back = await room.client.go_back(room.id, Move(question_id=third))
    assert (back.cursor.question_id, back.cursor.revision) == (second, 2)
    old = back.questions[1].answer_id
    again = await room.client.go_back(room.id, Move(question_id=second))
    assert (again.cursor.question_id, again.cursor.revision) == (first, 2)
    assert (await room.answer()).cursor.question_id == third
    done = await room.answer()
    assert done.questions[0].revision == 2
    assert done.questions[1].answer_id == old  # gone back to, not answered anew: it stands


async def test_a_skipped_question_can_be_gone_back_to_and_answered(stage: Stage) -> None:
    room = await typing(stage)
    first, second, _ = questions(room)
    await room.client.skip(room.id, Move(question_id=first))
    await room.client.go_back(room.id, Move(question_id=second))
    answered = await room.answer()
    assert answered.questions[0].outcome is Outcome.ANSWERED
    assert answered.cursor.question_id == second


async def test_skipping_a_question_gone_back_to_keeps_its_answer(stage: Stage) -> None:
    room = await typing(stage)
    first, second, _ = questions(room)
    await room.answer()
    await room.client.go_back(room.id, Move(question_id=second))
    moved = await room.client.skip(room.id, Move(question_id=first))
    assert moved.questions[0].outcome is Outcome.ANSWERED
    assert moved.cursor.question_id == second


# ---------------------------------------------------------------- taking an answer back


async def test_a_reopened_answer_goes_on_with_the_next_revision(stage: Stage) -> None:
    room = await typing(stage)
    first, second, _ = questions(room)
    assert (await room.answer()).cursor.question_id == second
    reopened = await room.client.reopen_answer(room.id, ReopenAnswer(question_id=first, revision=1))
    assert (reopened.cursor.question_id, reopened.cursor.revision) == (first, 2)
    assert reopened.questions[0].outcome is Outcome.UNASKED
    joined = await room.answer()
    assert joined.questions[0].revision == 2
    assert joined.cursor.question_id == second


async def test_reopening_restores_the_follow_up_that_was_asked(stage: Stage) -> None:
    room = await typing(stage, HARD, EASY)
    room.misses = POINTS
    question = questions(room)[0]
    assert (await room.answer()).cursor.follow_up == POINTS[0]
    assert (await room.answer()).cursor.follow_up == POINTS[1]
    reopened = await room.client.reopen_answer(
        room.id, ReopenAnswer(question_id=question, revision=2)
    )
    assert reopened.cursor.follow_up == POINTS[0]
    assert (reopened.cursor.revision, reopened.cursor.follow_ups_left) == (3, 1)


async def test_only_the_newest_answer_can_be_taken_back(stage: Stage) -> None:
    room = await typing(stage)
    first = questions(room)[0]
    await room.answer()
    await room.answer()
    with pytest.raises(Conflict):
        await room.client.reopen_answer(room.id, ReopenAnswer(question_id=first, revision=1))


async def test_the_last_answer_can_be_taken_back_while_the_bot_says_goodbye(stage: Stage) -> None:
    room = await stage.open(a_start(EASY, follow_ups=0))
    room.bot_polite = False
    bot = await room.speak()
    last = await room.answer(fence=bot.fence)
    assert last.cursor.question_id is None
    reopened = await bot.updates.reopen_answer(
        ReopenAnswer(question_id=questions(room)[0], revision=1)
    )
    assert reopened.status is InterviewStatus.IN_PROGRESS
    assert reopened.cursor.revision == 2
    room.bot_polite = True
    await room.answer(fence=bot.fence)
    assert (await room.result()).questions[0].revision == 2


# ---------------------------------------------------------------- the same again, and at once


async def test_the_same_answer_many_times_at_once_has_one_effect_and_one_reply(
    stage: Stage,
) -> None:
    room = await typing(stage)
    answer = an_answer((await room.state()).cursor)
    replies = await asyncio.gather(*(room.client.record_answer(room.id, answer) for _ in range(8)))
    assert {reply.state_version for reply in replies} == {replies[0].state_version}
    assert replies[0].questions[0].answer_id == answer.answer_id
    assert replies[0].cursor.question_id == questions(room)[1]


async def test_a_repeat_is_known_from_the_state_when_its_update_id_is_not(stage: Stage) -> None:
    room = await typing(stage)
    answer = an_answer((await room.state()).cursor)
    await room.client.record_answer(room.id, answer)
    handle = stage.temporal.get_workflow_handle(f"interview-{room.id}")
    again: Snapshot = await handle.execute_update(
        "record_answer", answer, id=f"another-{uuid4()}", result_type=Snapshot
    )
    assert again.cursor.question_id == questions(room)[1]
    assert again.questions[0].revision == 1


async def test_another_answer_under_a_recorded_revision_is_refused(stage: Stage) -> None:
    room = await typing(stage)
    cursor = (await room.state()).cursor
    await room.client.record_answer(room.id, an_answer(cursor))
    handle = stage.temporal.get_workflow_handle(f"interview-{room.id}")
    before = await room.state()
    with pytest.raises(Exception, match="update failed"):
        await handle.execute_update("record_answer", an_answer(cursor), id=f"other-{uuid4()}")
    assert (await room.state()).questions[0].answer_id == before.questions[0].answer_id


async def test_an_answer_to_the_wrong_question_or_revision_is_refused(stage: Stage) -> None:
    room = await typing(stage)
    cursor = (await room.state()).cursor
    for wrong in (
        an_answer(cursor, question_id=questions(room)[1]),
        an_answer(cursor, question_id=uuid4()),
        an_answer(cursor, revision=2),
    ):
        with pytest.raises(Conflict):
            await room.client.record_answer(room.id, wrong)


@pytest.mark.parametrize("verb", ["skip", "go_back"])
async def test_a_button_pressed_many_times_at_once_moves_once(stage: Stage, verb: str) -> None:
    room = await typing(stage)
    await room.answer()
    second = questions(room)[1]
    press = getattr(room.client, verb)
    replies = await asyncio.gather(*(press(room.id, Move(question_id=second)) for _ in range(5)))
    where = {reply.cursor.question_id for reply in replies}
    assert where == {questions(room)[2 if verb == "skip" else 0]}


async def test_pause_resume_finish_and_cancel_may_be_repeated(stage: Stage) -> None:
    room = await typing(stage)
    for verb in (room.client.pause, room.client.resume, room.client.finish):
        first, second = await asyncio.gather(*(verb(room.id, Move()) for _ in range(2)))
        assert first.status is second.status
    other = await typing(stage)
    first, second = await asyncio.gather(*(other.client.cancel(other.id, Move()) for _ in "12"))
    assert first.status is second.status is InterviewStatus.CANCELLED


# ---------------------------------------------------------------- finishing early


async def test_finishing_in_mid_answer_keeps_what_was_said_as_interrupted(stage: Stage) -> None:
    room = await typing(stage)
    first, second, third = questions(room)
    await room.answer()
    room.open_turns.add((second, 1))
    assert (await room.client.finish(room.id, Move())).ends_reason == "finished"
    done = await room.result()
    assert [q.outcome for q in done.questions] == [
        Outcome.ANSWERED,
        Outcome.INTERRUPTED,
        Outcome.UNASKED,
    ]
    assert done.questions[1].answer_id in room.graded
    assert [q.question_id for q in room.reports[-1].questions] == [first, second, third]


async def test_finishing_during_a_follow_up_keeps_the_answer_given(stage: Stage) -> None:
    room = await typing(stage, EASY)
    room.misses = POINTS
    given = (await room.answer()).questions[0]
    room.open_turns.add((questions(room)[0], 2))
    await room.client.finish(room.id, Move())
    done = (await room.result()).questions[0]
    assert (done.outcome, done.answer_id) == (Outcome.ANSWERED, given.answer_id)
    assert given.answer_id in room.graded


@pytest.mark.parametrize("went_on", [True, False])
async def test_finishing_after_taking_an_answer_back(stage: Stage, went_on: bool) -> None:
    room = await typing(stage)
    question = questions(room)[0]
    given = (await room.answer()).questions[0]
    await room.client.reopen_answer(room.id, ReopenAnswer(question_id=question, revision=1))
    if went_on:
        room.open_turns.add((question, 2))
    await room.client.finish(room.id, Move())
    done = (await room.result()).questions[0]
    if went_on:
        assert (done.outcome, done.revision) == (Outcome.INTERRUPTED, 2)
    else:
        assert (done.outcome, done.answer_id) == (Outcome.ANSWERED, given.answer_id)


async def test_finishing_before_the_first_answer_makes_an_empty_report(stage: Stage) -> None:
    room = await typing(stage)
    await room.client.finish(room.id, Move())
    done = await room.result()
    assert done.status is InterviewStatus.COMPLETED
    assert (done.report_version, room.graded) == (1, [])
