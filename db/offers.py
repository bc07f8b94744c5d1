"""SDP offers and answers on their way between browser and bot."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from contracts.errors import NotFound
from db.database import Database
from db.text import keepable

#: An offer is dead long before: the browser offers again after 8 s at most.
_PURGE = text("DELETE FROM offers WHERE created_at < now() - interval '10 minutes'")
_PUT = text(
    "INSERT INTO offers (id, interview_id, sdp) VALUES (:id, :interview_id, :sdp)"
    " ON CONFLICT (id) DO NOTHING"
)
_GET = text("SELECT sdp, answer_sdp FROM offers WHERE id = :id")
_ANSWER = text("UPDATE offers SET answer_sdp = :sdp WHERE id = :id")


class Offers:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, offer_id: UUID, interview_id: UUID, sdp: str) -> None:
        """Keeps an offer for ten minutes. Raises NotFound without such an interview."""
        await self._database.run(_PURGE)
        values = {"id": offer_id, "interview_id": interview_id, "sdp": keepable(sdp)}
        await self._database.run(_PUT, values)

    async def sdp(self, offer_id: UUID) -> str:
        """Raises NotFound, also once it is purged."""
        row = await self._database.row(_GET, {"id": offer_id})
        if row is None:
            raise NotFound("There is no such offer")
        return str(row["sdp"])

    async def put_answer(self, offer_id: UUID, sdp: str) -> None:
        """Raises NotFound, also once it is purged."""
        values = {"id": offer_id, "sdp": keepable(sdp)}
        if await self._database.run(_ANSWER, values) == 0:
            raise NotFound("There is no such offer")

    async def answer_sdp(self, offer_id: UUID) -> str | None:
        """None until the bot has answered. Raises NotFound."""
        row = await self._database.row(_GET, {"id": offer_id})
        if row is None:
            raise NotFound("There is no such offer")
        answer: str | None = row["answer_sdp"]
        return answer
