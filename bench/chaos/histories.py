"""Reading an exported history: which updates were accepted, what they answered, who tried when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from contracts.interview import BotReady, Joined, Outage, RecordAnswer, Snapshot
from workflows.interview_session import InterviewSession

M = TypeVar("M", bound=BaseModel)

#: The server refuses what goes beyond (temporal `common/dynamicconfig/constants.go`).
MOST_EVENTS: Final = 51_200
MOST_UPDATES: Final = 2_000

#: A JSON Web Token: two parts of JSON, each in base64.
TOKEN: Final = re.compile(rb"eyJ[A-Za-z0-9_-]+\.eyJ")

_SCHEDULED = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
_STARTED = EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED
_ACCEPTED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
_ANSWERED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED
_SIGNALLED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
_TASK_FAILED = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
_COMPLETED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED
_BROKEN = (
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
)


@dataclass(frozen=True)
class Accepted:
    """An update that the workflow took on."""

    update_id: str
    verb: str
    at: datetime
    argument: Payload | None

    def read(self, kind: type[M]) -> M | None:
        return None if self.argument is None else _read(self.argument, kind)


@dataclass(frozen=True)
class Attempt:
    """One start of an activity that got so far as to stand in the history."""

    activity: str
    number: int
    scheduled_at: datetime
    started_at: datetime


@dataclass(frozen=True)
class Answered:
    """The state an update's reply told. `verb` is the update's."""

    verb: str
    state: Snapshot


def accepted(history: WorkflowHistory) -> Iterator[Accepted]:
    for event in history.events:
        if event.event_type == _ACCEPTED:
            request = event.workflow_execution_update_accepted_event_attributes.accepted_request
            arguments = request.input.args.payloads
            yield Accepted(
                update_id=request.meta.update_id,
                verb=request.input.name,
                at=_at(event),
                argument=arguments[0] if arguments else None,
            )


def recorded(history: WorkflowHistory) -> Iterator[RecordAnswer]:
    """The answers of the accepted updates, in their order."""
    for update in accepted(history):
        if update.verb == "record_answer" and (answer := update.read(RecordAnswer)):
            yield answer


def bots_ready(history: WorkflowHistory) -> dict[int, datetime]:
    """When the bot of each epoch first took the line."""
    found: dict[int, datetime] = {}
    for update in accepted(history):
        if update.verb == "bot_ready" and (ready := update.read(BotReady)):
            found.setdefault(ready.fence.epoch, update.at)
    return found


def newest_fence(history: WorkflowHistory) -> tuple[int, int]:
    """Epoch and attempt of the newest bot that took the line; zeros where none did."""
    found = [(0, 0)]
    for update in accepted(history):
        if update.verb == "bot_ready" and (ready := update.read(BotReady)):
            found.append((ready.fence.epoch, ready.fence.attempt))
    return max(found)


def answered(history: WorkflowHistory) -> Iterator[Answered]:
    """What the updates replied, in the order in which they were answered."""
    verbs = {update.update_id: update.verb for update in accepted(history)}
    for event in history.events:
        if event.event_type == _ANSWERED:
            reply = event.workflow_execution_update_completed_event_attributes
            for payload in reply.outcome.success.payloads:
                state = _read(payload, Snapshot) or _joined(payload)
                if state is not None:
                    yield Answered(verbs.get(reply.meta.update_id, ""), state)


def given_back(history: WorkflowHistory) -> Iterator[tuple[datetime, Outage]]:
    """The outages that the service's pulse told of, and when."""
    for event in history.events:
        signalled = event.workflow_execution_signaled_event_attributes
        if event.event_type == _SIGNALLED and signalled.signal_name == "give_back":
            outage = _read(signalled.input.payloads[0], Outage)
            if outage is not None:
                yield _at(event), outage


def attempts(history: WorkflowHistory) -> Iterator[Attempt]:
    scheduled: dict[int, tuple[str, datetime]] = {}
    for event in history.events:
        if event.event_type == _SCHEDULED:
            name = event.activity_task_scheduled_event_attributes.activity_type.name
            scheduled[event.event_id] = (name, _at(event))
        elif event.event_type == _STARTED:
            begun = event.activity_task_started_event_attributes
            name, scheduled_at = scheduled[begun.scheduled_event_id]
            yield Attempt(name, begun.attempt, scheduled_at, _at(event))


def broken_tasks(history: WorkflowHistory) -> int:
    """Workflow tasks that failed by the workflow's own code."""
    return sum(
        event.workflow_task_failed_event_attributes.cause in _BROKEN
        for event in history.events
        if event.event_type == _TASK_FAILED
    )


def result(history: WorkflowHistory) -> Snapshot | None:
    """What the workflow returned; None while it runs, or when it was ended otherwise."""
    last = history.events[-1]
    if last.event_type != _COMPLETED:
        return None
    payloads = last.workflow_execution_completed_event_attributes.result.payloads
    return _read(payloads[0], Snapshot) if payloads else None


def holds(history: WorkflowHistory, word: str) -> bool:
    """The word stands somewhere in the history, in a payload or beside it."""
    sought = word.encode()
    return any(sought in event.SerializeToString() for event in history.events)


def holds_token(history: WorkflowHistory) -> bool:
    """Something in it has the form of a token that opens a room."""
    return any(TOKEN.search(event.SerializeToString()) for event in history.events)


async def replays(history: WorkflowHistory) -> bool:
    """Today's workflow decides again what it decided then."""
    replayer = Replayer(
        workflows=[InterviewSession],
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=pydantic_data_converter,
    )
    outcome = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    return outcome.replay_failure is None


def _joined(payload: Payload) -> Snapshot | None:
    joined = _read(payload, Joined)
    return None if joined is None else joined.snapshot


def _read(payload: Payload, kind: type[M]) -> M | None:
    try:
        return kind.model_validate_json(payload.data)
    except ValidationError:
        return None


def _at(event: HistoryEvent) -> datetime:
    return event.event_time.ToDatetime(UTC)
