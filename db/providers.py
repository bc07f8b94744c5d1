"""What workers say of the providers they use: the state of each one's breaker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.database import Database

#: Workers tell every ten seconds: who has not for three times as long is gone.
_TELL: Final = text(
    """
    INSERT INTO provider_states (worker_id, provider, trouble)
    VALUES (:worker_id, :provider, :trouble)
    ON CONFLICT (worker_id, provider) DO UPDATE
    SET trouble = excluded.trouble, told_at = clock_timestamp()
    """
)
_FORGET: Final = text(
    "DELETE FROM provider_states WHERE told_at < clock_timestamp() - interval '30 seconds'"
)
_KNOWN: Final = text(
    """
    SELECT provider, max(trouble) AS trouble FROM provider_states
    WHERE told_at > clock_timestamp() - interval '30 seconds'
    GROUP BY provider ORDER BY provider
    """
)


class Providers:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def tell(self, worker_id: UUID, states: Mapping[str, str | None]) -> None:
        """`states`: what is wrong with each provider, None where nothing is. May be repeated."""
        for provider, trouble in states.items():
            told = {"worker_id": worker_id, "provider": provider, "trouble": trouble}
            await self._database.run(_TELL, told)
        await self._database.run(_FORGET, {})

    async def states(self) -> dict[str, str | None]:
        """Of each provider that a living worker uses: one worker's trouble with it, if any has."""
        rows = await self._database.rows(_KNOWN)
        return {row["provider"]: row["trouble"] for row in rows}
