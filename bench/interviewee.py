"""A simulated candidate in one interview: link, consent, line, and knowing when it is asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx

from bench.candidate import SimulatedCandidate
from bench.visitor import Visitor
from bench.voices import Voice
from contracts.errors import CodeVoiceError
from contracts.interview import InterviewStatus

#: Longer than the silence between two sentences of the interviewer.
QUIET_S: Final = 1.0
#: Longer than the longest patience: what was said then was not taken as an answer.
UNHEARD_S: Final = 30.0
OVER: Final = {status.value for status in InterviewStatus if status.ended} | {"grading"}


class Interviewee:
    """`visitor` is its browser, `candidate` its microphone and ear."""

    def __init__(self, visitor: Visitor, candidate: SimulatedCandidate) -> None:
        self.visitor = visitor
        self.candidate = candidate
        self._answered: tuple[str, int, int] | None = None

    async def next_prompt(self, *, within_s: float = 90.0) -> str | None:
        """The words of the next prompt once they were spoken; None when the interview is over.

        A prompt counts as the next one too when it was asked again after a lost line, and when the
        interviewer still waits long after what was said. Raises TimeoutError when none comes.
        """
        waits_since = time.monotonic()
        async with asyncio.timeout(within_s):
            while self.candidate.ended is None:
                status = await self.status()
                if status["status"] in OVER:
                    await self.farewell()
                    return None
                question: dict[str, Any] | None = status["current_question"]
                if question and not status["assessing"] and self._is_asked():
                    place = (question["question_id"], question["revision"], self._lines)
                    unheard = time.monotonic() - waits_since > UNHEARD_S
                    if place != self._answered or unheard:
                        self._answered = place
                        return str(question["text"])
                await asyncio.sleep(0.1)
        return None

    def stay(self) -> None:
        """What is said from here on still answers the last prompt, although the line is new."""
        if self._answered:
            self._answered = (*self._answered[:2], self._lines)

    @property
    def _lines(self) -> int:
        return sum(line.connected.is_set() for line in self.candidate.lines)

    async def farewell(self, *, within_s: float = 30.0) -> None:
        """Returns when the bot has ended the conversation."""
        async with asyncio.timeout(within_s):
            while self.candidate.ended is None:
                await asyncio.sleep(0.05)

    async def status(self) -> dict[str, Any]:
        """Asked again while the service is coming back."""
        while True:
            try:
                return await self.visitor.status()
            except (httpx.TransportError, CodeVoiceError):
                await asyncio.sleep(0.2)

    async def voice_again(self, since: float, *, within_s: float = 60.0) -> float:
        """The moment (monotonic) at which the bot was first heard after `since`."""
        async with asyncio.timeout(within_s):
            while (heard_at := self.candidate.ear.next_onset(since)) is None:
                await asyncio.sleep(0.02)
        return heard_at

    def _is_asked(self) -> bool:
        """It has spoken on this line, and is silent now."""
        spoke_at = self.candidate.ear.last_loud_at
        quiet = time.monotonic() - spoke_at > QUIET_S and self.candidate.state == "listening"
        return quiet and spoke_at > self.candidate.lines[-1].offered_at


Said = Callable[[dict[str, Any]], None]


async def _candidate(visitor: Visitor, voice: Voice, said: Said | None) -> SimulatedCandidate:
    """Comes by the way on which this interview is held."""
    if (await visitor.status())["transport"] == "direct":
        return SimulatedCandidate(visitor.join, voice, said=said)
    from bench.room_candidate import RoomCandidate

    return RoomCandidate(visitor.enter, voice, said=said)


@asynccontextmanager
async def interviewee(
    join_url: str, voice: Voice, said: Said | None = None
) -> AsyncIterator[Interviewee]:
    """Opens the link, agrees, joins; hangs up at the end."""
    visitor = await Visitor.open(join_url)
    candidate = await _candidate(visitor, voice, said)
    try:
        await visitor.agree()
        await candidate.join()
        yield Interviewee(visitor, candidate)
    finally:
        await candidate.leave()
        await visitor.close()
