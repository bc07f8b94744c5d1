"""A spoken interview from its start to its report, by someone who does not give up.

Each answer is one sentence in one breath, with a word that no other has. The page offers again when
the line is lost; the candidate answers whatever is asked then. What was said is acknowledged when
the interviewer goes on over the same line; what was under way when the line was lost is unknown.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import httpx

from bench.candidate import SimulatedCandidate
from bench.chaos.candidate import OVER, PATIENCE_S, Candidate, Held, meaning
from bench.chaos.evidence import ANSWERS, Fault, Told
from bench.chaos.ledger import Ledger
from bench.interviewee import UNHEARD_S, Interviewee
from bench.room_candidate import RoomCandidate
from bench.visitor import Refused, Visitor
from bench.voices import Samples, ShiftedHeart

#: Recognised without fail in this sentence, by any of the bench's voices.
WORDS: Final = (
    "kangaroo", "elephant", "umbrella", "volcano", "penguin", "dolphin", "giraffe", "butterfly",
    "crocodile", "helicopter", "pumpkin", "chocolate",
)  # fmt: skip
_SENTENCE: Final = "The {} keeps every key that it was given in a small bucket of its own."
#: So short that a sentence is an answer: the next one comes when the next prompt does.
_PATIENCE_OF_BOT_S: Final = 1
#: A new browser is there as soon as that.
_NEW_BROWSER_S: Final = 1.0

T = TypeVar("T")


class Speaker(Candidate):
    """One question and its follow-ups, in a voice that the recogniser knows well."""

    def __init__(self, url: str, api_key: str, ledger: Ledger, canary: str) -> None:
        super().__init__(url, api_key, ledger, canary)
        self._words = list(WORDS)
        self._spoken: dict[str, Samples] = {}
        self._line: SimulatedCandidate | None = None
        self._talking: asyncio.Task[None] | None = None
        self._lost_browser = False
        self._back = asyncio.Event()
        self._links: list[SimulatedCandidate] = []

    async def hold(self) -> Held:
        """The whole interview. Raises TimeoutError when one step takes longer than PATIENCE_S."""
        self._spoken = await asyncio.to_thread(_rehearsed)
        link = await self._arrive(
            {"questions": ["hash-table-lookup"], "patience_s": _PATIENCE_OF_BOT_S}
        )
        while True:
            self._talking = asyncio.create_task(self._talk())
            with contextlib.suppress(asyncio.CancelledError):
                await self._talking
                break
            if not self._lost_browser:
                raise asyncio.CancelledError
            await self._open_again(link)
        await self._see_report()
        return self.held

    async def lose_browser(self) -> None:
        """As by SIGKILL: no goodbye, and nothing of it is remembered. Returns when another has
        opened the link. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_S):
            while self._line is None or not self._line.connected or self._talking is None:
                await asyncio.sleep(0.05)
            self._line.cut_line()
            self._lost_browser = True
            self._talking.cancel()
            await self._back.wait()

    def voice_again_s(self, fault: Fault) -> float | None:
        """From the fault to the first sound of the interviewer over a line offered after it; None
        when the line outlived it."""
        since = time.monotonic() - (datetime.now(UTC) - fault.began_at).total_seconds()
        for link in self._links:
            offers = [each.offered_at for each in link.lines if each.connected.is_set()]
            heard = [link.ear.next_onset(at) for at in offers if at > since]
            if heard and heard[0] is not None:
                return round(heard[0] - since, 2)
        return None

    async def _open_again(self, link: str) -> None:
        self._lost_browser = False
        await asyncio.sleep(_NEW_BROWSER_S)
        if self._visitor is not None:
            await self._visitor.close()
        self._visitor = await self._until(lambda: Visitor.open(link))
        self._back.set()

    async def _talk(self) -> None:
        line = self._line = self._new_line()
        self._links.append(line)
        try:
            await line.join(within_s=PATIENCE_S)
            await self._answer_all(Interviewee(self._opened, line))
        finally:
            await line.leave()

    def _new_line(self) -> SimulatedCandidate:
        async def offered(sdp: str) -> str:
            return await self._joined(lambda: self._opened.join(sdp))

        return SimulatedCandidate(offered, ShiftedHeart())

    @property
    def _opened(self) -> Visitor:
        if self._visitor is None:
            raise RuntimeError("nobody has come yet")
        return self._visitor

    async def _answer_all(self, person: Interviewee) -> None:
        while await self._is_asked(person):
            if not self._words:
                raise TimeoutError("the interviewer goes on asking")
            await self._say(person, self._words.pop(0))

    async def _is_asked(self, person: Interviewee) -> bool:
        """False: it is over, though the bot that was to say goodbye may have died before."""
        try:
            return await person.next_prompt(within_s=PATIENCE_S) is not None
        except TimeoutError:
            if (await person.status())["status"] in OVER:
                return False
            raise

    async def _say(self, person: Interviewee, word: str) -> None:
        place = (await person.status())["current_question"]
        if place is None:
            return
        lines, began = len(person.candidate.lines), time.monotonic()
        begun = self._ledger.invoke(
            self.held.interview_id, ANSWERS, str(uuid4()), 1, word=word, answer_id=uuid4(),
            question_id=UUID(place["question_id"]), revision=int(place["revision"]),
        )  # fmt: skip
        told = Told.UNKNOWN
        try:
            await person.candidate.say(self._spoken[word])
            while time.monotonic() - began < UNHEARD_S and len(person.candidate.lines) == lines:
                if _moved(place, await person.status()):
                    told = Told.OK
                    return
                await asyncio.sleep(0.1)
        finally:
            self._ledger.ended(begun, told)

    async def _joined(self, join: Callable[[], Awaitable[T]]) -> T:
        """A join, and its line in the ledger."""
        begun = self._ledger.invoke(self.held.interview_id, "join", str(uuid4()), 1)
        told = Told.UNKNOWN
        try:
            answer = await join()
            told = Told.OK
        except httpx.TransportError:
            raise
        except Refused as refusal:
            told, _ = meaning(refusal)
            raise
        finally:
            self._ledger.ended(begun, told)
        return answer


class RoomSpeaker(Speaker):
    """The same in a LiveKit room: who joins there needs a token, not a new bot."""

    def _new_line(self) -> SimulatedCandidate:
        async def enter() -> tuple[str, str]:
            return await self._joined(self._opened.enter)

        return RoomCandidate(enter, ShiftedHeart())


@cache
def _rehearsed() -> dict[str, Samples]:
    """Once for all trials, and not while a line is up, which would miss its pulse."""
    voice = ShiftedHeart()
    return {word: voice.say(_SENTENCE.format(word)) for word in WORDS}


def _moved(place: dict[str, Any], status: dict[str, Any]) -> bool:
    """The answer given at this place was taken."""
    if status["status"] in OVER:
        return True
    now = status["current_question"]
    return now is not None and any(now[name] != place[name] for name in ("question_id", "revision"))
