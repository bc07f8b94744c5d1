"""A Temporal worker: `python worker.py --queues conversations`, or `--queues interviews,grading`.

Conversations run in a process of their own: a bot that dies takes no workflow cache with it, and
each process loads only its own models. Models are loaded before the first poll.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn
from uuid import UUID

import connections
import housekeeping
import polling
from activities.failures import say_briefly
from contracts import queues
from contracts.errors import CodeVoiceError, SettingError, Unavailable
from contracts.grades import GradeKind
from db.journal import ConversationJournal
from settings import Settings, load

if TYPE_CHECKING:
    from temporalio.client import Client
    from temporalio.common import MetricMeter
    from temporalio.runtime import Runtime
    from temporalio.worker import Worker, WorkerDeploymentConfig, WorkflowRunner

    from contracts.interview import Fence
    from db.store import Store
    from language_models import LanguageModel
    from livekit_rooms import LiveKitRooms
    from voice.conversation import Conversation
    from voice.protocols import JournalFor, UpdatesFor

    Connects = Callable[[Settings, Runtime | None], Awaitable[Client]]

KNOWN_QUEUES: Final = (queues.INTERVIEWS, queues.CONVERSATIONS, queues.GRADING)
#: A second longer than a bot may go on talking after it was told (`ConversationActivities`).
DRAIN: Final = timedelta(seconds=10)
#: Workflows kept in memory; with fewer than there are sessions a task costs 2.5 times the CPU.
CACHED_WORKFLOWS: Final = 300
#: Each has a thread, which is kept. With many on few cores one does not get its turn within the 2 s
#: after which the SDK takes it for deadlocked; the SDK's own 100 failed with 40 that came at once.
WORKFLOW_TASKS: Final = 16
_M_MMAP_THRESHOLD: Final = -3  # <malloc.h>
_M_ARENA_MAX: Final = -8
#: Answers that wait for their turn hold a slot each; an assessment needs one that is free. One that
#: waits for a language model, for a minute where that hangs, holds nothing else.
_GRADING_SLOTS: Final = 40
_ASKING_SLOTS: Final = 400
#: By default the SDK holds a heartbeat back for 0.8 of its timeout: one late by the rest, on
#: a busy machine, would count as a death.
_BEATS_PASSED_ON: Final = timedelta(seconds=1)
_log = logging.getLogger("codevoice.worker")


def run(
    task_queues: Sequence[str],
    ready_file: Path | None = None,
    *,
    connect: Connects = connections.temporal_client,
    open_store: Callable[[Settings], Store] = connections.open_store,
) -> NoReturn:
    """Works until SIGTERM or SIGINT, then ends the process.

    It exits with 0, with 1 on a failure, with 2 on a wrong setting. `ready_file` is there while the
    server hears every queue polled; a worker that it does not hear fails.
    """
    code = 1
    _spare_memory()
    try:
        settings = load()
        connections.configure_log(settings.log_level)
        say_briefly()
        links = _Links(connect, open_store)
        # Not `asyncio.run`: it waits for every task, and a wedged one heeds no cancellation.
        code = asyncio.Runner().run(_work(settings, _checked(task_queues), ready_file, links))
    except SettingError as error:
        sys.stderr.write(f"codevoice: {error.detail}\n")
        code = 2
    except CodeVoiceError as error:
        sys.stderr.write(f"codevoice: {error.detail}\n")
    except KeyboardInterrupt:
        code = 130
    except Exception:
        _log.exception("the worker failed")
    polling.leave(code)


def _checked(task_queues: Sequence[str]) -> tuple[str, ...]:
    for name in task_queues:
        if name not in KNOWN_QUEUES:
            raise SettingError("--queues", f"there is no queue {name!r}", _QUEUES)
    if not task_queues:
        raise SettingError("--queues", "no queue is named", _QUEUES)
    return tuple(task_queues)


_QUEUES: Final = f"Name some of {', '.join(KNOWN_QUEUES)}"


def _spare_memory() -> None:
    """Makes glibc give freed memory back: 512 MB become 485 with the speech models loaded.

    Two arenas instead of eight per core, and blocks of 128 kB and more in mappings of their own.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_ARENA_MAX, 2)
        libc.mallopt(_M_MMAP_THRESHOLD, 131_072)


class _Links(NamedTuple):
    """How a worker reaches what it works with."""

    connect: Connects
    open_store: Callable[[Settings], Store]


async def _work(
    settings: Settings, task_queues: Sequence[str], ready_file: Path | None, links: _Links
) -> int:
    """Returns the exit code."""
    stop = polling.stop_asked()
    async with AsyncExitStack() as stack:
        store = links.open_store(settings)
        stack.push_async_callback(store.close)
        await connections.reach(store)
        client = await links.connect(settings, _runtime(settings))
        makers: dict[str, Callable[[], Any]] = {
            queues.INTERVIEWS: lambda: _interviews(settings, client, store),
            queues.CONVERSATIONS: lambda: _conversations(settings, client, store),
            queues.GRADING: lambda: _grading(settings, client, store),
        }
        workers = [await stack.enter_async_context(makers[name]()) for name in task_queues]
        await stack.enter_async_context(_background(polling.count_tasks(_meter(client))))
        return await polling.poll(workers, stop, ready_file)


def _meter(client: Client) -> MetricMeter:
    from temporalio.runtime import Runtime

    return (client.service_client.config.runtime or Runtime.default()).metric_meter


def _runtime(settings: Settings) -> Runtime | None:
    from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

    if not settings.metrics_port:
        return None
    figures = PrometheusConfig(bind_address=f"{settings.host}:{settings.metrics_port}")
    return Runtime(telemetry=TelemetryConfig(metrics=figures))


# ---------------------------------------------------------------------------- interviews


@asynccontextmanager
async def _interviews(settings: Settings, client: Client, store: Store) -> AsyncIterator[Worker]:
    from temporalio.worker import Worker

    from activities.interviews import InterviewActivities
    from activities.rooms import RoomActivities
    from reconciler import Reconciler
    from workflows.interview_client import InterviewClient
    from workflows.interview_session import InterviewSession

    livekit = await _rooms(settings)
    activities, rooms = InterviewActivities(store), RoomActivities(livekit)
    worker = Worker(
        client,
        task_queue=queues.INTERVIEWS,
        workflows=[InterviewSession],
        activities=[
            activities.save_state,
            activities.close_answer,
            rooms.open_room,
            rooms.close_room,
        ],
        workflow_runner=workflow_runner(),
        max_cached_workflows=CACHED_WORKFLOWS,
        max_concurrent_workflow_tasks=WORKFLOW_TASKS,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
        deployment_config=_release(),
        interceptors=[polling.Slots()],
        graceful_shutdown_timeout=timedelta(seconds=5),
    )
    where = settings.recordings_url
    reconciler = Reconciler(store, client, where, _meter(client), rooms=livekit)
    async with (
        _background(housekeeping.keep_house(store, reconciler)),
        _background(housekeeping.reconcile(reconciler)),
        _background(housekeeping.keep_pulse(client, store, InterviewClient(client))),
    ):
        yield worker


async def _rooms(settings: Settings) -> LiveKitRooms | None:
    """Raises SettingError when LiveKit does not answer, or refuses the key."""
    server = connections.livekit(settings)
    if server is None:
        return None
    from livekit_rooms import LiveKitRooms

    rooms = LiveKitRooms(*server)
    await rooms.check()
    return rooms


def _release() -> WorkerDeploymentConfig:
    """What the server is told of the code that works here. By itself the SDK would hash all that is
    loaded: 0.3 s of a processor at each start, 2 s where no bytecode is kept."""
    from temporalio.common import WorkerDeploymentVersion
    from temporalio.worker import WorkerDeploymentConfig

    release = WorkerDeploymentVersion("codevoice", connections.version())
    return WorkerDeploymentConfig(release, use_worker_versioning=False)


def workflow_runner() -> WorkflowRunner:
    """Workflows run outside the SDK's sandbox: decision 6 has the figure.

    What the sandbox would refuse at run time is refused before: every test of the workflow runs
    inside it, `tests/replay` replays recorded interviews both ways, and the dependency rule keeps
    the workflow from everything but contracts and activities.
    """
    from temporalio.worker import UnsandboxedWorkflowRunner

    return UnsandboxedWorkflowRunner()


# ---------------------------------------------------------------------------- conversations


@asynccontextmanager
async def _conversations(settings: Settings, client: Client, store: Store) -> AsyncIterator[Worker]:
    """The models are loaded, and have run once, before this yields."""
    from temporalio.worker import Worker

    from activities.conversations import ConversationActivities
    from workflows.interview_client import InterviewClient

    async with connections.listener(settings) as listener, _asked_model(settings) as model:
        updates = InterviewClient(client)

        def journal(interview_id: UUID, fence: Fence) -> ConversationJournal:
            return ConversationJournal(store, listener, interview_id, fence)

        conversation = await _speech(settings, journal, updates.bound, model)
        activities = ConversationActivities(conversation.hold)
        worker = Worker(
            client,
            task_queue=queues.CONVERSATIONS,
            activities=[activities.hold_conversation],
            max_concurrent_activities=settings.conversation_slots,
            deployment_config=_release(),
            interceptors=[polling.Slots()],
            graceful_shutdown_timeout=DRAIN,
        )
        telling = housekeeping.tell_of_providers(store, lambda: conversation.providers)
        async with _background(_give_up(conversation.wedged, worker)), _background(telling):
            yield worker


async def _give_up(wedged: asyncio.Event, worker: Worker) -> None:
    """Hands the conversations over and ends: whoever runs this process starts another."""
    await wedged.wait()
    _log.error("a conversation cannot be freed; this process ends")
    await worker.shutdown()


async def _speech(
    settings: Settings,
    journal_for: JournalFor,
    updates_for: UpdatesFor,
    model: LanguageModel | None,
) -> Conversation:
    from contracts.sdp import Reach
    from providers import reach_speech
    from voice.conversation import Conversation, ConversationSettings, Speech
    from voice.engines import load_engines
    from voice.ice import offer_loopback
    from voice.memory import keep_what_is_loaded
    from voice.models import SpeechModels
    from voice.terms import TermRepair

    connections.quieten_pipecat()
    if settings.loopback_ice:
        offer_loopback()
    ahead = await reach_speech(settings)
    engines, models = await asyncio.to_thread(lambda: (load_engines(), SpeechModels()))
    await engines.warm()
    repair = TermRepair(engines.text_to_speech.phonemes)
    provider = ahead(engines.text_to_speech) if ahead else None
    keep_what_is_loaded()
    reach = Reach(settings.loopback_ice, settings.private_ice)
    how = ConversationSettings(settings.recordings_url, settings.ice_servers, reach)
    speech = Speech(engines, models, repair, provider)
    rooms = await _rooms(settings)
    return Conversation(speech, journal_for, updates_for, how, model=model, rooms=rooms)


# ---------------------------------------------------------------------------- grading


@asynccontextmanager
async def _grading(settings: Settings, client: Client, store: Store) -> AsyncIterator[Worker]:
    from temporalio.worker import Worker

    from activities.conduct import ConductActivities
    from activities.grading import GradingActivities
    from activities.reports import ReportActivities
    from grading.embedded import EmbeddedGrader
    from grading.language_model import LanguageModelGrader
    from reporter import Reporter
    from voice.scorer import Scorer

    connections.quieten_pipecat()
    async with _asked_model(settings) as model, AsyncExitStack() as stack:
        grader = await asyncio.to_thread(EmbeddedGrader)
        stack.enter_context(contextlib.closing(grader))
        scorer = stack.enter_context(contextlib.closing(Scorer(settings.recordings_url)))
        asked = LanguageModelGrader(model, grader) if model else None
        grades = GradingActivities(store, grader, language_model=asked)
        counts = GradeKind.LLM if model else GradeKind.EMBEDDED
        reports = ReportActivities(Reporter(store, connections.parts(settings), counts))
        conduct = ConductActivities(store, scorer if settings.whole_recordings else None)
        yield Worker(
            client,
            task_queue=queues.GRADING,
            activities=[
                grades.assess_answer,
                grades.grade_answer,
                reports.build_report,
                conduct.measure_conduct,
            ],
            max_concurrent_activities=_ASKING_SLOTS if model else _GRADING_SLOTS,
            max_heartbeat_throttle_interval=_BEATS_PASSED_ON,
            deployment_config=_release(),
            interceptors=[polling.Slots()],
            graceful_shutdown_timeout=timedelta(seconds=5),
        )


@asynccontextmanager
async def _asked_model(settings: Settings) -> AsyncIterator[LanguageModel | None]:
    """The language model, where one is set. One that is away may come back, and each worker does
    more than ask it."""
    found = connections.language_model(settings)
    if found is None:
        yield None
        return
    from language_models import LanguageModel
    from providers import Unreached, reach_language_model

    try:
        await reach_language_model(settings)
    except (Unavailable, Unreached) as failure:
        _log.error("the language model is not asked before it is back: %s", failure.detail)
    model = LanguageModel(found.base_url, found.api_key, found.model)
    try:
        yield model
    finally:
        await model.close()


@asynccontextmanager
async def _background(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def main() -> NoReturn:
    parser = argparse.ArgumentParser(description="Poll Temporal task queues.")
    parser.add_argument("--queues", required=True, help=f"comma-separated: {_QUEUES}")
    parser.add_argument(
        "--ready-file", type=Path, help="there while the server hears every queue polled"
    )
    asked = parser.parse_args()
    run([name.strip() for name in asked.queues.split(",") if name.strip()], asked.ready_file)


if __name__ == "__main__":
    main()
