"""The state on its way to the database."""

from __future__ import annotations

from temporalio import workflow

from workflows import calls
from workflows.interview import Interview


class SavePump:
    """Saves the newest state, one activity in flight, for as long as it takes.

    What changes while one is in flight is saved by the next, so a burst of changes costs two
    activities and readers never see an older state after a newer one.
    """

    def __init__(self, interview: Interview) -> None:
        self._interview = interview
        self._saved_version = 0

    @property
    def idle(self) -> bool:
        return self._saved_version == self._interview.version

    async def run(self) -> None:
        while True:
            await workflow.wait_condition(lambda: not self.idle)
            snapshot = self._interview.snapshot(workflow.now())
            await calls.save_state(snapshot)
            self._saved_version = snapshot.state_version
