"""Every failure leaves as a problem document (RFC 9457), made in one place.

A problem names what is wrong and which field is to blame. It never repeats what the caller sent,
and for a failure nobody foresaw it carries a reference to the log line and nothing else.
"""

from __future__ import annotations

import http
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI, WebSocket
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response

from contracts.errors import CodeVoiceError, InvalidInput

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:codevoice:problem:"


class FieldProblem(BaseModel):
    """One field that was refused, in dotted form (`candidate.email`), and why."""

    field: str
    message: str


class Problem(BaseModel):
    """A problem document. `instance` is the request's reference, found again in the log."""

    type: str = Field(examples=[TYPE_PREFIX + "wrong-state"])
    title: str = Field(examples=["The interview's state does not allow that"])
    status: int = Field(ge=400, le=599, examples=[409])
    detail: str = Field(examples=["The interview is paused; resume it first."])
    instance: str = Field(examples=["urn:uuid:01932b1e-7c3f-7b41-9d0a-3c9f0e6a7b52"])
    field: str | None = Field(default=None, description="The input field to blame, if one is.")
    errors: list[FieldProblem] | None = None


@dataclass(frozen=True)
class Failure:
    """What a problem document says, before it has a reference."""

    status: int
    kind: str
    title: str
    detail: str
    field: str | None = None
    errors: tuple[FieldProblem, ...] = ()
    retry_after_s: float | None = None

    @classmethod
    def of(cls, error: CodeVoiceError, errors: Sequence[FieldProblem] = ()) -> Failure:
        return cls(
            error.status,
            error.kind,
            error.title,
            error.detail,
            error.field,
            tuple(errors),
            error.retry_after_s,
        )

    @classmethod
    def plain(cls, status: int, detail: str | None = None) -> Failure:
        """For a status without a class in the family: an unknown route, 405, 413."""
        phrase = http.HTTPStatus(status).phrase
        kind = re.sub(r"[^a-z]+", "-", phrase.lower())
        return cls(status, kind, phrase, detail or f"{phrase}.")

    def body(self, reference: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": TYPE_PREFIX + self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": f"urn:uuid:{reference}",
        }
        if self.field:
            body["field"] = self.field
        if self.errors:
            body["errors"] = [found.model_dump() for found in self.errors]
        return body

    def headers(self) -> dict[str, str]:
        headers = {}
        if self.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="codevoice"'
        wait = self.retry_after_s or {429: 10.0, 503: 1.0}.get(self.status)
        if wait:
            headers["Retry-After"] = str(max(1, math.ceil(wait)))
        return headers

    def response(self, reference: str) -> Response:
        return JSONResponse(
            self.body(reference),
            status_code=self.status,
            media_type=MEDIA_TYPE,
            headers=self.headers(),
        )


_Invalid = RequestValidationError | WebSocketRequestValidationError

UNFORESEEN: Final = Failure(
    500, "error", "Something failed on our side", "Quote the instance when you report this."
)


def reference_of(request: HTTPConnection) -> str:
    """The id of this request; set by `Observed`, which wraps every route."""
    return str(request.scope["reference"])


_HARMLESS: Final = frozenset(
    {
        *("missing", "extra_forbidden", "enum", "literal_error", "timezone_aware"),
        *("string_type", "int_type", "bool_type", "list_type", "dict_type", "model_type"),
        *("model_attributes_type", "string_too_short", "string_too_long", "too_short", "too_long"),
        *("greater_than", "greater_than_equal", "less_than", "less_than_equal"),
    }
)


def field_problems(errors: Sequence[Mapping[str, Any]]) -> list[FieldProblem]:
    """At most 20 of them, without a word of the input."""
    return [
        FieldProblem(field=_dotted(each["loc"]), message=_message(each)) for each in errors[:20]
    ]


def _dotted(loc: Sequence[str | int]) -> str:
    named = [str(part) for part in loc[1:]] or [str(part) for part in loc]
    return re.sub(r"[^\w.\-]", "?", ".".join(named))[:120]


def _message(error: Mapping[str, Any]) -> str:
    kind = str(error["type"])
    if kind == "value_error":  # raised by our own validators, whose words quote nothing
        return str(error["msg"]).removeprefix("Value error, ")
    if kind in _HARMLESS:
        return str(error["msg"])
    return "is not valid"  # pydantic's other messages quote the input


async def _known(connection: HTTPConnection, error: CodeVoiceError) -> Response:
    return await answer(connection, Failure.of(error))


async def _invalid(connection: HTTPConnection, error: _Invalid) -> Response:
    errors = error.errors()
    if any(each["type"] == "json_invalid" for each in errors):
        return await answer(connection, Failure.plain(400, "The body is not valid JSON."))
    found = field_problems(errors)
    invalid = InvalidInput(f"{found[0].field}: {found[0].message}", field=found[0].field)
    return await answer(connection, Failure.of(invalid, found))


async def _http(connection: HTTPConnection, error: HTTPException) -> Response:
    response = await answer(connection, Failure.plain(error.status_code))
    response.headers.update(error.headers or {})
    if error.status_code == 405:
        response.headers["Allow"] = _allowed(connection)
    return response


def _allowed(connection: HTTPConnection) -> str:
    """Every method of this place: the router itself names those of its first match alone."""
    place = getattr(connection.scope.get("route"), "path", "")
    methods = connection.app.openapi()["paths"].get(place, {"get": {}})
    return ", ".join(sorted(method.upper() for method in methods))


async def answer(connection: HTTPConnection, failure: Failure) -> Response:
    """A refused WebSocket is answered with the same document, before it is accepted."""
    response = failure.response(reference_of(connection))
    if isinstance(connection, WebSocket):
        await connection.send_denial_response(response)
    return response


def install(app: FastAPI) -> None:
    """Unforeseen failures are answered by `Observed`, before the server could print them."""
    handlers: dict[type[Exception], Any] = {
        CodeVoiceError: _known,
        RequestValidationError: _invalid,
        WebSocketRequestValidationError: _invalid,
        HTTPException: _http,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
