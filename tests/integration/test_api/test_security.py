"""Who may do what. The matrix is made of the OpenAPI document: each operation needs a rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api.links import Link, LinkPurpose
from tests.integration.test_api.service import Service, token_in

#: For each kind of operation (who is admitted, and whether it is one interview's): the answers that
#: callers of each role may get. "served" is any answer of the operation itself.
SERVED = "served"
EVERYBODY = (
    *("nobody", "foreign candidate", "own candidate", "foreign server", "own server"),
    *("staff", "foreign staff"),
)
RULES: dict[tuple[tuple[str, ...], bool], dict[str, str | set[int]]] = {
    ((), False): dict.fromkeys(EVERYBODY, SERVED),
    (("livekitSignature",), False): {role: {401} for role in EVERYBODY},
    (("apiKey",), False): {
        "nobody": {401},
        "foreign candidate": {403},
        "own candidate": {403},
        "staff": {401},
        "foreign staff": {401},
        "foreign server": SERVED,
        "own server": SERVED,
    },
    (("apiKey",), True): {
        "nobody": {401},
        "foreign candidate": {404},
        "own candidate": {403},
        "staff": {401},
        "foreign staff": {401},
        "foreign server": {404},
        "own server": SERVED,
    },
    (("apiKey", "candidateCookie"), True): {
        "nobody": {401},
        "foreign candidate": {404},
        "own candidate": SERVED,
        "staff": {401},
        "foreign staff": {401},
        "foreign server": {404},
        "own server": SERVED,
    },
    (("apiKey", "candidateCookie", "staffCookie"), True): {
        "nobody": {401},
        "foreign candidate": {404},
        "own candidate": SERVED,
        "staff": SERVED,
        "foreign staff": {404},
        "foreign server": {404},
        "own server": SERVED,
    },
    (("apiKey", "staffCookie"), True): {
        "nobody": {401},
        "foreign candidate": {401},
        "own candidate": {401},
        "staff": SERVED,
        "foreign staff": {404},
        "foreign server": {404},
        "own server": SERVED,
    },
    (("apiKey", "staffCookie", "candidateCookie"), True): {
        "nobody": {401},
        "foreign candidate": {404},
        "own candidate": {403},  # not granted to this one
        "staff": SERVED,
        "foreign staff": {404},
        "foreign server": {404},
        "own server": SERVED,
    },
}

Operation = tuple[str, str, tuple[str, ...]]


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            admitted = tuple(name for each in operation["security"] for name in each)
            yield method, path, admitted


async def roles(service: Service, made: dict[str, Any]) -> dict[str, httpx.AsyncClient]:
    other = await service.start()
    foreign = {"Authorization": f"Bearer {service.other_key}"}
    return {
        "nobody": await service.client(),
        "foreign candidate": await service.candidate(token_in(other["join_url"])),
        "own candidate": await service.candidate(token_in(made["join_url"])),
        "staff": await service.staff(token_in(made["report_url"])),
        "foreign staff": await service.staff(token_in(other["report_url"])),
        "foreign server": await service.client(headers=foreign),
        "own server": await service.server(),
    }


async def call(client: httpx.AsyncClient, method: str, path: str, interview_id: str) -> int:
    """The status alone: an event stream is not read."""
    place = path.format(interview_id=interview_id, session_id=interview_id, number=1)
    body = {"unknown": 1} if method == "post" else None
    async with client.stream(method.upper(), place, json=body) as reply:
        return reply.status_code


async def test_every_operation_admits_whom_it_says_and_nobody_else(service: Service) -> None:
    made = await service.start()
    callers = await roles(service, made)
    wrong = []
    for method, path, admitted in operations(service.app.openapi()):
        rule = RULES[admitted, "{interview_id}" in path]
        assert rule.keys() == callers.keys()
        for role, client in callers.items():
            expected = rule[role]
            status = await call(client, method, path, made["id"])
            fine = status in expected if isinstance(expected, set) else status not in {401, 403}
            if not fine:
                wrong.append((role, method, path, status))
    assert wrong == []


@pytest.mark.parametrize("strange", ["not-an-id", "0", str(UUID(int=0)), "..%2f..%2fetc"])
async def test_what_is_anothers_looks_like_what_is_not_there(
    service: Service, strange: str
) -> None:
    made = await service.start()
    foreign = await service.client(headers={"Authorization": f"Bearer {service.other_key}"})

    async def told(interview_id: str) -> dict[str, Any]:
        reply = await foreign.get(f"/api/v1/interviews/{interview_id}")
        assert reply.status_code == 404
        return {name: value for name, value in reply.json().items() if name != "instance"}

    unknown = await told(str(uuid4()))
    assert await told(made["id"]) == unknown
    if "%" not in strange:
        assert await told(strange) == unknown


def _link(made: dict[str, Any], **changes: Any) -> Link:
    fields: dict[str, Any] = {
        "purpose": LinkPurpose.CANDIDATE,
        "interview_id": UUID(made["id"]),
        "generation": 1,
        "expires_at": datetime.now(UTC) + timedelta(hours=1),
    }
    return Link(**fields | changes)


async def test_an_expired_a_foreign_and_a_forged_token_are_refused_alike(service: Service) -> None:
    made = await service.start()
    sign = service.parts.tokens.sign
    good = sign(_link(made))
    bad = {
        "expired": sign(_link(made, expires_at=datetime.now(UTC) - timedelta(seconds=1))),
        "for another purpose": sign(_link(made, purpose=LinkPurpose.STAFF)),
        "withdrawn": sign(_link(made, generation=7)),
        # Not the last sign, of which two bits count for nothing.
        "forged": good[:-5] + ("A" if good[-5] != "A" else "B") + good[-4:],
        "cut": good[:20],
        "not one": "x" * 80,
        "not even text": "\u00e4".encode().decode("latin-1"),
    }
    assert (await (await service.candidate(good)).get(_place(made))).status_code == 200
    for name, token in bad.items():
        client = await service.client(
            headers=[(b"Cookie", f"codevoice_candidate={token}".encode())]
        )
        reply = await client.get(_place(made))
        assert reply.status_code == 401, name
        assert reply.headers["content-type"] == "application/problem+json"


async def test_withdrawn_links_stop_working_at_once(service: Service) -> None:
    made = await service.start()
    candidate = await service.candidate(token_in(made["join_url"]))
    assert (await candidate.get(_place(made))).status_code == 200
    await service.store.interviews.void_links(UUID(made["id"]))
    assert (await candidate.get(_place(made))).status_code == 401


@pytest.mark.parametrize(
    "header",
    ["Bearer cv_unknown", "Bearer", "Bearer x", "Basic Y3Y6eA==", "cv_x", "Bearer cv_" + 500 * "x"],
)
async def test_a_wrong_key_is_not_made_good_by_a_cookie(service: Service, header: str) -> None:
    made = await service.start()
    cookie = f"codevoice_candidate={token_in(made['join_url'])}"
    client = await service.client(headers={"Authorization": header, "Cookie": cookie})
    reply = await client.get(_place(made))
    assert reply.status_code == 401
    assert "Bearer" in reply.headers["www-authenticate"]


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1:1"])
async def test_a_write_with_a_cookie_must_come_from_our_own_page(
    service: Service, origin: str | None
) -> None:
    made = await service.start()
    headers = {"Cookie": f"codevoice_candidate={token_in(made['join_url'])}"}
    if origin is not None:
        headers["Origin"] = origin
    foreign = await service.client(headers=headers)
    reply = await foreign.post(f"{_place(made)}/decline", json={})
    assert reply.status_code == 403
    assert (await foreign.get(_place(made))).status_code == 200
    for ours in (service.url, "http://interviews.example"):
        at_home = await service.client(headers={**headers, "Origin": ours})
        assert (await at_home.post(f"{_place(made)}/consent", json={})).status_code == 422


async def test_a_candidate_may_read_the_report_once_it_is_granted(service: Service) -> None:
    made = await service.start(report_to_candidate=True)
    candidate = await service.candidate(token_in(made["join_url"]))
    reply = await candidate.get(f"{_place(made)}/report")
    assert reply.status_code == 409
    assert int(reply.headers["retry-after"]) > 0


def _place(made: dict[str, Any]) -> str:
    return f"/api/v1/interviews/{made['id']}"
