"""Joining, fencing, farewells: the bot's side of the workflow, and the activity's."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from contracts.conversation import ConversationEnd
from contracts.errors import Conflict, StaleFence, TooMany, WrongState
from contracts.interview import (
    BotReady,
    Fence,
    GradeState,
    InterviewStatus,
    Join,
    JoinPurpose,
    Move,
    Outcome,
    RecordAnswer,
)
from tests.replay.plans import a_start
from tests.replay.rehearsal import Room, Stage
from tests.waiting import eventually

S = InterviewStatus


# ---------------------------------------------------------------- a conversation


async def test_a_spoken_interview_runs_from_the_offer_to_the_farewell(stage: Stage) -> None:
    room = await stage.open()
    bot = await room.speak()
    live = await room.state()
    assert (live.status, live.live_epoch, live.clock_running) == (S.IN_PROGRESS, 1, True)
    while (await room.answer(fence=bot.fence)).cursor.question_id is not None:
        pass
    done = await room.result()
    assert (done.status, done.ends_reason, done.live_epoch) == (S.COMPLETED, "answered", None)
    assert not bot.cancelled


async def test_what_was_spoken_is_measured_once_the_bot_has_left(stage: Stage) -> None:
    room = await stage.open(a_start(follow_ups=0))
    room.bot_polite = False
    bot = await room.speak()
    while (await room.answer(fence=bot.fence)).cursor.question_id is not None:
        pass
    await room.until(S.COMPLETED)
    assert room.measured == 0, "its farewell is not recorded yet"
    bot.ended.set_result(ConversationEnd.FINISHED)
    assert (await room.result()).status is S.COMPLETED
    assert room.measured == 1


async def test_what_cannot_be_measured_is_complete_without(stage: Stage) -> None:
    room = await stage.open(a_start(follow_ups=0))
    room.unmeasurable = True
    bot = await room.speak()
    while (await room.answer(fence=bot.fence)).cursor.question_id is not None:
        pass
    done = await room.result()
    assert (done.status, done.report_version, room.measured) == (S.COMPLETED, 1, 1)


async def test_what_was_typed_or_called_off_is_not_measured(stage: Stage) -> None:
    typed = await stage.open(a_start(follow_ups=0))
    await typed.type_on()
    await typed.answer_all()
    spoken = await stage.open()
    await spoken.speak()
    await spoken.client.cancel(spoken.id, Move())
    for room in (typed, spoken):
        await room.result()
        assert room.measured == 0
    history = await stage.handle(typed).fetch_history()
    assert not any(event.HasField("marker_recorded_event_attributes") for event in history.events)


async def test_at_the_deadline_a_live_bot_may_write_down_the_last_words(stage: Stage) -> None:
    room = await stage.open(a_start(follow_ups=0, duration=timedelta(seconds=1)))
    room.bot_polite = False
    bot = await room.speak()
    assert (await room.until(S.GRADING)).ends_reason == "deadline"
    first = room.start.questions[0].question_id
    room.open_turns.add((first, 1))
    bot.ended.set_result(ConversationEnd.FINISHED)
    done = await room.result()
    assert [q.outcome for q in done.questions[:2]] == [Outcome.INTERRUPTED, Outcome.UNASKED]
    assert done.questions[0].grade is GradeState.GRADED


async def test_who_finishes_in_mid_sentence_loses_no_word_of_it(stage: Stage) -> None:
    room = await stage.open(a_start(follow_ups=0))
    room.bot_polite = False
    bot = await room.speak()
    await room.client.finish(room.id, Move())
    await room.until(S.GRADING)
    room.open_turns.add((room.start.questions[0].question_id, 1))
    bot.ended.set_result(ConversationEnd.FINISHED)
    done = await room.result()
    assert [q.outcome for q in done.questions[:2]] == [Outcome.INTERRUPTED, Outcome.UNASKED]
    order = await activities(stage, room)
    assert order.index("hold_conversation ended") < order.index("close_answer")


async def activities(stage: Stage, room: Room) -> list[str]:
    """What was scheduled, and when conversations ended, in the order of the history."""
    order, talks = [], set()
    async for event in stage.handle(room).fetch_history_events():
        scheduled = event.activity_task_scheduled_event_attributes
        if name := scheduled.activity_type.name:
            order.append(name)
        if name == "hold_conversation":
            talks.add(event.event_id)
        if event.activity_task_completed_event_attributes.scheduled_event_id in talks:
            order.append("hold_conversation ended")
    return order


async def test_voice_and_typing_mix_in_one_interview(stage: Stage) -> None:
    room = await stage.open()
    bot = await room.speak()
    await room.answer(fence=bot.fence)
    await room.answer()  # typed, while the bot is live
    bot.ended.set_result(ConversationEnd.LEFT)
    await room.until(S.INTERRUPTED)
    typed = await room.client.join(room.id, Join(purpose=JoinPurpose.TYPING))
    assert (typed.snapshot.status, typed.snapshot.live_epoch) == (S.IN_PROGRESS, None)
    await room.answer()
    assert (await room.result()).status is S.COMPLETED


async def test_the_same_offer_many_times_at_once_starts_one_bot(stage: Stage) -> None:
    room = await stage.agreed()
    wish = Join(offer_id=uuid4())
    replies = await asyncio.gather(*(room.joining(wish) for _ in range(5)))
    assert {reply.epoch for reply in replies} == {1}
    assert (await room.client.join(room.id, wish)).epoch == 1
    assert len(room.bots) == 1


async def test_a_newer_offer_supersedes_the_older_one(stage: Stage) -> None:
    room = await stage.agreed()
    room.bot_stays_silent = True
    first = room.joining()
    await room.until_true(lambda: len(room.bots) == 1)
    room.bot_stays_silent = False
    assert (await room.call()).epoch == 2
    with pytest.raises(Conflict):
        await first
    await room.until_true(lambda: room.bots[0].cancelled)


async def test_a_second_tab_takes_the_interview_and_the_old_bot_is_stale(stage: Stage) -> None:
    room = await stage.open()
    old = await room.speak()
    assert (await room.call()).epoch == 2
    cursor = (await room.state()).cursor
    assert cursor.question_id is not None
    answer = RecordAnswer(
        question_id=cursor.question_id, revision=cursor.revision, answer_id=uuid4()
    )
    with pytest.raises(StaleFence):
        await old.updates.record_answer(answer)
    for verb in (old.updates.skip, old.updates.pause, old.updates.finish, old.updates.go_back):
        with pytest.raises(StaleFence):
            await verb(Move())
    assert (await room.state()).cursor == cursor


async def test_a_tab_that_types_takes_the_interview_from_a_bot_and_from_another_tab(
    stage: Stage,
) -> None:
    room = await stage.open()
    bot = await room.speak()
    for epoch, tab in enumerate((uuid4(), uuid4()), start=2):
        for _ in range(2):
            wish = Join(purpose=JoinPurpose.TYPING, tab=tab)
            joined = await room.client.join(room.id, wish)
            assert (joined.epoch, joined.snapshot.live_epoch) == (epoch, None)
        assert (joined.snapshot.status, joined.snapshot.clock_running) == (S.IN_PROGRESS, True)
    with pytest.raises(StaleFence):
        await bot.updates.skip(Move())
    await room.until_true(lambda: bot.cancelled)
    await room.answer()
    assert (await room.call()).epoch == 4
    await room.answer_all()
    assert (await room.result()).status is S.COMPLETED


async def test_an_older_attempt_of_the_same_epoch_is_stale(stage: Stage) -> None:
    room = await stage.open()
    bot = await room.speak()
    newer = stage.client.bound(room.id, Fence(epoch=1, attempt=2))
    await newer.bot_ready(BotReady(fence=Fence(epoch=1, attempt=2)))
    with pytest.raises(StaleFence):
        await bot.updates.skip(Move())


async def test_a_frozen_bot_that_reports_ready_after_its_successor_is_stale(stage: Stage) -> None:
    room = await stage.agreed()
    room.bot_stays_silent = True
    call = room.joining()
    await room.until_true(lambda: len(room.bots) == 1)
    room.bot_stays_silent = False
    await room.call()
    with pytest.raises(StaleFence):
        await room.bots[0].updates.bot_ready(BotReady(fence=room.bots[0].fence))
    with pytest.raises(Conflict):
        await call


async def test_more_than_ten_joins_a_minute_are_refused(stage: Stage) -> None:
    room = await stage.agreed()
    for _ in range(10):
        await room.call()
    with pytest.raises(TooMany) as refused:
        await room.call()
    assert refused.value.retry_after_s == 60
    assert (await room.client.join(room.id, Join(purpose=JoinPurpose.TYPING))).epoch == 10


async def test_a_check_stores_nothing_and_starts_no_clock(stage: Stage) -> None:
    room = await stage.agreed()
    checked = (await room.call(JoinPurpose.CHECK)).snapshot
    assert (checked.status, checked.live_epoch, checked.clock_running) == (S.WAITING, None, False)
    assert room.bots[0].order.purpose is JoinPurpose.CHECK
    assert (await room.call()).snapshot.status is S.IN_PROGRESS
    await room.until_true(lambda: room.bots[0].cancelled)


async def test_a_pause_ends_the_conversation_and_a_resume_waits_for_an_offer(stage: Stage) -> None:
    room = await stage.open()
    bot = await room.speak()
    paused = await bot.updates.pause(Move())
    assert (paused.status, paused.clock_running) == (S.PAUSED, False)
    await eventually(lambda: _gone(room))
    assert (await room.client.resume(room.id, Move())).status is S.INTERRUPTED
    assert (await room.call()).snapshot.status is S.IN_PROGRESS


async def _gone(room: Room) -> bool:
    return (await room.state()).live_epoch is None


async def test_a_pause_stops_a_bot_that_has_not_begun_to_speak(stage: Stage) -> None:
    room = await stage.agreed()
    await room.client.join(room.id, Join(purpose=JoinPurpose.TYPING))
    room.bot_stays_silent = True
    room.bot_polite = False  # else it may leave before it is stopped
    call = room.joining()
    await room.until_true(lambda: len(room.bots) == 1)
    await room.client.pause(room.id, Move())
    with pytest.raises(WrongState):
        await call
    await room.until_true(lambda: room.bots[0].cancelled)


async def test_a_live_bot_says_goodbye_when_the_interview_is_cancelled(stage: Stage) -> None:
    room = await stage.open()
    bot = await room.speak()
    await room.client.cancel(room.id, Move())
    done = await room.result()
    assert (done.status, done.report_version) == (S.CANCELLED, 0)
    assert not bot.cancelled


async def test_temporals_own_cancellation_cancels_the_interview(stage: Stage) -> None:
    room = await stage.open()
    await room.speak()
    await stage.temporal.get_workflow_handle(f"interview-{room.id}").cancel()
    assert (await room.until(S.CANCELLED)).ends_reason == "cancelled"
    with pytest.raises(Exception, match="Workflow execution failed"):
        await room.result()
    assert (await room.state()).status is S.CANCELLED


async def test_a_bot_that_does_not_leave_is_cancelled_after_its_farewell(stage: Stage) -> None:
    """Takes the twenty seconds of the farewell."""
    room = await stage.open()
    room.bot_polite = False
    bot = await room.speak()
    await room.client.finish(room.id, Move())
    await room.until(S.GRADING)
    assert not bot.cancelled
    await room.until_true(lambda: bot.cancelled, within_s=30)
    assert (await room.result()).status is S.COMPLETED
