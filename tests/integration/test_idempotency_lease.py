"""A key whose try died with its process is free within seconds; one whose try goes on is not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

from sqlalchemy import text

from api.idempotency import Key, Once
from api.parts import Parts
from db.ids import new_id
from db.store import Store
from tests.waiting import eventually

CLAIMED_AT = text("SELECT claimed_at FROM idempotency_keys")


@dataclass
class Stored:
    """The part of `Parts` that a request without a reply needs."""

    store: Store


async def test_a_request_that_takes_long_renews_its_claim_until_it_ends(store: Store) -> None:
    organisation = await store.access.add_organisation(new_id(), "One")
    once = Once(cast("Parts", Stored(store)), "reference", Key(organisation.id, "k", b"start"))
    let_go = asyncio.Event()

    async def work() -> bytes:
        await let_go.wait()
        return b"{}"

    async def claimed_at() -> object:
        row = await store.database.row(CLAIMED_AT)
        return row and row["claimed_at"]

    request = asyncio.create_task(once(work))
    first = await eventually(claimed_at)

    async def renewed() -> bool:
        return await claimed_at() != first

    await eventually(renewed, within_s=10)
    let_go.set()
    assert (await request).status_code == 200
