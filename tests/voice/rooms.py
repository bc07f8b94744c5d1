"""A room: an interview in memory, a bot on the real pipeline, a candidate who speaks."""

from __future__ import annotations

import asyncio
import sys
import time
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.candidate import SimulatedCandidate
from bench.voices import Voice
from contracts.language import AsksModels
from contracts.manner import Manner
from contracts.questions import Difficulty, KeyPoint, Question
from contracts.turns import Speaker, TurnPurpose
from db.rows import Recording
from tests.voice.memory import MemoryInterview, Missing, nothing_missing
from tests.voice.reception import Reception
from tests.waiting import eventually
from voice.conversation import Conversation, ConversationSettings, Speech
from voice.recorder import RATE_HZ
from voice.script import Script

#: Above this amplitude (of 32767) a sample is heard.
VOICED = 400


class Terse(Script):
    """The script with a greeting that does not make a test wait."""

    def greeting(self, questions: int, minutes: int) -> str:
        return "System online. Let us begin."


def question(slug: str, prompt: str, *, follow_up: str = "Can you say more?") -> Question:
    return Question(
        slug=slug,
        topic="Basics",
        difficulty=Difficulty.EASY,
        prompt=prompt,
        rephrased=f"In other words: {prompt}",
        key_points=(KeyPoint(id="point", text="the point of it all", follow_up=follow_up),),
        model_answer="The point of it all, said in one sentence.",
    )


HASH = question("hash", "What is a hash table?", follow_up="How does it find a place?")
CACHE = question("cache", "What is a cache used for?")
QUEUE = question("queue", "What is a message queue good for?")
LONG = question(
    "long",
    "Suppose that a service of yours becomes slow every evening at the same hour and that nobody "
    "has changed anything for weeks. How would you go about finding out why this happens?",
)


class Room:
    def __init__(
        self, interview: MemoryInterview, reception: Reception, voice: Voice, recordings_url: str
    ) -> None:
        self.interview = interview
        self.reception = reception
        self.recordings_url = recordings_url
        self.told: list[tuple[float, dict[str, Any]]] = []
        self._voice = voice
        self.candidate = self._somebody()

    def _somebody(self) -> SimulatedCandidate:
        return SimulatedCandidate(
            self.reception.join,
            self._voice,
            said=lambda message: self.told.append((time.monotonic(), message)),
        )

    async def come_back(self) -> None:
        """The candidate opens the page again."""
        await self.candidate.leave()
        self.candidate = self._somebody()
        await self.candidate.join()

    async def listening(self, within_s: float = 30.0) -> None:
        """The bot has asked and is silent."""
        await eventually(lambda: self.candidate.state == "listening", within_s=within_s)

    async def asked(self, text: str, within_s: float = 30.0) -> None:
        """The bot has said this to its end, and waits for the answer."""
        await eventually(lambda: text in self.said(), within_s=within_s)
        await self.listening()

    async def speaking(self, text: str, for_s: float = 1.0) -> None:
        """The bot has been saying this for about a second, audibly."""
        await eventually(lambda: text in self.said(), within_s=30)
        ear = self.candidate.ear
        began = await eventually(lambda: ear.last_loud_at)
        await eventually(lambda: ear.last_loud_at - began > for_s)

    def said(self) -> str:
        """Everything the bot's captions show."""
        captions = self.candidate.captions.values()
        return " ".join(c.text for c in captions if c.who == "interviewer")

    def answer(self, number: int) -> str:
        """The text of a question's answer as it stands."""
        key = list(self.interview.questions)[number - 1]
        return self.interview.answer_text(key, 99)

    def bot_turns(self) -> list[str]:
        return [t.text for t in self.interview.turns if t.speaker is Speaker.INTERVIEWER]

    def recordings(self) -> list[Recording]:
        """As the database would hold them."""
        return [
            Recording(
                id=recording_id,
                interview_id=self.interview.id,
                url=url,
                started_at=self.interview.recorded_from[recording_id],
                duration_ms=None,
                complete=complete,
            )
            for recording_id, (url, complete) in self.interview.recordings.items()
        ]

    def purposes(self) -> list[TurnPurpose]:
        return [turn.purpose for turn in self.interview.turns]

    def report(self) -> str:
        """What happened, for a test that failed."""
        started = self.told[0][0] if self.told else 0.0
        told = [
            f"{at - started:7.2f} {message}"
            for at, message in self.told
            if message["type"] != "caption" or message["final"]
        ]
        turns = [f"{t.number} {t.speaker} {t.purpose} {t.text}" for t in self.interview.turns]
        return "\n".join([*told, *turns, str(self.interview.calls)])

    def when(self, kind: str, **fields: object) -> float | None:
        """When the page was first told such a message; monotonic seconds."""
        for at, message in self.told:
            if message.get("type") == kind and all(
                message.get(name) == value for name, value in fields.items()
            ):
                return at
        return None


def silent_after_ms(recording: str) -> float:
    """From the candidate's first voiced sample received to the last audible one the bot sent
    before it fell silent for half a second, on the recording's own clock."""
    with wave.open(recording) as file:
        sides = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    voiced = np.abs(sides.astype(np.int32)) > VOICED
    first = int(np.flatnonzero(voiced[:, 0])[0])
    last = first
    for place in np.flatnonzero(voiced[first:, 1]) + first:
        if place - last > RATE_HZ // 2:
            break
        last = int(place)
    return 1000 * (last - first) / RATE_HZ


class RoomFor:
    """Makes rooms; `close` empties them."""

    def __init__(self, speech: Speech, voice: Voice, folder: Path) -> None:
        self._speech = speech
        self._voice = voice
        self._folder = folder
        self._rooms: list[Room] = []

    def __call__(
        self,
        *questions: Question,
        missing: Missing = nothing_missing,
        patience_s: float = 0.8,
        voice: str | None = None,
        rehearse: Sequence[str] = (),
        recordings_url: str | None = None,
        model: AsksModels | None = None,
        **settings: float,
    ) -> Room:
        manner = Manner(patience_s=patience_s, voice=voice)
        interview = MemoryInterview(questions, missing=missing, manner=manner)
        reception = Reception(interview)
        where = recordings_url or str(self._folder / "recordings")
        reception.conversation = Conversation(
            self._speech,
            reception.journal,
            reception.updates,
            ConversationSettings(where, **settings),  # type: ignore[arg-type]  # all are seconds
            Terse(),
            model=model,
        )
        room = Room(interview, reception, self._voice, where)
        for text in rehearse:
            room.candidate.rehearse(text)
        self._rooms.append(room)
        return room

    async def close(self) -> None:
        for room in self._rooms:
            sys.stdout.write(room.report() + "\n")
            await room.candidate.leave()
            for hold in room.reception.held:
                hold.cancel()
            await asyncio.gather(*room.reception.held, return_exceptions=True)
