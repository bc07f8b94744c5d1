"""How a conversation ends: at once, or after a farewell that was heard to its end."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from contracts.conversation import ConversationEnd

#: A farewell that cannot be said in this time is not waited for (the workflow waits 20 s).
FAREWELL_WITHIN_S: Final = 16.0
#: The candidate's own audio path holds this much when the bot's last word has been sent.
LINGER_S: Final = 0.4


class Ending:
    def __init__(self) -> None:
        self._ended: asyncio.Future[ConversationEnd] = asyncio.get_running_loop().create_future()
        self._leave_by = float("inf")
        #: What the farewell being said leads to; None while there is none.
        self.after_farewell: ConversationEnd | None = None

    async def wait(self) -> ConversationEnd:
        return await self._ended

    def now(self, end: ConversationEnd) -> None:
        """Ends without another word; the first end counts."""
        if not self._ended.done():
            self._ended.set_result(end)

    def farewell(self, end: ConversationEnd) -> None:
        self.after_farewell = end
        self._leave_by = time.monotonic() + FAREWELL_WITHIN_S

    def withdraw(self) -> None:
        """There is more to say after all."""
        self.after_farewell = None
        self._leave_by = float("inf")

    async def said(self) -> None:
        """The farewell was heard to its end."""
        if self.after_farewell:
            await asyncio.sleep(LINGER_S)
            self.now(self.after_farewell)

    def look_at_the_clock(self) -> None:
        if self.after_farewell and time.monotonic() > self._leave_by:
            self.now(self.after_farewell)
