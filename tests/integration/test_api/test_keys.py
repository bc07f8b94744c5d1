"""How long an Idempotency-Key holds, and what it holds after a try that failed half-way."""

from __future__ import annotations

from typing import Any

import httpx
from sqlalchemy import text

from tests.integration.test_api.service import Service
from tests.integration.test_api.test_edges import problem


async def start(service: Service, **body: Any) -> httpx.Response:
    headers = {"Idempotency-Key": "form-1"}
    return await (await service.server()).post("/api/v1/interviews", json=body, headers=headers)


async def age(service: Service, by: str) -> None:
    for table in ("interviews", "idempotency_keys"):
        changed = text(f"UPDATE {table} SET created_at = now() - CAST(:age AS interval)")
        await service.store.database.run(changed, {"age": by})
    await service.store.idempotency.purge()


async def test_within_its_time_a_key_gives_the_first_reply_and_refuses_another_body(
    service: Service,
) -> None:
    first = await start(service, question_count=2)
    await age(service, "23 hours")
    assert (await start(service, question_count=2)).content == first.content
    assert problem(await start(service, question_count=3), 422)["type"].endswith("mismatch")


async def test_a_week_later_the_key_is_new(service: Service) -> None:
    first = await start(service, question_count=2)
    await age(service, "7 days")
    later = await start(service, question_count=3)
    assert later.status_code == 201
    assert later.json()["id"] != first.json()["id"]
    assert later.json()["progress"]["total"] == 3
    assert (await start(service, question_count=3)).json()["id"] == later.json()["id"]


async def test_after_a_failure_of_ours_the_key_is_for_the_same_request_alone(
    service: Service,
) -> None:
    spoil = "UPDATE question_versions SET content = content || '{\"unknown\": 1}'"
    await service.store.database.run(text(spoil))
    problem(await start(service, question_count=2), 500)
    mend = "UPDATE question_versions SET content = content - 'unknown'"
    await service.store.database.run(text(mend))
    problem(await start(service, question_count=3), 422)
    assert (await start(service, question_count=2)).status_code == 201
