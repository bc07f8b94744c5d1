"""Every message in every state: what it leads to, or that it is refused and changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from contracts.conversation import ConversationEnd
from contracts.errors import Conflict, InvalidInput, NotFound, StaleFence, WrongState
from contracts.interview import (
    BotReady,
    Consent,
    Fence,
    InterviewStatus,
    Join,
    JoinPurpose,
    Move,
    RecordAnswer,
    ReopenAnswer,
    Snapshot,
)
from tests.replay.plans import a_start
from tests.replay.rehearsal import Room, Stage

S = InterviewStatus


# ---------------------------------------------------------------- the states, each reached for real


async def scheduled(stage: Stage) -> Room:
    return await stage.open(a_start(starts_at=datetime.now(UTC) + timedelta(hours=1)))


async def scheduled_agreed(stage: Stage) -> Room:
    room = await scheduled(stage)
    await room.agree()
    return room


async def waiting(stage: Stage) -> Room:
    return await stage.open()


async def waiting_agreed(stage: Stage) -> Room:
    room = await stage.open()
    await room.agree()
    return room


async def typing(stage: Stage) -> Room:
    """One question is answered, the second is asked."""
    room = await stage.open()
    await room.type_on()
    await room.answer()
    return room


async def speaking(stage: Stage) -> Room:
    room = await stage.open()
    bot = await room.speak()
    await room.answer(fence=bot.fence)
    return room


async def interrupted(stage: Stage) -> Room:
    room = await speaking(stage)
    room.bots[-1].ended.set_result(ConversationEnd.LEFT)
    await room.until(S.INTERRUPTED)
    return room


async def paused(stage: Stage) -> Room:
    room = await typing(stage)
    await room.client.pause(room.id, Move())
    return room


async def grading(stage: Stage) -> Room:
    room = await stage.open(a_start(follow_ups=0))
    room.grading_open.clear()
    await room.type_on()
    await room.answer_all()
    return room


async def completed(stage: Stage) -> Room:
    room = await stage.open()
    await room.type_on()
    await room.answer_all()
    await room.result()
    return room


async def declined(stage: Stage) -> Room:
    room = await stage.open()
    await room.client.consent(room.id, Consent(consent_id=None))
    await room.result()
    return room


async def expired(stage: Stage) -> Room:
    room = await stage.open(a_start(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    await room.result()
    return room


async def cancelled(stage: Stage) -> Room:
    room = await stage.open()
    await room.client.cancel(room.id, Move())
    await room.result()
    return room


# ---------------------------------------------------------------- the messages


async def consent(room: Room) -> Snapshot:
    return await room.agree()


async def decline(room: Room) -> Snapshot:
    return await room.client.consent(room.id, Consent(consent_id=None))


async def join(room: Room) -> Snapshot:
    return (await room.call()).snapshot


async def join_typing(room: Room) -> Snapshot:
    return (await room.client.join(room.id, Join(purpose=JoinPurpose.TYPING))).snapshot


async def check(room: Room) -> Snapshot:
    return (await room.call(JoinPurpose.CHECK)).snapshot


async def bot_ready(room: Room) -> Snapshot:
    """The newest join's bot, started again, or one that nobody called."""
    fence = Fence(epoch=max(1, (await room.state()).epoch), attempt=2)
    return await room.client.bot_ready(room.id, BotReady(fence=fence))


async def record_answer(room: Room) -> Snapshot:
    """The answer that would be next: an old state is known from what was saved."""
    cursor = (await room.state()).cursor
    question_id = cursor.question_id or room.start.questions[-1].question_id
    revision = cursor.revision + (cursor.question_id is None)
    answer = RecordAnswer(question_id=question_id, revision=revision, answer_id=uuid4())
    return await room.client.record_answer(room.id, answer)


async def reopen_answer(room: Room) -> Snapshot:
    first = room.start.questions[0].question_id
    return await room.client.reopen_answer(room.id, ReopenAnswer(question_id=first, revision=1))


async def skip(room: Room) -> Snapshot:
    return await room.client.skip(room.id, Move())


async def go_back(room: Room) -> Snapshot:
    return await room.client.go_back(room.id, Move())


async def pause(room: Room) -> Snapshot:
    return await room.client.pause(room.id, Move())


async def resume(room: Room) -> Snapshot:
    return await room.client.resume(room.id, Move())


async def finish(room: Room) -> Snapshot:
    return await room.client.finish(room.id, Move())


async def cancel(room: Room) -> Snapshot:
    return await room.client.cancel(room.id, Move())


MESSAGES = (
    consent, decline, join, join_typing, check, bot_ready, record_answer, reopen_answer, skip,
    go_back, pause, resume, finish, cancel,
)  # fmt: skip
Message = Callable[[Room], Awaitable[Snapshot]]
Opening = Callable[[Stage], Awaitable[Room]]

_ANSWERING: dict[Message, InterviewStatus] = {
    consent: S.IN_PROGRESS,
    join: S.IN_PROGRESS,
    join_typing: S.IN_PROGRESS,
    record_answer: S.IN_PROGRESS,
    reopen_answer: S.IN_PROGRESS,
    skip: S.IN_PROGRESS,
    go_back: S.IN_PROGRESS,
    pause: S.PAUSED,
    resume: S.IN_PROGRESS,
    finish: S.GRADING,
    cancel: S.CANCELLED,
}

#: State by state: the messages it allows and the status each leads to. All others are refused.
MATRIX: dict[Opening, dict[Message, InterviewStatus]] = {
    scheduled: {consent: S.SCHEDULED, decline: S.DECLINED, cancel: S.CANCELLED},
    scheduled_agreed: {
        consent: S.SCHEDULED,
        decline: S.DECLINED,
        check: S.SCHEDULED,
        cancel: S.CANCELLED,
    },
    waiting: {consent: S.WAITING, decline: S.DECLINED, cancel: S.CANCELLED},
    waiting_agreed: {
        consent: S.WAITING,
        decline: S.DECLINED,
        join: S.IN_PROGRESS,
        join_typing: S.IN_PROGRESS,
        check: S.WAITING,
        cancel: S.CANCELLED,
    },
    typing: {**_ANSWERING, check: S.IN_PROGRESS},
    speaking: {**_ANSWERING, bot_ready: S.IN_PROGRESS},
    interrupted: {
        **_ANSWERING,
        consent: S.INTERRUPTED,
        check: S.INTERRUPTED,
        resume: S.INTERRUPTED,
    },
    paused: {
        consent: S.PAUSED,
        check: S.PAUSED,
        pause: S.PAUSED,
        resume: S.IN_PROGRESS,
        finish: S.GRADING,
        cancel: S.CANCELLED,
    },
    grading: {consent: S.GRADING, finish: S.GRADING, cancel: S.CANCELLED},
    completed: {},
    declined: {decline: S.DECLINED},  # the very same update: its first reply is remembered
    expired: {},
    cancelled: {},
}


@pytest.mark.parametrize(
    ("opening", "message", "leads_to"),
    [
        pytest.param(opening, message, status, id=f"{opening.__name__}-{message.__name__}")
        for opening, allowed in MATRIX.items()
        for message, status in allowed.items()
    ],
)
async def test_an_allowed_message_leads_to(
    stage: Stage, opening: Opening, message: Message, leads_to: InterviewStatus
) -> None:
    room = await opening(stage)
    assert (await message(room)).status is leads_to


@pytest.mark.parametrize("opening", MATRIX, ids=lambda opening: opening.__name__)
async def test_every_other_message_is_refused_and_changes_nothing(
    stage: Stage, opening: Opening
) -> None:
    room = await opening(stage)
    before = _position(await room.state())
    for message in MESSAGES:
        if message not in MATRIX[opening]:
            refused = (WrongState, StaleFence) if message is bot_ready else WrongState
            with pytest.raises(refused):
                await message(room)
    assert _position(await room.state()) == before


def _position(snapshot: Snapshot) -> tuple[object, ...]:
    """Everything a message may change; grades settle by themselves meanwhile."""
    outcomes = [(each.outcome, each.revision, each.answer_id) for each in snapshot.questions]
    return snapshot.status, snapshot.cursor, outcomes, snapshot.epoch, snapshot.consented


def test_the_matrix_reaches_every_status_but_the_operators_own() -> None:
    reached = {status for allowed in MATRIX.values() for status in allowed.values()}
    assert reached | {S.COMPLETED, S.EXPIRED} == set(S) - {S.FAILED}


async def test_a_resumed_voice_interview_waits_for_the_next_offer(stage: Stage) -> None:
    room = await speaking(stage)
    await room.client.pause(room.id, Move())
    assert (await room.client.resume(room.id, Move())).status is S.INTERRUPTED


async def test_joining_by_voice_needs_an_offer(stage: Stage) -> None:
    room = await waiting_agreed(stage)
    with pytest.raises(InvalidInput) as refused:
        await room.client.join(room.id, Join())
    assert refused.value.field == "offer_id"


async def test_a_bot_that_nobody_called_is_refused(stage: Stage) -> None:
    room = await waiting_agreed(stage)
    with pytest.raises(Conflict):
        await room.client.bot_ready(room.id, BotReady(fence=Fence(epoch=1)))


async def test_a_move_about_another_question_is_refused(stage: Stage) -> None:
    room = await typing(stage)
    elsewhere = Move(question_id=room.start.questions[2].question_id)
    for move in (room.client.skip, room.client.go_back, room.client.pause, room.client.finish):
        with pytest.raises(Conflict):
            await move(room.id, elsewhere)


async def test_nobody_goes_back_from_the_first_question(stage: Stage) -> None:
    room = await stage.open()
    await room.type_on()
    with pytest.raises(Conflict):
        await go_back(room)


async def test_an_interview_that_never_was_is_not_found(stage: Stage) -> None:
    with pytest.raises(NotFound):
        await stage.client.pause(uuid4(), Move())
    with pytest.raises(NotFound):
        await stage.client.snapshot(uuid4())


async def test_starting_twice_starts_one_interview_even_after_it_ended(stage: Stage) -> None:
    room = await cancelled(stage)
    await stage.client.start(room.start)
    assert (await room.state()).status is S.CANCELLED
