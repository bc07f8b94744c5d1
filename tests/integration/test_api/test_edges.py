"""What stands around every request: sizes, forms, other sites, headers, silence about people."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.testing import WorkflowEnvironment

import housekeeping
from db.events import Listener
from db.store import Store
from tests.integration.test_api.service import CONSENT, Service, running_service, token_in
from tests.waiting import eventually

#: The caller's own library, and uvicorn's access log, which the product turns off.
OUTSIDE = ("http", "uvicorn.access", "asyncio")


def problem(reply: Any, status: int) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = reply.json()
    assert body["status"] == status
    assert body["instance"] == f"urn:uuid:{reply.headers['x-request-id']}"
    return body


async def test_a_body_over_the_limit_is_refused_whatever_its_form(service: Service) -> None:
    server = await service.server()
    large = b'{"candidate": {"name": "' + 300_000 * b"x" + b'"}}'
    json_type = {"Content-Type": "application/json"}
    problem(await server.post("/api/v1/interviews", content=large, headers=json_type), 413)

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 10_000):
            yield large[start : start + 10_000]

    reply = await server.post("/api/v1/interviews", content=in_pieces(), headers=json_type)
    problem(reply, 413)


async def test_the_longest_answer_passes(service: Service) -> None:
    made = await service.start()
    server = await service.server()
    place = f"/api/v1/interviews/{made['id']}"
    await server.post(f"{place}/consent", json=CONSENT)
    await server.post(f"{place}/join", json={"purpose": "typing"})
    question = (await service.interview(made)).snapshot.cursor
    longest = {"question_id": str(question.question_id), "revision": 1, "text": 20_000 * "\u4e2d"}
    assert (await server.post(f"{place}/answers", json=longest)).status_code == 200
    longer = {**longest, "text": 20_001 * "x"}
    assert problem(await server.post(f"{place}/answers", json=longer), 422)["field"] == "text"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"question_count": 1', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"question_count=1", "application/x-www-form-urlencoded", 422),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b'{"question_count": NaN}', "application/json", 422),
        (b"[" * 100_000, "application/json", 400),
    ],
)
async def test_what_is_not_json_is_refused(
    service: Service, content: bytes, kind: str, status: int
) -> None:
    server = await service.server()
    headers = {"Content-Type": kind}
    problem(await server.post("/api/v1/interviews", content=content, headers=headers), status)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"qestion_count": 3}, "qestion_count"),
        ({"question_count": 0}, "question_count"),
        ({"question_count": 9}, "question_count"),
        ({"candidate": {"nmae": "SECRET-NAME"}}, "candidate.nmae"),
        ({"candidate": {"email": "SECRET-NAME"}}, "candidate.email"),
        ({"topics": ["SECRET-NAME"]}, "topics"),
        ({"questions": ["no-such-question"]}, "questions"),
        ({"questions": ["locks", "locks"]}, "questions"),
        ({"difficulties": ["SECRET-NAME"]}, "difficulties.0"),
        ({"starts_at": "SECRET-NAME"}, "starts_at"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"patience_s": 1e308}, "patience_s"),
        ({"voice": "SECRET-NAME"}, "voice"),
        ({"voice": "aura-2-celeste-es"}, "voice"),
        ({"language": "SECRET-NAME"}, "language"),
        ({"language": ["en"]}, "language"),
    ],
)
async def test_a_refusal_names_the_field_and_repeats_nothing(
    service: Service, body: dict[str, Any], field: str
) -> None:
    told = await (await service.server()).post("/api/v1/interviews", json=body)
    assert problem(told, 422)["field"] == field
    assert "SECRET-NAME" not in told.text
    assert (await (await service.server()).get("/api/v1/interviews")).json()["items"] == []


async def test_unknown_places_and_methods_are_problems_too(service: Service) -> None:
    server = await service.server()
    problem(await server.get("/api/v1/nothing"), 404)
    refused = await server.delete("/api/v1/interviews")
    problem(refused, 405)
    assert refused.headers["allow"] == "GET, POST"
    page = await server.get("/mistyped", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")


async def test_other_sites_are_told_nothing(service: Service) -> None:
    foreign = {"Origin": "https://other.example"}
    server = await service.server()
    reply = await server.get("/api/v1/interviews", headers=foreign)
    assert "access-control-allow-origin" not in reply.headers
    asked = {**foreign, "Access-Control-Request-Method": "POST"}
    reply = await server.options("/api/v1/interviews", headers=asked)
    assert "access-control-allow-origin" not in reply.headers


async def test_a_listed_site_may_call_with_a_key_and_never_with_a_cookie(
    store: Store, listener: Listener, temporal: WorkflowEnvironment
) -> None:
    listed = ["https://careers.example"]
    async with running_service(store, listener, temporal.client, cors_origins=listed) as service:
        server = await service.server()
        asked = {
            "Origin": "https://careers.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, idempotency-key, if-none-match",
        }
        reply = await (await service.client()).options("/api/v1/interviews", headers=asked)
        assert reply.status_code == 200
        assert reply.headers["access-control-allow-origin"] == "https://careers.example"
        assert "access-control-allow-credentials" not in reply.headers
        other = await server.get("/api/v1/questions", headers={"Origin": "https://other.example"})
        assert "access-control-allow-origin" not in other.headers


async def test_a_listed_site_may_read_why_it_failed(
    store: Store, listener: Listener, temporal: WorkflowEnvironment
) -> None:
    listed = ["https://careers.example"]
    async with running_service(store, listener, temporal.client, cors_origins=listed) as service:
        made = await service.start()
        await store.database.run(text("UPDATE interviews SET start = '{}'"))
        client = await service.client(
            headers={"Origin": listed[0], "Authorization": f"Bearer {service.key}"}
        )
        large = {"candidate": {"name": 300_000 * "x"}}
        for reply, status in (
            (await client.post("/api/v1/interviews", json=large), 413),
            (await client.get(f"/api/v1/interviews/{made['id']}"), 500),
            (await client.get("/api/v1/nothing"), 404),
        ):
            problem(reply, status)
            assert reply.headers["access-control-allow-origin"] == listed[0]
            assert "X-Request-Id" in reply.headers["access-control-expose-headers"]
        await store.database.run(text("DELETE FROM interviews"))


async def test_every_reply_tells_the_browser_to_be_careful(service: Service) -> None:
    server = await service.server()
    for place in ("/api/v1/interviews", "/healthz", "/api/v1/nothing"):
        headers = (await server.get(place)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]


async def test_nothing_of_a_person_is_in_logs_metrics_or_refusals(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = ("Zyxwv Canary", "zyxwv@canary.example", "the canary sang of buckets")
    made = await service.start(candidate={"name": canaries[0], "email": canaries[1]})
    token = token_in(made["join_url"])
    candidate = await service.candidate(token)
    place = f"/api/v1/interviews/{made['id']}"
    await candidate.post(f"{place}/consent", json=CONSENT)
    await candidate.post(f"{place}/join", json={"purpose": "typing"})
    cursor = (await service.interview(made)).snapshot.cursor
    answer = {"question_id": str(cursor.question_id), "revision": 1, "text": canaries[2]}
    assert (await candidate.post(f"{place}/answers", json=answer)).status_code == 200
    refused = [
        await candidate.post(f"{place}/answers", json={**answer, "revision": 9}),
        await candidate.post(f"{place}/answers", json={**answer, "revision": canaries[2]}),
        await candidate.post(f"{place}/answers", json={canaries[2]: 1}),
        await candidate.post(f"{place}/join", json={"sdp": canaries[2]}),
        await (await service.client()).get(f"/i/{token}"),
    ]
    metrics = (await (await service.client()).get("/metrics")).text
    assert 'route="/api/v1/interviews/{interview_id}/answers",status="200"' in metrics
    said = [each.getMessage() for each in caplog.records if not each.name.startswith(OUTSIDE)]
    told = [*(reply.text for reply in refused), metrics, *said]
    for canary in (*canaries, token):
        assert not any(canary in each for each in told), canary


async def test_the_service_says_what_is_missing(service: Service) -> None:
    anyone = await service.client()
    assert (await anyone.get("/healthz")).json() == {"status": "ok"}
    ready = await anyone.get("/readyz")
    assert ready.status_code == 200, ready.text
    assert set(ready.json()["parts"].values()) == {"ok"}


async def test_a_provider_that_is_left_alone_degrades_the_service_and_no_more(
    service: Service,
) -> None:
    states: dict[str, str | None] = {"Deepgram": "left alone: status 401", "model": None}
    telling = asyncio.create_task(housekeeping.tell_of_providers(service.store, lambda: states))
    anyone = await service.client()

    async def told() -> dict[str, Any]:
        reply = await anyone.get("/readyz")
        assert reply.status_code == 200
        found: dict[str, Any] = reply.json()
        assert found["ready"]
        return found

    async def degraded() -> bool:
        return bool((await told())["degraded"])

    try:
        await eventually(degraded)
        parts = (await told())["parts"]
        assert parts["provider: Deepgram"] == "left alone: status 401"
        assert parts["provider: model"] == "ok"
    finally:
        telling.cancel()
    # What a worker that is gone has said counts for half a minute.
    await service.store.database.run(
        text("UPDATE provider_states SET told_at = now() - interval '31 seconds'")
    )
    assert not await degraded()
