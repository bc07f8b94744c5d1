"""Ten seeded bugs that the judge must find: the test of the test.

Each is a careless variant of one part of the product. It comes in only where the product's own
entry points take a part (`open_store`, `connect`), from the experiment's entry points, and says
which kill lets it show and which invariant finds it. Three of the ten that were planned have no
such place and stand here in an equal form: the workflow's class cannot be handed in, so "complete
before grading" is a grading that is complete before its grade; a heartbeat by timer is added around
the activity; and there are no webhooks yet, so "marked before the receiver has it" is done to the
saved state, which is what the product delivers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import client

import connections
from bench.chaos import spoilt_calls as calls
from bench.chaos import spoilt_store as stores
from db.store import Store
from settings import Settings

#: Names the bug to the experiment's entry points.
BUG_VARIABLE: Final = "CODEVOICE_CHAOS_BUG"


@dataclass(frozen=True)
class Bug:
    """`finds` is the invariant that must find it once `process` is killed at `point` on `side` (a
    freeze or a wedged bot where there is no such point). `schema` is run in the experiment's own
    database first; `intercepts` is made once for each client.
    """

    name: str
    finds: str
    process: str
    point: str
    side: str
    store: Callable[[AsyncEngine], Store] = Store
    intercepts: Callable[[], client.Interceptor] | None = None
    schema: tuple[str, ...] = ()

    def open_store(self, settings: Settings) -> Store:
        """In place of `connections.open_store`."""
        return self.store(connections.engine(settings))

    def infected(self, sound: client.Client) -> client.Client:
        """The same client with the bug in it, and in the workers made of it."""
        if self.intercepts is None:
            return sound
        config = sound.config()
        config["interceptors"] = [*config["interceptors"], self.intercepts()]
        return client.Client(**config)

    async def prepare(self, store: Store) -> None:
        for statement in self.schema:
            await store.database.run(text(statement))


_ALL: Final = (
    Bug("ack-before-row", "I1", "api", "http.answers", "after", store=stores.AckBeforeRow),
    Bug("no-fence", "I5", "conversations", "freeze", "thaw", store=stores.NoFence),
    Bug(
        "new-update-id", "I8", "api", "update.record_answer", "done", intercepts=calls.NewUpdateIds
    ),
    Bug(
        "grade-without-key",
        "I3",
        "worker",
        "sql.insert.grades",
        "done",
        store=stores.GradeWithoutKey,
        schema=(stores.DROP_GRADES_KEY,),
    ),
    Bug(
        "complete-before-grading",
        "I7",
        "worker",
        "activity.grade_answer",
        "after",
        intercepts=calls.CompleteBeforeGrading,
    ),
    Bug(
        "timer-heartbeat",
        "I14",
        "conversations",
        "wedge",
        "for ever",
        intercepts=calls.TimerHeartbeat,
    ),
    Bug(
        "resume-without-turns",
        "I1",
        "api",
        "http.answers",
        "after",
        store=stores.ResumeWithoutTurns,
    ),
    Bug("start-twice", "I3", "api", "http.start", "done", store=stores.StartTwice),
    Bug(
        "report-overwritten",
        "I3",
        "worker",
        "sql.insert.reports",
        "done",
        store=stores.ReportOverwritten,
    ),
    Bug(
        "delivered-before-sent",
        "I6",
        "worker",
        "activity.save_state",
        "after",
        store=stores.DeliveredBeforeSent,
    ),
)

BUGS: Final[Mapping[str, Bug]] = {bug.name: bug for bug in _ALL}
#: No bug at all.
SOUND: Final = Bug("", "", "", "", "")


def from_environment() -> Bug:
    """The bug that the experiment's entry points put in. Raises KeyError for one nobody knows."""
    name = os.environ.get(BUG_VARIABLE)
    return BUGS[name] if name else SOUND
