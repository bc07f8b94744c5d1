"""One effect per Idempotency-Key, by Stripe's rules.

The first try's status and body are kept and given again for at least 24 hours; after that the key
is new. The same key with another request is an error; a twin still running is a conflict; a try
that failed validation leaves nothing behind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from contracts.errors import Conflict, IdempotencyMismatch
from db.database import Database
from db.ids import new_id
from db.rows import Claim, Reply
from db.text import keepable

#: A running try renews its claim each second. One that has not for four seconds died with its
#: process, or stands still: the next may run in its place.
RENEWED_EVERY_S: Final = 1.0
_CLAIM = text(
    """
    INSERT INTO idempotency_keys (organisation_id, key, fingerprint, claim_id)
    VALUES (:organisation_id, :key, :fingerprint, :claim_id)
    ON CONFLICT (organisation_id, key) DO UPDATE
    SET claim_id = CASE
            WHEN idempotency_keys.status IS NULL
                AND idempotency_keys.fingerprint = excluded.fingerprint
                AND idempotency_keys.claimed_at < clock_timestamp() - interval '4 seconds'
            THEN excluded.claim_id ELSE idempotency_keys.claim_id END,
        claimed_at = CASE
            WHEN idempotency_keys.status IS NULL
                AND idempotency_keys.fingerprint = excluded.fingerprint
                AND idempotency_keys.claimed_at < clock_timestamp() - interval '4 seconds'
            THEN clock_timestamp() ELSE idempotency_keys.claimed_at END
    RETURNING fingerprint, claim_id, status, body, headers
    """
)
_FINISH = text(
    "UPDATE idempotency_keys SET status = :status, body = :body,"
    " headers = CAST(:headers AS jsonb) WHERE organisation_id = :organisation_id"
    " AND key = :key AND claim_id = :claim_id AND status IS NULL"
)
_RENEW = text(
    "UPDATE idempotency_keys SET claimed_at = clock_timestamp() WHERE organisation_id ="
    " :organisation_id AND key = :key AND claim_id = :claim_id AND status IS NULL"
)
_ABANDON = text(
    "DELETE FROM idempotency_keys WHERE organisation_id = :organisation_id"
    " AND key = :key AND claim_id = :claim_id AND status IS NULL"
)
#: Like a try whose process died, without the wait.
_RELEASE = text(
    "UPDATE idempotency_keys SET claimed_at = '-infinity' WHERE organisation_id ="
    " :organisation_id AND key = :key AND claim_id = :claim_id AND status IS NULL"
)
_PURGE = text("DELETE FROM idempotency_keys WHERE created_at < now() - interval '48 hours'")


class Idempotency:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, organisation_id: UUID, key: str, fingerprint: bytes) -> Claim:
        """Asks to run a request; `fingerprint` is a digest of what it asks for.

        With `reply` set the request ran before: give that again. Raises IdempotencyMismatch for
        another fingerprint, Conflict while a twin runs.
        """
        values: dict[str, Any] = {
            "organisation_id": organisation_id,
            "key": keepable(key),
            "fingerprint": fingerprint,
            "claim_id": new_id(),
        }
        row = await self._database.row(_CLAIM, values)
        if row is None or bytes(row["fingerprint"]) != fingerprint:
            raise IdempotencyMismatch
        claim = Claim(id=values["claim_id"], organisation_id=organisation_id, key=values["key"])
        if row["status"] is not None:
            return claim.model_copy(update={"reply": Reply.model_validate(dict(row))})
        if row["claim_id"] != claim.id:
            raise Conflict("The same request is still running", retry_after_s=1)
        return claim

    async def finish(
        self, claim: Claim, status: int, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        """Keeps the reply, a failure too. Nothing happens when the claim went to another try."""
        values = {**_named(claim), "status": status, "body": body}
        await self._database.run(_FINISH, values | {"headers": json.dumps(dict(headers or {}))})

    async def renew(self, claim: Claim) -> None:
        """The try is still running. To be called every `RENEWED_EVERY_S`."""
        await self._database.run(_RENEW, _named(claim))

    async def abandon(self, claim: Claim) -> None:
        """Nothing was done: the key is free again."""
        await self._database.run(_ABANDON, _named(claim))

    async def release(self, claim: Claim) -> None:
        """The try failed half-way: the same request may run again at once, another may not."""
        await self._database.run(_RELEASE, _named(claim))

    async def purge(self) -> int:
        """Forgets keys older than 48 hours; returns how many."""
        return await self._database.run(_PURGE)


def _named(claim: Claim) -> dict[str, Any]:
    return {
        "organisation_id": claim.organisation_id,
        "key": claim.key,
        "claim_id": claim.id,
    }
