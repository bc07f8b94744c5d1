"""How the API and the bots talk to the workflow of an interview."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeVar
from uuid import UUID, uuid4

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.workflow import UpdateMethodMultiParam

from contracts.errors import CodeVoiceError, NotFound, Unavailable, WrongState
from contracts.interview import (
    BotReady,
    Consent,
    Fence,
    InterviewStart,
    Join,
    Joined,
    Move,
    Outage,
    RecordAnswer,
    ReopenAnswer,
    Snapshot,
)
from contracts.queues import INTERVIEWS
from workflows.interview_session import InterviewSession
from workflows.refusals import named_error

R = TypeVar("R")
M = TypeVar("M")
F = TypeVar("F", BotReady, RecordAnswer, ReopenAnswer, Move)

RPC_TIMEOUT: Final = timedelta(seconds=15)
QUERY_TIMEOUT: Final = timedelta(seconds=5)
#: A step of the workflow takes milliseconds. When the worker that had it has died, the next one
#: gets it after this; the server's own default is 10 s.
TASK_TIMEOUT: Final = timedelta(seconds=3)
#: Pause between two tries of a call whose reply was lost.
_PAUSE_S: Final = 0.2
#: Replies that say nothing about whether the call had its effect.
_LOST: Final = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.UNKNOWN,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.ABORTED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.FAILED_PRECONDITION,  # the workflow task fails until a worker is corrected
    }
)


def workflow_id(interview_id: UUID) -> str:
    return f"interview-{interview_id}"


class InterviewClient:
    """Starts interviews and sends them updates.

    A call whose reply was lost is sent again with the same update id, so it has one effect, until
    `patience` has passed; then `Unavailable` is raised, and the caller may repeat it. Every refusal
    of the workflow is raised as the error of its kind. A workflow that has ended raises
    `WrongState`, one that never was `NotFound`.
    """

    def __init__(self, client: Client, *, patience: timedelta = timedelta(seconds=30)) -> None:
        self._client = client
        self._patience = patience

    async def start(self, start: InterviewStart) -> None:
        """Starts the workflow once, however often this is called."""
        with_id = workflow_id(start.interview_id)

        async def begin() -> None:
            await self._client.start_workflow(
                InterviewSession.run,
                start,
                id=with_id,
                task_queue=INTERVIEWS,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                static_summary="one interview",
                task_timeout=TASK_TIMEOUT,
                rpc_timeout=RPC_TIMEOUT,
            )

        try:
            await self._until_answered(begin)
        except WorkflowAlreadyStartedError:
            return  # it ran and ended: started it was

    async def snapshot(self, interview_id: UUID) -> Snapshot:
        """The state from the workflow itself, where the database's row may be a moment behind."""
        handle = self._handle(interview_id)

        async def ask() -> Snapshot:
            return await handle.query(InterviewSession.snapshot, rpc_timeout=QUERY_TIMEOUT)

        try:
            return await self._until_answered(ask)
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError) as failure:
            raise Unavailable("the interview cannot be asked now") from failure
        except RPCError as error:
            raise await self._why_refused(handle, error) from error

    async def consent(self, interview_id: UUID, consent: Consent) -> Snapshot:
        update_id = f"consent:{consent.consent_id or 'declined'}"
        return await self._update(interview_id, InterviewSession.consent, consent, update_id)

    async def join(self, interview_id: UUID, join: Join) -> Joined:
        update_id = f"join:{join.offer_id}"
        if join.offer_id is None:  # typing, or a room: each call is one of its own
            update_id = f"join:{join.purpose}:{uuid4()}"
        return await self._update(interview_id, InterviewSession.join, join, update_id)

    async def bot_ready(self, interview_id: UUID, ready: BotReady) -> Snapshot:
        update_id = f"bot_ready:{ready.fence.epoch}:{ready.fence.attempt}"
        return await self._update(interview_id, InterviewSession.bot_ready, ready, update_id)

    async def record_answer(self, interview_id: UUID, answer: RecordAnswer) -> Snapshot:
        update_id = f"answer:{answer.question_id}:{answer.revision}"
        return await self._update(interview_id, InterviewSession.record_answer, answer, update_id)

    async def reopen_answer(self, interview_id: UUID, reopen: ReopenAnswer) -> Snapshot:
        update_id = f"reopen:{reopen.question_id}:{reopen.revision}"
        return await self._update(interview_id, InterviewSession.reopen_answer, reopen, update_id)

    async def skip(self, interview_id: UUID, move: Move) -> Snapshot:
        return await self._move(interview_id, InterviewSession.skip, "skip", move)

    async def go_back(self, interview_id: UUID, move: Move) -> Snapshot:
        return await self._move(interview_id, InterviewSession.go_back, "go_back", move)

    async def pause(self, interview_id: UUID, move: Move) -> Snapshot:
        return await self._move(interview_id, InterviewSession.pause, "pause", move)

    async def resume(self, interview_id: UUID, move: Move) -> Snapshot:
        return await self._move(interview_id, InterviewSession.resume, "resume", move)

    async def finish(self, interview_id: UUID, move: Move) -> Snapshot:
        return await self._move(interview_id, InterviewSession.finish, "finish", move)

    async def cancel(self, interview_id: UUID, move: Move) -> Snapshot:
        return await self._move(interview_id, InterviewSession.cancel, "cancel", move)

    async def give_back(self, interview_id: UUID, outage: Outage) -> None:
        """Our own fault cost this interview time. May be repeated."""
        handle = self._handle(interview_id)

        async def send() -> None:
            await handle.signal(InterviewSession.give_back, outage, rpc_timeout=RPC_TIMEOUT)

        try:
            await self._until_answered(send)
        except RPCError as error:
            raise await self._why_refused(handle, error) from error

    def bound(self, interview_id: UUID, fence: Fence) -> BoundInterview:
        """The updates as one bot sends them."""
        return BoundInterview(self, interview_id, fence)

    async def _move(
        self,
        interview_id: UUID,
        update: UpdateMethodMultiParam[[InterviewSession, Move], Snapshot],
        verb: str,
        move: Move,
    ) -> Snapshot:
        """Two presses of one button are two requests; the workflow tells from its state."""
        return await self._update(interview_id, update, move, f"{verb}:{uuid4()}")

    async def _update(
        self,
        interview_id: UUID,
        update: UpdateMethodMultiParam[[InterviewSession, M], R],
        message: M,
        update_id: str,
    ) -> R:
        handle = self._handle(interview_id)

        async def send() -> R:
            return await handle.execute_update(
                update, message, id=update_id, rpc_timeout=RPC_TIMEOUT
            )

        try:
            return await self._until_answered(send)
        except WorkflowUpdateFailedError as failure:
            raise _refusal(failure.cause) from None
        except RPCError as error:
            raise await self._why_refused(handle, error) from error

    async def _until_answered(self, call: Callable[[], Awaitable[R]]) -> R:
        """Repeats `call` while its reply is lost. Raises Unavailable once patience has passed."""
        give_up_at = time.monotonic() + self._patience.total_seconds()
        while True:
            try:
                return await call()
            except WorkflowUpdateRPCTimeoutOrCancelledError as lost:
                failure: Exception = lost
            except RPCError as error:
                if error.status not in _LOST:
                    raise
                failure = error
            # The SDK tells a cancelled caller by the same exception as a lost reply.
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise asyncio.CancelledError
            if time.monotonic() + _PAUSE_S > give_up_at:
                raise Unavailable("Temporal does not answer", retry_after_s=1) from failure
            await asyncio.sleep(_PAUSE_S)

    def _handle(self, interview_id: UUID) -> WorkflowHandle[InterviewSession, Snapshot]:
        return self._client.get_workflow_handle_for(InterviewSession.run, workflow_id(interview_id))

    async def _why_refused(
        self, handle: WorkflowHandle[InterviewSession, Snapshot], error: RPCError
    ) -> CodeVoiceError:
        """Temporal says NOT_FOUND both for a workflow that has ended and for one that never was."""
        if error.status is not RPCStatusCode.NOT_FOUND:
            return Unavailable(f"Temporal answered {error.status.name}")
        try:
            found = await handle.describe(rpc_timeout=QUERY_TIMEOUT)
        except RPCError as gone:
            if gone.status is RPCStatusCode.NOT_FOUND:
                return NotFound()
            return Unavailable("Temporal does not answer")
        if found.status is WorkflowExecutionStatus.RUNNING:
            return Unavailable("the interview was just started")
        return WrongState("the interview has ended")


def _refusal(cause: BaseException | None) -> CodeVoiceError:
    known = isinstance(cause, ApplicationError) and named_error(cause)
    return known or WrongState("the interview ended before this was done")


class BoundInterview:
    """One interview's updates, fenced: a message without a fence gets this bot's."""

    def __init__(self, client: InterviewClient, interview_id: UUID, fence: Fence) -> None:
        self._client = client
        self._interview_id = interview_id
        self._fence = fence

    async def bot_ready(self, ready: BotReady) -> Snapshot:
        return await self._client.bot_ready(self._interview_id, self._fenced(ready))

    async def record_answer(self, answer: RecordAnswer) -> Snapshot:
        return await self._client.record_answer(self._interview_id, self._fenced(answer))

    async def reopen_answer(self, reopen: ReopenAnswer) -> Snapshot:
        return await self._client.reopen_answer(self._interview_id, self._fenced(reopen))

    async def skip(self, move: Move) -> Snapshot:
        return await self._client.skip(self._interview_id, self._fenced(move))

    async def go_back(self, move: Move) -> Snapshot:
        return await self._client.go_back(self._interview_id, self._fenced(move))

    async def pause(self, move: Move) -> Snapshot:
        return await self._client.pause(self._interview_id, self._fenced(move))

    async def resume(self, move: Move) -> Snapshot:
        return await self._client.resume(self._interview_id, self._fenced(move))

    async def finish(self, move: Move) -> Snapshot:
        return await self._client.finish(self._interview_id, self._fenced(move))

    def _fenced(self, message: F) -> F:
        return message.model_copy(update={"fence": self._fence})
