"""Where crash points come from: SQLAlchemy's events, Temporal's interceptors, fsspec's registry, an
ASGI layer.

Points are what changes something: statements that write, commits, calls to Temporal, activities,
update handlers, HTTP requests that are not GET. Reads are none: a kill at a read is one after the
change before it.

| name | before | done | after |
|---|---|---|---|
| `sql.insert.turns.candidate` | the statement is not sent | done in PostgreSQL, not told | told |
| `commit.candidates+interviews` | all written, COMMIT not sent | committed, not told | told |
| `rpc.start_workflow` | not sent | done in Temporal, not told | told |
| `update.record_answer` | not sent | accepted and completed, not told | told |
| `activity.grade_answer` | taken from the queue, nothing done | done, Temporal not told | told |
| `handler.record_answer` | the workflow has it, nothing done | done, Temporal not told | told |
| `file.recording` | the block is not written | written, not told | told |
| `http.answers` | the request is here, nothing done | the reply is made, not sent | sent |
"""

from __future__ import annotations

import asyncio
import re
from functools import cache
from typing import Any, Final, Self

import fsspec
from fsspec.implementations.local import LocalFileSystem
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import Pool
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from temporalio import client as temporal
from temporalio import worker as temporal_worker
from temporalio import workflow

from bench.chaos.points import Points

#: The SDK's core tells the server after the body has returned; this is ample for it.
_COMPLETED_WITHIN_S: Final = 0.05
_LOOKS_AGAIN_S: Final = 0.05
_EXTERN: Final = "codevoice_chaos_point"


# ---------------------------------------------------------------------------- PostgreSQL

_INSERTED: Final = re.compile(r"\bINSERT INTO (\w+)", re.IGNORECASE)
_UPDATED: Final = re.compile(r"\bUPDATE (\w+)\s+SET\s+(\w+)", re.IGNORECASE)
_DELETED: Final = re.compile(r"\bDELETE FROM (\w+)", re.IGNORECASE)
#: The outbox rides in other writes.
_OUTBOX: Final = "interview_events"


def listen_to_sql(points: Points) -> None:
    """For every engine of this process."""

    @event.listens_for(Engine, "before_cursor_execute")
    def _before(
        connection: Connection, _: Any, statement: str, __: Any, context: Any, ___: bool
    ) -> None:
        if (point := _point_of(statement, context)) is not None:
            points.before(point)
            connection.info.setdefault("written", []).append(point.split(".")[2])

    @event.listens_for(Engine, "after_cursor_execute")
    def _after(_: Connection, __: Any, statement: str, ___: Any, context: Any, ____: bool) -> None:
        if (point := _point_of(statement, context)) is not None:
            points.done(point)
            points.after(point)

    @event.listens_for(Engine, "commit")
    def _commit(connection: Connection) -> None:
        point = f"commit.{'+'.join(dict.fromkeys(connection.info.get('written', [])))}"
        connection.info["committing"] = point
        points.before(point)

    @event.listens_for(Pool, "checkin")
    def _returned(_: Any, record: Any) -> None:
        """The connection comes back when its COMMIT was answered."""
        record.info.pop("written", None)
        if (point := record.info.pop("committing", None)) is not None:
            points.done(point)
            points.after(point)


def _point_of(statement: str, context: Any) -> str | None:
    """A turn's insertion is named with its speaker."""
    point = statement_name(statement)
    if point != "sql.insert.turns":
        return point
    speaker = context.compiled_parameters[0]["speaker"]
    return f"{point}.{getattr(speaker, 'value', speaker)}"


@cache
def statement_name(statement: str) -> str | None:
    """`sql.{verb}.{table}`, of an update with its first column; None when nothing is written.

    Of several writes in one statement it is the first insert, else the first update.
    """
    inserts = [table for table in _INSERTED.findall(statement) if table != _OUTBOX]
    if inserts:
        return f"sql.insert.{inserts[0]}"
    if updated := _UPDATED.search(statement):
        return f"sql.update.{updated[1]}.{updated[2]}"
    if deleted := _DELETED.search(statement):
        return f"sql.delete.{deleted[1]}"
    return f"sql.insert.{_OUTBOX}" if _OUTBOX in _INSERTED.findall(statement) else None


# ---------------------------------------------------------------------------- Temporal


def pointed(client: temporal.Client, points: Points) -> temporal.Client:
    """The same client with points at its calls, and at what workers made of it do."""
    config = client.config()
    config["interceptors"] = [*config["interceptors"], _Pointed(points)]
    return temporal.Client(**config)


class _Pointed(temporal.Interceptor, temporal_worker.Interceptor):
    def __init__(self, points: Points) -> None:
        self._points = points

    def intercept_client(self, next: temporal.OutboundInterceptor) -> temporal.OutboundInterceptor:
        return _Calls(next, self._points)

    def intercept_activity(
        self, next: temporal_worker.ActivityInboundInterceptor
    ) -> temporal_worker.ActivityInboundInterceptor:
        return _Activities(next, self._points)

    def workflow_interceptor_class(
        self, input: temporal_worker.WorkflowInterceptorClassInput
    ) -> type[temporal_worker.WorkflowInboundInterceptor]:
        """What the workflow calls runs outside its sandbox."""
        points = self._points

        def passed(side: str, point: str) -> None:
            if side == "after":
                points.after(point, _COMPLETED_WITHIN_S)
            else:
                getattr(points, side)(point)

        input.unsafe_extern_functions[_EXTERN] = passed
        return _Handlers


class _Calls(temporal.OutboundInterceptor):
    def __init__(self, next: temporal.OutboundInterceptor, points: Points) -> None:
        super().__init__(next)
        self._points = points

    async def start_workflow(
        self, input: temporal.StartWorkflowInput
    ) -> temporal.WorkflowHandle[Any, Any]:
        point = "rpc.start_workflow"
        self._points.before(point)
        started = await super().start_workflow(input)
        self._points.done(point)
        self._points.after(point)
        return started

    async def start_workflow_update(
        self, input: temporal.StartWorkflowUpdateInput
    ) -> temporal.WorkflowUpdateHandle[Any]:
        point = f"update.{input.update}"
        self._points.before(point)
        handle = await super().start_workflow_update(input)
        self._points.done(point)
        self._points.after(point)
        return handle


class _Activities(temporal_worker.ActivityInboundInterceptor):
    def __init__(self, next: temporal_worker.ActivityInboundInterceptor, points: Points) -> None:
        super().__init__(next)
        self._points = points

    async def execute_activity(self, input: temporal_worker.ExecuteActivityInput) -> Any:
        from temporalio import activity

        point = f"activity.{activity.info().activity_type}"
        self._points.before(point)
        while self._points.hanging(point):
            await asyncio.sleep(_LOOKS_AGAIN_S)
        result = await super().execute_activity(input)
        self._points.done(point)
        self._points.after(point, _COMPLETED_WITHIN_S)
        return result


class _Handlers(temporal_worker.WorkflowInboundInterceptor):
    async def handle_update_handler(self, input: temporal_worker.HandleUpdateInput) -> Any:
        if workflow.unsafe.is_replaying():
            return await super().handle_update_handler(input)
        passed = workflow.extern_functions()[_EXTERN]
        passed("before", f"handler.{input.update}")
        result = await super().handle_update_handler(input)
        passed("done", f"handler.{input.update}")
        passed("after", f"handler.{input.update}")
        return result


# ---------------------------------------------------------------------------- files


def listen_to_files(points: Points) -> None:
    """For every file of this process that is written through fsspec: a recording's blocks."""

    class Pointed(LocalFileSystem):  # type: ignore[misc]  # fsspec has no annotations
        def _open(self, path: str, mode: str = "rb", **how: Any) -> Any:
            file = super()._open(path, mode, **how)
            return file if "r" in mode else _Written(file, points)

    fsspec.register_implementation("file", Pointed, clobber=True)


class _Written:
    def __init__(self, file: Any, points: Points) -> None:
        self._file, self._points = file, points

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Self:
        self._file.__enter__()
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.__exit__(*failure)

    def write(self, block: bytes) -> int:
        self._points.before("file.recording")
        written: int = self._file.write(block)
        self._points.done("file.recording")
        self._points.after("file.recording")
        return written


# ---------------------------------------------------------------------------- HTTP


class HttpPoints:
    """An ASGI layer outside the whole application."""

    def __init__(self, app: ASGIApp, points: Points) -> None:
        self._app, self._points = app, points

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        point = request_name(scope["path"])
        self._points.before(point)

        async def pass_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._points.done(point)
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self._points.after(point)

        await self._app(scope, receive, pass_on)


def request_name(path: str) -> str:
    """`http.{verb}`; `http.start` makes an interview."""
    last = path.rstrip("/").rsplit("/", 1)[-1]
    return "http.start" if last == "interviews" else f"http.{last}"
