"""Records the histories that `test_replay` replays: `python -m tests.replay.record`.

Histories are only added: a scenario that has its history is left alone. Each scenario is a whole
interview on a real server.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio.client import WorkflowHistory

from contracts.conversation import ConversationEnd
from contracts.errors import Conflict
from contracts.interview import (
    InterviewStatus,
    Join,
    JoinPurpose,
    Move,
    Outage,
    ReopenAnswer,
)
from contracts.questions import Difficulty
from tests.replay.plans import POINTS, a_start
from tests.replay.rehearsal import Room, Stage, local_temporal, working

HISTORIES = Path(__file__).parent / "histories"
EASY, HARD = Difficulty.EASY, Difficulty.HARD


async def text(stage: Stage) -> Room:
    """Typed from the first to the last question, with a follow-up on each."""
    room = await stage.open(a_start(EASY, HARD, EASY))
    room.misses = POINTS
    await room.type_on()
    await room.answer_all()
    return room


async def voice(stage: Stage) -> Room:
    """Checked, spoken, crashed in the middle, joined again, one answer taken back, ended aloud."""
    room = await stage.open(a_start(EASY, HARD))
    room.misses = POINTS[:1]
    await room.agree()
    await room.call(JoinPurpose.CHECK)
    await room.call()
    await room.answer(fence=room.bots[-1].fence)
    room.bots[-1].ended.set_exception(RuntimeError("killed"))
    died_at = (await room.until(InterviewStatus.INTERRUPTED)).as_of
    room.last_alive_at = lambda: died_at
    await room.call()
    bot = room.bots[-1]
    answered = await room.answer(fence=bot.fence)
    await bot.updates.reopen_answer(
        ReopenAnswer(
            question_id=answered.questions[0].question_id, revision=answered.questions[0].revision
        )
    )
    while (await room.answer(fence=bot.fence)).cursor.question_id is not None:
        pass
    return room


async def room_hand_over(stage: Stage) -> Room:
    """In a room: the bot hands over, its successor crashes and is retried, then says goodbye."""
    room = await stage.open(a_start(transport="livekit"))
    await room.agree()
    await room.client.join(room.id, Join())
    room.bots[-1].ended.set_result(ConversationEnd.HANDOFF)
    await room.until_true(lambda: room.saved[-1].live_epoch == 2)
    room.bots[-1].ended.set_exception(RuntimeError("killed"))
    await room.until_true(lambda: len(room.bots) == 3)
    await room.answer_all()
    return room


async def moves(stage: Stage) -> Room:
    """Skips, goes back, pauses, resumes, repeats itself."""
    room = await stage.open()
    await room.type_on()
    first, second, third = (planned.question_id for planned in room.start.questions)
    await room.client.skip(room.id, Move(question_id=first))
    await room.client.skip(room.id, Move(question_id=first))
    await room.client.pause(room.id, Move())
    await room.client.resume(room.id, Move())
    await room.answer()
    await room.client.go_back(room.id, Move(question_id=third))
    await room.client.go_back(room.id, Move(question_id=second))
    await room.answer_all()
    return room


async def finish(stage: Stage) -> Room:
    """Finished in the middle of an answer, while a grade is late."""
    room = await stage.open(a_start(follow_ups=0))
    await room.type_on()
    room.grading_open.clear()
    await room.answer()
    room.open_turns.add((room.start.questions[1].question_id, 1))
    await room.client.finish(room.id, Move())
    await room.until_true(lambda: room.saved[-1].report_version == 1)
    room.grading_open.set()
    return room


async def superseded_and_cancelled(stage: Stage) -> Room:
    """One tab after the other, the first join refused; then cancelled while the bot speaks."""
    room = await stage.open()
    await room.agree()
    room.bot_stays_silent = True
    first = asyncio.create_task(room.client.join(room.id, Join(offer_id=uuid4())))
    await room.until_true(lambda: len(room.bots) == 1)
    room.bot_stays_silent = False
    await room.call()
    try:
        await first
    except Conflict:
        await room.client.cancel(room.id, Move())
    return room


async def deadline(stage: Stage) -> Room:
    """The time is up; an answer's grade is given up."""
    room = await stage.open(
        a_start(
            follow_ups=0,
            duration=timedelta(seconds=1),
            grading_give_up=timedelta(seconds=1),
        )
    )
    room.grading_open.clear()
    await room.type_on()
    await room.answer()
    return room


async def last_words(stage: Stage) -> Room:
    """The time is up in the middle of a sentence, which the bot writes down before it leaves."""
    room = await stage.open(a_start(follow_ups=0, duration=timedelta(seconds=1)))
    room.bot_polite = False
    bot = await room.speak()
    await room.until(InterviewStatus.GRADING)
    room.open_turns.add((room.start.questions[0].question_id, 1))
    bot.ended.set_result(ConversationEnd.FINISHED)
    return room


async def finished_in_mid_sentence(stage: Stage) -> Room:
    """As `last_words`, cut off by the candidate's own press of a button."""
    room = await stage.open(a_start(follow_ups=0))
    room.bot_polite = False
    bot = await room.speak()
    await room.client.finish(room.id, Move())
    await room.until(InterviewStatus.GRADING)
    room.open_turns.add((room.start.questions[0].question_id, 1))
    bot.ended.set_result(ConversationEnd.FINISHED)
    return room


async def blocked_line(stage: Stage) -> Room:
    """Joined again before the first bot gave up, then after; then by typing, until the time is up:
    later by what the bots took."""
    room = await stage.open(a_start(follow_ups=0, duration=timedelta(seconds=1)))
    await room.speak()
    await room.call()
    room.bots[-1].connected = False
    room.bots[-1].ended.set_result(ConversationEnd.LEFT)
    await room.until(InterviewStatus.INTERRUPTED)
    await room.client.join(room.id, Join(purpose=JoinPurpose.TYPING))
    return room


async def outage(stage: Stage) -> Room:
    """The service was away while somebody typed; the deadline moves."""
    room = await stage.open(a_start(follow_ups=0, duration=timedelta(seconds=1)))
    began = (await room.type_on()).as_of
    for _ in range(2):
        await room.client.give_back(room.id, Outage(began_at=began, ended_at=datetime.now(UTC)))
    return room


async def measured(stage: Stage) -> Room:
    """Spoken to the end; joined and scored once the bot has said goodbye."""
    room = await stage.open(a_start(follow_ups=0))
    bot = await room.speak()
    while (await room.answer(fence=bot.fence)).cursor.question_id is not None:
        pass
    return room


async def in_a_room(stage: Stage) -> Room:
    """In a room that is made and closed: joined, reloaded, handed over, and ended aloud."""
    room = await stage.open(a_start(transport="livekit", follow_ups=0))
    await room.agree()
    await room.client.join(room.id, Join())
    await room.client.join(room.id, Join())
    room.bots[-1].ended.set_result(ConversationEnd.HANDOFF)
    await room.until_true(lambda: room.saved[-1].live_epoch == 2)
    while (await room.answer(fence=room.bots[-1].fence)).cursor.question_id is not None:
        pass
    return room


SCENARIOS: tuple[Callable[[Stage], Awaitable[Room]], ...] = (
    text, voice, room_hand_over, moves, finish, superseded_and_cancelled, deadline, last_words,
    finished_in_mid_sentence, blocked_line, outage, measured, in_a_room,
)  # fmt: skip


async def record() -> None:
    async with local_temporal() as temporal:
        stage = Stage(temporal)
        async with working(stage):
            for scenario in SCENARIOS:
                path = HISTORIES / f"{scenario.__name__}.json"
                if path.exists():
                    continue
                room = await scenario(stage)
                await room.result()
                path.write_text(_as_text(await stage.handle(room).fetch_history()))


def _as_text(history: WorkflowHistory) -> str:
    """JSON with an event to a line."""
    events = _without_traces(json.loads(history.to_json())["events"])
    lines = (json.dumps(event, separators=(",", ":"), sort_keys=True) for event in events)
    return '{"events":[\n' + ",\n".join(lines) + "\n]}\n"


def _without_traces(value: Any) -> Any:
    """A stack trace names paths of the machine that recorded it."""
    if isinstance(value, dict):
        return {k: _without_traces(v) for k, v in value.items() if k != "stackTrace"}
    return [_without_traces(each) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    asyncio.run(record())
