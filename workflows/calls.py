"""The activities as this workflow calls them: queue, timeouts and retries in one place.

Figures are those of DESIGN 5. Summaries are static: they stand in the history as clear text.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.conduct import ConductActivities
from activities.conversations import ConversationActivities
from activities.grading import GradingActivities
from activities.interviews import InterviewActivities
from activities.reports import ReportActivities
from activities.rooms import RoomActivities
from contracts.activities import (
    AnswerRef,
    Assessment,
    BuildReport,
    BuiltReport,
    CloseAnswer,
    ClosedAnswer,
    GradeRef,
    MeasureConduct,
    Measured,
    RoomOf,
)
from contracts.conversation import ConversationResult, HoldConversation
from contracts.interview import InterviewStart, JoinPurpose, Snapshot
from contracts.queues import CONVERSATIONS, GRADING, INTERVIEWS
from workflows.interview import Interview
from workflows.line import Connection

#: A device check says "this is what we heard" and ends; this only bounds one that hangs.
CHECK_LIMIT: Final = timedelta(minutes=5)
#: A conversation may outlast the time left at its start by what is given back meanwhile, and by
#: the farewell.
OVERTIME: Final = timedelta(minutes=10)

#: A worker that died is noticed after this, whatever time its work may take.
_ALIVE: Final = timedelta(seconds=5)
_ONCE: Final = RetryPolicy(maximum_attempts=1)
_ROOM_RETRY: Final = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=1.5,
    maximum_interval=timedelta(seconds=10),
)


def hold_conversation(
    interview: Interview, connection: Connection, now: datetime
) -> workflow.ActivityHandle[ConversationResult]:
    """Over direct WebRTC a retry could not reach the browser, which offers again itself; in a room
    the bot is started until it stays."""
    start, talk = interview.start, connection.purpose is JoinPurpose.INTERVIEW
    left = interview.clock.remaining(now) + timedelta(seconds=60) + OVERTIME
    return workflow.start_activity_method(
        ConversationActivities.hold_conversation,
        _conversation(start, connection),
        task_queue=CONVERSATIONS,
        schedule_to_start_timeout=timedelta(seconds=5),
        start_to_close_timeout=left if talk else CHECK_LIMIT,
        heartbeat_timeout=start.heartbeat_timeout,
        retry_policy=_ONCE if start.transport == "direct" or not talk else _ROOM_RETRY,
        cancellation_type=workflow.ActivityCancellationType.TRY_CANCEL,
        summary="conversation" if talk else "device check",
    )


def _conversation(start: InterviewStart, connection: Connection) -> HoldConversation:
    return HoldConversation(
        interview_id=start.interview_id,
        organisation_id=start.organisation_id,
        epoch=connection.epoch,
        purpose=connection.purpose,
        offer_id=connection.offer_id,
        transport=start.transport,
    )


async def open_room(interview_id: UUID) -> None:
    """A candidate waits for it, and asks again when it failed."""
    await workflow.execute_activity_method(
        RoomActivities.open_room,
        RoomOf(interview_id=interview_id),
        task_queue=INTERVIEWS,
        start_to_close_timeout=timedelta(seconds=5),
        schedule_to_close_timeout=timedelta(seconds=10),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=2)
        ),
        summary="open the room",
    )


async def close_room(interview_id: UUID) -> None:
    """One that stays closes by itself once everybody has left."""
    await workflow.execute_activity_method(
        RoomActivities.close_room,
        RoomOf(interview_id=interview_id),
        task_queue=INTERVIEWS,
        start_to_close_timeout=timedelta(seconds=5),
        schedule_to_close_timeout=timedelta(minutes=1),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=10)
        ),
        summary="close the room",
    )


async def save_state(snapshot: Snapshot) -> None:
    await workflow.execute_activity_method(
        InterviewActivities.save_state,
        snapshot,
        task_queue=INTERVIEWS,
        start_to_close_timeout=timedelta(seconds=5),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=5)
        ),
        summary="save the state",
    )


async def close_answer(order: CloseAnswer) -> ClosedAnswer:
    return await workflow.execute_activity_method(
        InterviewActivities.close_answer,
        order,
        task_queue=INTERVIEWS,
        start_to_close_timeout=timedelta(seconds=10),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=10)
        ),
        summary="keep an unfinished answer",
    )


def assess_answer(answer: AnswerRef) -> workflow.ActivityHandle[Assessment]:
    """Somebody waits for the next prompt: one second, one try. The second above that bounds the
    wait for a worker."""
    return workflow.start_activity_method(
        GradingActivities.assess_answer,
        answer,
        task_queue=GRADING,
        start_to_close_timeout=timedelta(seconds=1),
        schedule_to_close_timeout=timedelta(seconds=2),
        retry_policy=_ONCE,
        summary="look for a follow-up",
    )


def grade_answer(answer: AnswerRef, give_up_after: timedelta) -> workflow.ActivityHandle[GradeRef]:
    return workflow.start_activity_method(
        GradingActivities.grade_answer,
        answer,
        task_queue=GRADING,
        start_to_close_timeout=timedelta(seconds=150),  # seven calls of 18 s, one by one
        heartbeat_timeout=_ALIVE,
        schedule_to_close_timeout=give_up_after,
        retry_policy=RetryPolicy(
            initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)
        ),
        summary="grade an answer",
    )


async def build_report(order: BuildReport) -> BuiltReport:
    return await workflow.execute_activity_method(
        ReportActivities.build_report,
        order,
        task_queue=GRADING,
        start_to_close_timeout=timedelta(seconds=120),
        heartbeat_timeout=_ALIVE,
        schedule_to_close_timeout=timedelta(hours=24),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(seconds=2), maximum_interval=timedelta(seconds=60)
        ),
        summary="build the report",
    )


async def measure_conduct(interview_id: UUID) -> Measured:
    """Four hours of sound take two minutes; where one interview is scored at a time, a batch that
    ends at once waits for its turn."""
    return await workflow.execute_activity_method(
        ConductActivities.measure_conduct,
        MeasureConduct(interview_id=interview_id),
        task_queue=GRADING,
        start_to_close_timeout=timedelta(minutes=15),
        heartbeat_timeout=_ALIVE,
        schedule_to_close_timeout=timedelta(hours=6),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(seconds=5), maximum_interval=timedelta(minutes=10)
        ),
        summary="measure the conduct",
    )
