"""Bots and workers that go, crash or never come: what the interview makes of it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from contracts.conversation import ConversationEnd
from contracts.errors import Conflict, InvalidInput, NoCapacity, StaleFence, TooMany, Unavailable
from contracts.interview import Fence, InterviewStatus, Join, JoinPurpose, Move, Outage
from contracts.queues import CONVERSATIONS, GRADING, INTERVIEWS
from tests.replay.plans import a_start
from tests.replay.rehearsal import Room, Stage, local_temporal, working
from tests.replay.test_replay import replayer
from tests.waiting import eventually
from workflows.interview_session import LATE, InterviewSession
from workflows.line import JOINS_A_MINUTE, JOINS_IN_ALL

S = InterviewStatus
SHORT = timedelta(seconds=1)
TEMPORAL_WARNS_AT = 10_240  # events of one history


# ---------------------------------------------------------------- losing the bot


@pytest.mark.parametrize(
    "end", [ConversationEnd.LEFT, ConversationEnd.HANDOFF, ConversationEnd.FINISHED]
)
async def test_a_bot_that_goes_leaves_the_interview_interrupted(
    stage: Stage, end: ConversationEnd
) -> None:
    room = await stage.open()
    bot = await room.speak()
    bot.ended.set_result(end)
    lost = await room.until(S.INTERRUPTED)
    assert (lost.live_epoch, lost.clock_running) == (None, False)
    assert (await room.call()).snapshot.status is S.IN_PROGRESS


async def test_a_line_that_never_came_up_costs_no_time(stage: Stage) -> None:
    room = await stage.open()
    bot = await room.speak()
    bot.connected = False
    bot.ended.set_result(ConversationEnd.LEFT)
    lost = await room.until(S.INTERRUPTED)
    assert lost.remaining == room.start.duration


async def test_bots_that_were_never_alive_cost_no_time(stage: Stage) -> None:
    room = await stage.open()
    await room.speak()
    began = await room.state()
    again = (await room.call()).snapshot
    assert again.as_of > began.as_of
    assert again.remaining == room.start.duration


async def test_every_join_there_may_be_leaves_room_in_the_history(stage: Stage) -> None:
    room = await stage.agreed()
    joins = JOINS_A_MINUTE - 1
    for _ in range(joins):
        await room.call()
        room.bots[-1].ended.set_result(ConversationEnd.LEFT)
        await room.until(S.INTERRUPTED)
    events = len((await stage.handle(room).fetch_history()).events)
    assert events / joins * JOINS_IN_ALL < TEMPORAL_WARNS_AT


async def test_a_bot_that_crashes_leaves_the_interview_interrupted(stage: Stage) -> None:
    room = await stage.open()
    bot = await room.speak()
    bot.ended.set_exception(RuntimeError("CANARY what was said"))
    assert (await room.until(S.INTERRUPTED)).live_epoch is None
    history = await stage.temporal.get_workflow_handle(f"interview-{room.id}").fetch_history()
    assert "CANARY" not in history.to_json()


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (InvalidInput("the offer is malformed", field="sdp"), InvalidInput),
        (Unavailable("no media"), Unavailable),
        (RuntimeError("a defect"), Unavailable),
        (StaleFence(), Unavailable),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
async def test_a_bot_that_never_began_fails_the_join(
    stage: Stage, failure: Exception, told: type[Exception]
) -> None:
    room = await stage.agreed()
    room.bot_fails = failure
    with pytest.raises(told):
        await room.call()
    assert (await room.state()).status is S.WAITING
    room.bot_fails = None
    assert (await room.call()).snapshot.status is S.IN_PROGRESS


async def test_a_handed_over_room_gets_its_next_bot_at_once(stage: Stage) -> None:
    room = await stage.agreed(transport="livekit")
    await room.client.join(room.id, Join())
    await room.client.join(room.id, Join())  # a reload: a token, not a new bot
    assert len(room.bots) == 1
    room.bots[0].ended.set_result(ConversationEnd.HANDOFF)
    await room.until_true(lambda: len(room.bots) == 2)
    again = await eventually(lambda: _live(room, epoch=2))
    assert again
    assert room.bots[1].fence == Fence(epoch=2)
    with pytest.raises(StaleFence):
        await room.bots[0].updates.skip(Move())


async def test_a_room_is_opened_for_every_join_and_closed_at_the_end(stage: Stage) -> None:
    room = await stage.agreed(transport="livekit", follow_ups=0)
    await room.client.join(room.id, Join())
    assert room.id in stage.livekit.there
    stage.livekit.there.clear()  # LiveKit was restarted: it has forgotten its rooms
    joined = await room.client.join(room.id, Join())
    assert (joined.epoch, len(room.bots)) == (1, 1)
    assert room.id in stage.livekit.there
    await room.answer_all()
    await room.result()
    assert room.id not in stage.livekit.there


async def test_without_livekit_the_join_fails_and_the_next_one_may_not(stage: Stage) -> None:
    room = await stage.agreed(transport="livekit")
    stage.livekit.away = True
    with pytest.raises(Unavailable) as told:
        await room.client.join(room.id, Join())
    assert told.value.retry_after_s
    stage.livekit.away = False
    assert (await room.client.join(room.id, Join())).snapshot.status is S.IN_PROGRESS


async def test_who_reloads_in_a_room_all_the_time_is_told_to_wait(stage: Stage) -> None:
    room = await stage.agreed(transport="livekit")
    for _ in range(JOINS_A_MINUTE):
        await room.client.join(room.id, Join())
    with pytest.raises(TooMany):
        await room.client.join(room.id, Join())


async def test_a_hand_over_is_nobodys_join(stage: Stage) -> None:
    room = await stage.agreed(transport="livekit")
    await room.client.join(room.id, Join())
    room.bots[0].ended.set_result(ConversationEnd.HANDOFF)
    await room.until_true(lambda: len(room.bots) == 2)
    assert await eventually(lambda: _live(room, epoch=2))
    assert (await room.state()).joined_epoch == 1
    await room.client.join(room.id, Join(purpose=JoinPurpose.TYPING, tab=uuid4()))
    assert (await room.state()).joined_epoch == 3


async def _live(room: Room, epoch: int) -> bool:
    state = await room.state()
    return state.status is S.IN_PROGRESS and state.live_epoch == epoch


async def test_a_crash_in_a_room_is_retried_with_a_newer_attempt(stage: Stage) -> None:
    room = await stage.agreed(transport="livekit")
    await room.client.join(room.id, Join())
    room.bots[0].ended.set_exception(RuntimeError("a defect"))
    await room.until_true(lambda: len(room.bots) == 2)
    assert room.bots[1].fence == Fence(epoch=1, attempt=2)
    await eventually(lambda: _held(room, room.bots[1].fence))


async def _held(room: Room, fence: Fence) -> bool:
    """The fence's holder is told that the question is wrong, anybody else that the fence is."""
    try:
        await room.client.skip(room.id, Move(question_id=uuid4(), fence=fence))
    except StaleFence:
        return False
    except Conflict:
        return True
    return False


# ---------------------------------------------------------------- workers


async def test_without_a_free_slot_the_join_fails_and_typing_goes_on() -> None:
    async with local_temporal() as temporal:
        stage = Stage(temporal)
        async with working(stage, queues=(INTERVIEWS, GRADING)):
            room = await stage.agreed()
            with pytest.raises(NoCapacity):
                await room.call()
            full = await room.state()
            assert (full.status, full.no_capacity) == (S.WAITING, True)
            typed = await room.client.join(room.id, Join(purpose=JoinPurpose.TYPING))
            assert typed.snapshot.status is S.IN_PROGRESS
            await room.answer()
            async with working(stage, queues=(CONVERSATIONS,)):
                joined = await room.call()
                assert (joined.epoch, joined.snapshot.no_capacity) == (2, False)
                await room.answer_all()
                assert (await room.result()).status is S.COMPLETED


async def test_another_worker_goes_on_from_the_history_when_one_is_gone() -> None:
    async with local_temporal() as temporal:
        stage = Stage(temporal)
        async with working(stage):
            room = await stage.open()
            await room.type_on()
            before = await room.answer()
        async with working(stage):
            after = await room.state()
            assert after.cursor == before.cursor
            await room.answer_all()
            done = await room.result()
    assert done.status is S.COMPLETED
    # Each is assessed once; only a worker that has not assessed it itself grades it again.
    counted = Counter(room.graded)
    assert len(counted) == 3
    assert max(counted.values()) <= 2


async def test_a_worker_that_shuts_down_hands_its_conversation_over() -> None:
    async with local_temporal() as temporal:
        stage = Stage(temporal)
        async with working(stage, queues=(INTERVIEWS, GRADING)):
            async with working(stage, queues=(CONVERSATIONS,)):
                room = await stage.open(a_start(transport="livekit"))
                await room.agree()
                await room.client.join(room.id, Join())
            async with working(stage, queues=(CONVERSATIONS,)):
                await room.until_true(lambda: len(room.bots) == 2)
                assert await eventually(lambda: _live(room, epoch=2))
            assert not room.bots[0].cancelled


async def test_a_join_waits_for_a_worker_that_comes_within_its_time() -> None:
    async with local_temporal() as temporal:
        stage = Stage(temporal)
        async with working(stage, queues=(INTERVIEWS, GRADING)):
            room = await stage.agreed()
            call = room.joining()
            async with working(stage, queues=(CONVERSATIONS,)):
                assert (await call).snapshot.status is S.IN_PROGRESS
                await room.client.cancel(room.id, Move())
                await room.result()


async def test_a_deadline_that_passed_while_nobody_worked_waits_for_word_of_the_outage() -> None:
    """Takes the time in which a deadline counts as punctual, and that in which word may come."""
    async with local_temporal() as temporal:
        stage = Stage(temporal)
        async with working(stage):
            told, untold = [await stage.open(a_start(duration=SHORT)) for _ in range(2)]
            began = (await told.type_on()).as_of
            await untold.type_on()
        await eventually(lambda: _reached(began + SHORT + LATE + SHORT), within_s=15)
        async with working(stage):
            assert (await told.state()).status is S.IN_PROGRESS  # it has seen the deadline by now
            outage = Outage(began_at=began, ended_at=datetime.now(UTC))
            await told.client.give_back(told.id, outage)
            state = await told.state()
            assert state.status is S.IN_PROGRESS
            assert timedelta(0) < state.remaining <= SHORT
            for room in (told, untold):
                await room.until(S.COMPLETED, within_s=20)
                assert (await room.result()).ends_reason == "deadline"
                await replayer(InterviewSession).replay_workflow(
                    await stage.handle(room).fetch_history()
                )


async def _reached(moment: datetime) -> bool:
    return datetime.now(UTC) > moment
