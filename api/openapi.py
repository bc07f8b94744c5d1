"""What the OpenAPI document says of refusals, so that each operation says it in one word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.auth import ADMITTED, CANDIDATE_COOKIE, STAFF_COOKIE
from api.errors import MEDIA_TYPE, Problem

_MEANING: Final = {
    400: "The body is not JSON, or its type is not application/json.",
    401: "No key or link, or one that is unknown, expired or withdrawn.",
    403: "The key or link does not allow this, or the request comes from a foreign page.",
    404: "There is no such thing, or it is not yours: the two look alike.",
    409: "It does not fit the present state, or a twin with the same Idempotency-Key is running.",
    413: "The body is too large.",
    416: "The range lies outside the clip.",
    422: "A field is wrong; `field` names it. Or the Idempotency-Key was used for something else.",
    429: "Too often; wait as `Retry-After` says.",
    500: "A failure of ours; quote the `instance`.",
    503: "A part cannot be reached or is full; wait as `Retry-After` says and send it again.",
}

Refusals = dict[int | str, dict[str, Any]]


def refusals(*statuses: int) -> Refusals:
    return {
        status: {
            "description": _MEANING[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


READ_REFUSALS: Final = refusals(401, 403, 404, 422, 500, 503)
WRITE_REFUSALS: Final = refusals(400, 401, 403, 404, 409, 413, 422, 429, 500, 503)


_SCHEMES: Final = {
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "The organisation's API key, `cv_...`.",
    },
    "candidateCookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": CANDIDATE_COOKIE,
        "description": "Set by the candidate's link `/i/{token}`; opens one interview. A write "
        "must come from a page of this service (`Origin`).",
    },
    "staffCookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": STAFF_COOKIE,
        "description": "Set by the signed report link; opens one report.",
    },
    "livekitSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "LiveKit's own: a token over the hash of the body, signed with "
        "LIVEKIT_API_SECRET.",
    },
}


def document(app: FastAPI, routers: Iterable[APIRouter]) -> dict[str, Any]:
    """The OpenAPI document. Who may call an operation is read off its dependencies."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        components = made.setdefault("components", {})
        components["securitySchemes"] = _SCHEMES
        components["schemas"] |= _problem_schemas()
        for method, route in _operations(routers):
            operation = made["paths"][route.path_format][method.lower()]
            operation["security"] = [{name: []} for name in admitted(route)]
        app.openapi_schema = made
    return app.openapi_schema


def _problem_schemas() -> dict[str, Any]:
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**problem.pop("$defs"), "Problem": problem}


def _operations(routers: Iterable[APIRouter]) -> Iterator[tuple[str, APIRoute]]:
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.include_in_schema:
                yield from ((method, route) for method in route.methods or ())


def admitted(route: APIRoute) -> tuple[str, ...]:
    """Names of the security schemes that open this operation; none: it is open to all."""
    named = [ADMITTED[call] for call in _calls(route.dependant) if call in ADMITTED]
    return min(named, key=len, default=())


def _calls(dependant: Dependant) -> Iterator[Any]:
    for each in dependant.dependencies:
        yield each.call
        yield from _calls(each)
