"""The store: every SQL statement, by noun."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from db.access import Access
from db.answers import Answers
from db.costs import Costs
from db.database import Database
from db.discrepancies import Discrepancies
from db.events import Events
from db.grades import Grades
from db.idempotency import Idempotency
from db.interviews import Interviews
from db.live_listeners import LiveListeners
from db.offers import Offers
from db.providers import Providers
from db.questions import Questions
from db.recordings import Recordings
from db.reports import Reports
from db.turns import Turns


class Store:
    """Every method raises Unavailable when PostgreSQL cannot be reached, and may be repeated then.

    A write that takes a `fence` is refused with StaleFence when a newer bot holds the interview;
    the check and the write are one statement.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        database = Database(engine)
        self.database = database
        self.access = Access(database)
        self.answers = Answers(database)
        self.costs = Costs(database)
        self.discrepancies = Discrepancies(database)
        self.events = Events(database)
        self.grades = Grades(database)
        self.idempotency = Idempotency(database)
        self.interviews = Interviews(database)
        self.live_listeners = LiveListeners(database)
        self.offers = Offers(database)
        self.providers = Providers(database)
        self.questions = Questions(database)
        self.recordings = Recordings(database)
        self.reports = Reports(database)
        self.turns = Turns(database)

    async def close(self) -> None:
        await self.database.close()
