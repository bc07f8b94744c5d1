"""What the judge of the kill experiment reads in a history."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import ActivityType
from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure, TimeoutFailureInfo
from temporalio.api.history.v1 import (
    ActivityTaskScheduledEventAttributes,
    ActivityTaskStartedEventAttributes,
    HistoryEvent,
)
from temporalio.client import WorkflowHistory

from bench.chaos.histories import attempts


def second_attempt(failure: Failure) -> WorkflowHistory:
    scheduled = HistoryEvent(
        event_id=1,
        event_time=Timestamp(seconds=1),
        event_type=EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
        activity_task_scheduled_event_attributes=ActivityTaskScheduledEventAttributes(
            activity_type=ActivityType(name="save_state")
        ),
    )
    started = HistoryEvent(
        event_id=2,
        event_time=Timestamp(seconds=9),
        event_type=EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED,
        activity_task_started_event_attributes=ActivityTaskStartedEventAttributes(
            scheduled_event_id=1, attempt=2, last_failure=failure
        ),
    )
    return WorkflowHistory("interview", [scheduled, started])


def test_an_attempt_after_one_that_ran_out_of_its_time_is_told_from_one_that_failed() -> None:
    ran_out = Failure(timeout_failure_info=TimeoutFailureInfo())
    failed = Failure(application_failure_info=ApplicationFailureInfo(type="Unavailable"))
    (late,) = attempts(second_attempt(ran_out))
    (again,) = attempts(second_attempt(failed))
    assert (late.number, late.late) == (2, True)
    assert (again.number, again.late) == (2, False)
