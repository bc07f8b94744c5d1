"""The bare workflow; in a file of its own, since the sandbox loads it anew with all it imports."""

from __future__ import annotations

from typing import Final

from temporalio import workflow

QUEUE: Final = "bare"


@workflow.defn
class Bare:
    """A workflow that counts updates until it is told to end: no validator, no activity."""

    def __init__(self) -> None:
        self.count, self.over = 0, False

    @workflow.update
    async def record(self, row_id: str) -> int:
        self.count += 1
        return self.count

    @workflow.signal
    def end(self) -> None:
        self.over = True

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self.over)
        return self.count
