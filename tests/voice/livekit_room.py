"""An interview in a LiveKit room, whose bots are held in this process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from bench.room_candidate import RoomCandidate
from bench.voices import Voice
from contracts.conversation import ConversationResult, HoldConversation
from contracts.interview import Fence, JoinPurpose
from contracts.questions import Question
from contracts.rooms import RoomPass
from tests.livekit import Running
from tests.voice.memory import MemoryInterview, MemoryJournal, MemoryUpdates
from tests.voice.rooms import Terse
from tests.waiting import eventually
from voice.conversation import Conversation, ConversationSettings, Speech


class InRoom:
    """An interview in memory whose bots are held one after the other, as Temporal would."""

    def __init__(
        self, livekit: Running, speech: Speech, voice: Voice, folder: Path, *questions: Question
    ) -> None:
        self.interview = MemoryInterview(questions)
        self.livekit = livekit
        self.conversation = Conversation(
            speech,
            self._journal,
            self._updates,
            ConversationSettings(str(folder / "recordings")),
            Terse(),
            rooms=livekit.rooms,
        )
        self.held: list[asyncio.Task[ConversationResult]] = []
        self.admissions = 0
        self.camera = False
        self._voice = voice
        self.entered_by: RoomPass
        self.candidate = RoomCandidate(self._enter, voice)

    def another(self) -> RoomCandidate:
        """The candidate's page, opened again."""
        self.candidate = RoomCandidate(self._enter, self._voice)
        return self.candidate

    async def hold(
        self, attempt: int = 1, purpose: JoinPurpose = JoinPurpose.INTERVIEW
    ) -> asyncio.Task[ConversationResult]:
        """A bot; returns once it has reported ready."""
        version = self.interview.version
        spec = HoldConversation(
            interview_id=self.interview.id,
            organisation_id=uuid7(),
            epoch=1,
            transport="livekit",
            purpose=purpose,
        )
        fence = Fence(epoch=1, attempt=attempt)
        bot = asyncio.create_task(self.conversation.hold(spec, fence, lambda: None))
        self.held.append(bot)
        await eventually(lambda: self.interview.version > version or bot.done())
        return bot

    def key(self) -> RoomPass:
        """As one more join brings it."""
        self.admissions += 1
        rooms, number = self.livekit.rooms, self.admissions
        return rooms.candidates_pass(self.interview.id, 1, number, camera=self.camera)

    async def _enter(self) -> tuple[str, str]:
        self.entered_by = self.key()
        return self.entered_by

    def _journal(self, interview_id: UUID, fence: Fence) -> MemoryJournal:
        return MemoryJournal(self.interview, fence)

    def _updates(self, interview_id: UUID, fence: Fence) -> MemoryUpdates:
        return MemoryUpdates(self.interview, fence)

    def said(self) -> str:
        captions = self.candidate.captions.values()
        return " ".join(c.text for c in captions if c.who == "interviewer")

    async def asked(self, text: str) -> None:
        await eventually(lambda: text in self.said(), within_s=30)
        await eventually(lambda: self.candidate.state == "listening", within_s=30)

    async def close(self) -> None:
        await self.candidate.leave()
        for bot in self.held:
            bot.cancel()
        await asyncio.gather(*self.held, return_exceptions=True)
