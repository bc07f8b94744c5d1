"""The product's Temporal workers inside a test's process, with the parts the test chooses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from activities.conduct import ConductActivities
from activities.grading import GradingActivities
from activities.interviews import InterviewActivities
from activities.reports import ReportActivities
from activities.rooms import RoomActivities
from contracts.queues import GRADING, INTERVIEWS
from contracts.rooms import OpensRooms
from workflows.interview_session import InterviewSession

#: What each queue's worker does.
Activities = Mapping[str, Sequence[Callable[..., Any]]]


def activities_over(
    store: Any,
    grader: Any,
    reporter: Any,
    scorer: Any = None,
    rooms: OpensRooms | None = None,
    **grading_options: Any,
) -> Activities:
    """Everything but conversations. The parts keep the protocols of the activities' rooms."""
    interviews, reports = InterviewActivities(store), ReportActivities(reporter)
    conduct, livekit = ConductActivities(store, scorer), RoomActivities(rooms)
    grading = GradingActivities(store, grader, **grading_options)
    return {
        INTERVIEWS: [
            interviews.save_state,
            interviews.close_answer,
            livekit.open_room,
            livekit.close_room,
        ],
        GRADING: [
            grading.assess_answer,
            grading.grade_answer,
            reports.build_report,
            conduct.measure_conduct,
        ],
    }


@asynccontextmanager
async def polling(
    client: Client,
    activities: Activities,
    *,
    workflow: type = InterviewSession,
    **options: Any,
) -> AsyncIterator[None]:
    """A worker for each queue; `options` go to all of them."""
    async with AsyncExitStack() as workers:
        for queue, done_there in activities.items():
            worker = Worker(
                client,
                task_queue=queue,
                workflows=[workflow] if queue == INTERVIEWS else [],
                activities=done_there,
                **options,
            )
            await workers.enter_async_context(worker)
        yield
