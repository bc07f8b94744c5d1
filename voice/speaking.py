"""The bot's mouth: lines cut into sentences, spoken one after the other, and known to be heard.

Marks travel with the audio through speech synthesis and the output transport, in the same queues.
Where they come out, behind the transport, the audio before them has been sent. So a line is known
to have become audible, to have been heard to its end, or to have been cut, and from which sentence
it can be taken up again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import UUID

from pipecat.frames.frames import (
    ControlFrame,
    Frame,
    InterruptionFrame,
    OutputAudioRawFrame,
    TTSSpeakFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from uuid_utils.compat import uuid7

from contracts.turns import TurnPurpose
from voice.improvising import Draft
from voice.interviewer import Line
from voice.script import sentences
from voice.senses import Debt

#: Sentences handed to the pipeline ahead of the one that is audible, so that no gap opens between.
AHEAD: Final = 1
#: A prompt counts as heard from this share of it on: who speaks then answers it.
HEARD_SHARE: Final = 0.6
#: The voice's pace (Hibari `heart` at speed 1).
CHARACTERS_PER_S: Final = 15.0


@dataclass
class Spoken:
    """A line on its way. `begun` and `heard` count sentences: begun to be heard, heard to the end.

    `growing`: further sentences may come. `ended_at` is when it was heard to its end, or cut.
    """

    line: Line
    turn_id: UUID = field(default_factory=uuid7)
    pieces: list[str] = field(default_factory=list)
    growing: bool = False
    heard: int = 0
    begun: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    piece_at: datetime | None = None  # when the sentence begun last became audible

    @classmethod
    def of(cls, line: Line) -> Spoken:
        if line.draft:
            return cls(line, growing=True)
        return cls(line, pieces=sentences(line.text))

    @property
    def finished(self) -> bool:
        return not self.growing and self.heard >= len(self.pieces)

    @property
    def audible_text(self) -> str:
        """What has been said so far, to the end of the sentence that was begun last."""
        return " ".join(self.pieces[: max(self.begun, self.heard)])

    @property
    def share(self) -> float:
        """How much of the line was heard when it was cut, 0 to 1: whole sentences, and the time
        since the last one began at the voice's pace."""
        whole = max(sum(map(len, self.pieces)), len(self.line.text) if self.growing else 1)
        heard = float(sum(map(len, self.pieces[: self.heard])))
        if self.heard < self.begun and self.piece_at and self.ended_at:
            part = (self.ended_at - self.piece_at).total_seconds() * CHARACTERS_PER_S
            heard += min(part, len(self.pieces[self.heard]))
        return heard / whole


@dataclass
class SpeechMark(ControlFrame):
    """Stands before (`begins`) or behind a sentence's audio. Marks of an older round are void."""

    spoken: Spoken | None = None
    piece: int = 0
    begins: bool = True
    round: int = 0


class MouthListener(Protocol):
    def audible(self, spoken: Spoken) -> None:
        """A sentence has begun to be heard; `spoken.begun` counts it."""

    def said(self, spoken: Spoken) -> None:
        """The line was heard to its end."""

    def given_up(self, spoken: Spoken) -> None:
        """The line was cut and will not be taken up again."""

    def silent(self) -> None:
        """Everything was said."""


class Mouth:
    """Speaks lines in order. `push` hands frames to the pipeline, `interrupt` silences it at once.

    Lines that were cut, or that became due while the candidate spoke, are held until somebody
    decides whether they are said after all (`resume`) or not (`drop`).
    """

    def __init__(
        self,
        push: Callable[[Frame], Awaitable[None]],
        interrupt: Callable[[], Awaitable[None]],
        listener: MouthListener,
    ) -> None:
        self._push = push
        self._interrupt = interrupt
        self._listener = listener
        self._lines: deque[Spoken] = deque()
        self._pushed: deque[tuple[Spoken, int]] = deque()
        self._round = 0
        self._growing: set[asyncio.Task[None]] = set()
        self.held: list[Spoken] = []

    @property
    def speaking(self) -> bool:
        """Something is being said or about to be."""
        return bool(self._lines)

    @property
    def greeting(self) -> bool:
        """The first words are being said, or are held."""
        unsaid = (*self._lines, *self.held)
        return any(spoken.line.purpose is TurnPurpose.GREETING for spoken in unsaid)

    @property
    def cut_before_prompt(self) -> bool:
        """A prompt is held of which nothing was heard."""
        return any(spoken.line.asks and not spoken.begun for spoken in self.held)

    @property
    def cut_in_prompt(self) -> bool:
        """A prompt is held that was begun: who speaks into it has heard of it."""
        return any(spoken.line.asks and spoken.begun for spoken in self.held)

    @property
    def cut_after_prompt(self) -> bool:
        """A prompt is held of which so much was heard that it counts as asked."""
        return any(spoken.line.asks and spoken.share >= HEARD_SHARE for spoken in self.held)

    async def say(self, lines: Iterable[Line]) -> None:
        """Appends lines to what is being said."""
        self._lines.extend(map(self._begun, lines))
        await self._feed()

    def hold_back(self, lines: Iterable[Line]) -> None:
        """These are due, but not now."""
        self.held += map(self._begun, lines)

    def _begun(self, line: Line) -> Spoken:
        spoken = Spoken.of(line)
        if line.draft:
            task = asyncio.create_task(self._grow(spoken, line.draft))
            self._growing.add(task)
            task.add_done_callback(self._growing.discard)
        return spoken

    async def _grow(self, spoken: Spoken, draft: Draft) -> None:
        """The draft's sentences as they come, or the line as it is written where none does."""
        async for sentence in draft.sentences():
            spoken.pieces.append(sentence)
            await self._feed()
        spoken.pieces = spoken.pieces or sentences(spoken.line.text)
        spoken.growing = False
        await self._feed()

    def cut(self) -> None:
        """The pipeline was interrupted: what was not heard to its end is held."""
        self._round += 1
        for spoken in self._lines:
            spoken.ended_at = datetime.now(UTC)
        self.held += self._lines
        self._lines.clear()
        self._pushed.clear()

    async def resume(self) -> None:
        """Takes up what is held, each line from the sentence it was cut in."""
        held, self.held = self.held, []
        self._lines.extend(held)
        await self._feed()

    def drop(self) -> None:
        """Gives up what is held."""
        held, self.held = self.held, []
        for spoken in held:
            if spoken.line.draft:
                spoken.line.draft.close()
            self._listener.given_up(spoken)

    async def stop(self) -> None:
        """Silences the bot at once; nothing of what it was saying will be said."""
        if self._lines:
            self.cut()
            await self._interrupt()
        self.drop()

    async def passed(self, mark: SpeechMark) -> None:
        """A mark came out behind the transport."""
        spoken = mark.spoken
        if spoken is None or mark.round != self._round:
            return
        if mark.begins:
            spoken.begun = max(spoken.begun, mark.piece + 1)
            spoken.piece_at = datetime.now(UTC)
            spoken.started_at = spoken.started_at or spoken.piece_at
            self._listener.audible(spoken)
        else:
            spoken.heard = mark.piece + 1
            self._pushed.popleft()
        await self._feed()

    def _finish(self, spoken: Spoken) -> None:
        spoken.ended_at = datetime.now(UTC)
        self._lines.remove(spoken)
        self._listener.said(spoken)
        if not self._lines:
            self._listener.silent()

    async def _feed(self) -> None:
        """Keeps the sentence being spoken and the next one in the pipeline, and no more: whatever
        is cut then is known here."""
        while self._lines and self._lines[0].finished:
            self._finish(self._lines[0])
        while len(self._pushed) <= AHEAD and (following := self._following()) is not None:
            spoken, piece = following
            self._pushed.append(following)
            for frame in (
                SpeechMark(spoken=spoken, piece=piece, begins=True, round=self._round),
                TTSSpeakFrame(spoken.pieces[piece]),
                SpeechMark(spoken=spoken, piece=piece, begins=False, round=self._round),
            ):
                await self._push(frame)

    def _following(self) -> tuple[Spoken, int] | None:
        pushed = {(id(spoken), piece) for spoken, piece in self._pushed}
        for spoken in self._lines:
            for piece in range(spoken.heard, len(spoken.pieces)):
                if (id(spoken), piece) not in pushed:
                    return spoken, piece
            if spoken.growing:
                return None  # its next sentence comes before any other line
        return None


class Ear(FrameProcessor):
    """Behind the output transport: tells the mouth what the candidate can hear.

    A mark that begins a sentence is passed on with the sentence's first audio, which settles the
    debt of `sound`.
    """

    def __init__(self, passed: Callable[[SpeechMark], Awaitable[None]], sound: Debt) -> None:
        super().__init__()
        self._passed = passed
        self._sound = sound
        self._begins: SpeechMark | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, SpeechMark):
            if frame.begins:
                self._begins = frame
            else:
                # A sentence that made no sound counts as said: the bot must not hang on it.
                await self._audible()
                await self._passed(frame)
            return
        if isinstance(frame, OutputAudioRawFrame):
            self._sound.settle()
            await self._audible()
        elif isinstance(frame, InterruptionFrame):
            self._sound.settle()
        await self.push_frame(frame, direction)

    async def _audible(self) -> None:
        if self._begins is not None:
            begins, self._begins = self._begins, None
            await self._passed(begins)
