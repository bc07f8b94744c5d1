"""Organisations and their API keys."""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from contracts.errors import NotAuthenticated
from db.database import Database
from db.ids import new_id
from db.rows import ApiKey, Organisation
from db.text import keepable

_ONE_MAKER = text("SELECT pg_advisory_xact_lock(hashtext('codevoice organisations'))")
_FIRST = text("SELECT id, name FROM organisations ORDER BY created_at, id LIMIT 1")
_ADD = text("INSERT INTO organisations (id, name) VALUES (:id, :name)")
_ADD_KEY = text(
    "INSERT INTO api_keys (id, organisation_id, name, key_sha256, expires_at)"
    " VALUES (:id, :organisation_id, :name, :digest, :expires_at)"
    " ON CONFLICT (key_sha256) DO NOTHING"
)
_OWNER = text(
    "SELECT id, organisation_id, name FROM api_keys WHERE key_sha256 = :digest"
    " AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"
)
_REVOKE = text("UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = :id")


class Access:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def reachable(self) -> None:
        """Raises Unavailable, also when the tables are not there yet."""
        await self._database.row(_FIRST)

    async def add_organisation(self, organisation_id: UUID, name: str) -> Organisation:
        await self._database.run(_ADD, {"id": organisation_id, "name": keepable(name)})
        return Organisation(id=organisation_id, name=keepable(name))

    async def default_organisation(self, name: str = "Default") -> Organisation:
        """The first one, made when there is none yet."""
        async with self._database.begin() as connection:
            await connection.execute(_ONE_MAKER)
            row = (await connection.execute(_FIRST)).mappings().first()
            if row is None:
                made = {"id": new_id(), "name": name}
                await connection.execute(_ADD, made)
                return Organisation.model_validate(made)
            return Organisation.model_validate(dict(row))

    async def add_key(
        self, organisation_id: UUID, key: str, name: str, expires_at: datetime | None = None
    ) -> None:
        """Keeps the key's digest; the same key again changes nothing. Raises NotFound."""
        values = {
            "id": new_id(),
            "organisation_id": organisation_id,
            "name": keepable(name),
            "digest": _digest(key),
            "expires_at": expires_at,
        }
        await self._database.run(_ADD_KEY, values)

    async def owner_of(self, key: str) -> ApiKey:
        """Raises NotAuthenticated for an unknown, expired or revoked key alike."""
        row = await self._database.row(_OWNER, {"digest": _digest(key)})
        if row is None:
            raise NotAuthenticated
        return ApiKey.model_validate(dict(row))

    async def revoke_key(self, key_id: UUID) -> None:
        await self._database.run(_REVOKE, {"id": key_id})


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()
