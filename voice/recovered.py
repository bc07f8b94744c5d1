"""What a bot had received and not yet recognised when it died, recognised from its recording.

Finished stretches of speech are turns; a sentence in progress exists in the recording alone, which
is written each half second. The next bot reads on from where the turns end and makes turns of it.
One that is only replaced listens on until its candidate has the new line: the next bot waits for
the last that it writes.

Nothing is there twice. Whoever recovers holds the fence, so the turns it has read are all that the
older bots will ever write: one that was frozen and thaws is refused with the same words. And a
turn's id follows from its place in the recording, so recovering again changes nothing.
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

import fsspec
import numpy as np
from pipecat.audio.vad.vad_analyzer import VADState

from contracts.errors import StaleFence
from contracts.questions import Question
from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose
from contracts.usage import Book
from voice.bot import Speech
from voice.controls import Control, recognise
from voice.engines import pieces
from voice.interruptions import is_backchannel
from voice.interviewer import Interviewer, Line
from voice.models import VoiceDetector
from voice.protocols import Journal, LeftRecording
from voice.recorder import (
    CHANNELS,
    FRAME_BYTES,
    HEADER_BYTES,
    RATE_HZ,
    WRITE_EVERY_S,
    wav_header,
)
from voice.script import Wording
from voice.speech import TAIL, Heard

_log = logging.getLogger("codevoice.voice")

#: Read at most; what a bot has not recognised is a segment (12 s) and what waits behind one.
LONGEST_S: Final = 60
#: Heard before the place where the turns end: the voice detector needs it to judge what follows.
LEAD_S: Final = 1.0
#: A voice that ends so soon after the last turn is the end of that turn's last word.
WORD_END_S: Final = 0.3
#: Of the 3 s that the candidate waits at most for all of this.
TOLD_WITHIN_S: Final = 1.0
#: Nobody writes a recording any more that was not written for so long.
UNWRITTEN_S: Final = WRITE_EVERY_S + 0.3
#: One that is still written then is read as it is. A new line is there a second after its bot.
WRITTEN_WITHIN_S: Final = 2.0
#: Silence around a stretch, as in the segments that the recogniser gets from a live line.
BEFORE_S: Final = 0.8
AFTER_S: Final = 0.2
#: What the voice detector judges at a time, in samples; counted from the recording's beginning, so
#: that a stretch begins at the same place whoever looks.
WINDOW: Final = 512


@dataclass(frozen=True)
class Tail:
    """The end of a recording's candidate side. Places are samples since the recording began:
    `pcm` begins at `begins`, and turns tell of everything before `known`."""

    pcm: bytes
    begins: int
    known: int

    @property
    def ends(self) -> int:
        return self.begins + len(self.pcm) // 2

    def cut(self, begins: int, ends: int) -> bytes:
        return self.pcm[2 * (begins - self.begins) : 2 * (ends - self.begins)]


@dataclass(frozen=True)
class Stretch:
    """Speech between two places. `torn`: the recording ends in the middle of it."""

    begins: int
    ends: int
    torn: bool = False


class Recovery:
    """One bot's. `interviewer` is there once the workflow has said where the interview is.

    `turns` are those that were known and, in order, those that were found and are written.
    """

    def __init__(
        self,
        speech: Speech,
        wording: Wording,
        journal: Journal,
        *,
        plan: Mapping[UUID, Question],
        turns: Sequence[Turn],
        interviewer: asyncio.Future[Interviewer],
        book: Book,
    ) -> None:
        """`book` is told of what a provider was asked."""
        self._speech = speech
        self._wording = wording
        self._journal = journal
        self._plan = plan
        self._interviewer = interviewer
        self._book = book
        self.turns = list(turns)

    async def run(self, left: Sequence[LeftRecording]) -> None:
        """May be cancelled at any point. What cannot be recovered is named in the log; raises
        StaleFence alone."""
        for recording in left:
            await self._recover(recording)

    async def _recover(self, recording: LeftRecording) -> None:
        """The recording is closed when all that it holds is written, and not before."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(WRITTEN_WITHIN_S):
                    await written(recording)
            tail = await asyncio.to_thread(read_tail, recording, self.turns)
            found = await self._speech_in(tail)
            told = await self._told(recording, found)
            for (stretch, pcm), words in zip(found, told, strict=True):
                heard = await self._heard(recording, stretch, pcm, words)
                if heard is not None:
                    turn = self._turn(recording, heard, await self._interviewer)
                    self.turns.append(await self._journal.add_turn(turn))
            duration_ms = 1000 * tail.ends // RATE_HZ
            await self._journal.close_left_recording(recording.id, duration_ms=duration_ms)
        except StaleFence:
            raise
        except Exception as failure:
            _log.warning("not recovered: recording %s: %s", recording.id, type(failure).__name__)

    async def _speech_in(self, tail: Tail) -> list[tuple[Stretch, bytes]]:
        detector = self._speech.models.voice_detector()
        try:
            found = await stretches(detector, tail)
        finally:
            await detector.cleanup()  # type: ignore[no-untyped-call]  # Pipecat's
        return [part for stretch in found for part in parts(stretch, tail)]

    async def _told(
        self, recording: LeftRecording, found: Sequence[tuple[Stretch, bytes]]
    ) -> list[str | None]:
        """The words that a provider tells, all asked for at once; None for each that it does not
        tell in time."""
        provider = self._speech.provider
        if provider is None or not found:
            return [None] * len(found)
        asked = [
            asyncio.create_task(
                provider.recognise(pcm, self._terms(recording, stretch), self._book)
            )
            for stretch, pcm in found
        ]
        try:
            await asyncio.wait(asked, timeout=TOLD_WITHIN_S)
            return [each.result() if each.done() else None for each in asked]
        finally:
            for each in asked:
                each.cancel()

    def _terms(self, recording: LeftRecording, stretch: Stretch) -> Sequence[str]:
        """Those of the question that it was said to."""
        asked = prompt_before(_at(recording, stretch.begins), self.turns)
        question = self._plan.get(asked.question_id) if asked and asked.question_id else None
        return question.key_terms if question else ()

    async def _heard(
        self, recording: LeftRecording, stretch: Stretch, pcm: bytes, told: str | None
    ) -> Heard | None:
        """None for a sound without words."""
        raw_text = told or await self._speech.engines.speech_to_text.transcribe(pcm + TAIL)
        # A torn stretch ends within a word: what the model makes of its half was not said.
        whole = " ".join(raw_text.split()[:-1]) if stretch.torn else raw_text
        if not whole:
            return None
        text = self._speech.repair.repair(whole, self._terms(recording, stretch))
        began_at, ended_at = _at(recording, stretch.begins), _at(recording, stretch.ends)
        return Heard(raw_text, text, began_at, ended_at)

    def _turn(self, recording: LeftRecording, heard: Heard, interviewer: Interviewer) -> Turn:
        """Words to the present question stand under its present revision."""
        snapshot = interviewer.snapshot
        asked = prompt_before(heard.started_at, self.turns)
        question_id = asked.question_id if asked else snapshot.cursor.question_id
        present = question_id is not None and question_id == snapshot.cursor.question_id
        offset = heard.started_at - recording.started_at
        offset_ms = round(offset / timedelta(milliseconds=1))
        return Turn(
            id=uuid5(recording.id, str(offset_ms)),
            interview_id=snapshot.interview_id,
            question_id=question_id,
            revision=snapshot.cursor.revision if present else None,
            speaker=Speaker.CANDIDATE,
            kind=TurnKind.SPOKEN,
            purpose=self._purpose(heard, asked, interviewer),
            text=heard.text,
            raw_text=heard.raw_text,
            started_at=heard.started_at,
            ended_at=heard.ended_at,
            recording_id=recording.id,
            recording_offset_ms=offset_ms,
        )

    def _purpose(self, heard: Heard, asked: Turn | None, interviewer: Interviewer) -> TurnPurpose:
        """An answer when it is no request in full and no nod, and the present prompt was the last
        one that the candidate had heard by then."""
        request = recognise(
            heard.text, confirming=self._confirming(heard.started_at), answering=True
        )
        aside = request is not None or is_backchannel(heard.text)
        prompt = () if interviewer.over else interviewer.prompt()
        answers = asked is not None and any(is_prompt(asked, line) for line in prompt)
        return TurnPurpose.ANSWER if answers and not aside else TurnPurpose.CONTROL

    def _confirming(self, at: datetime) -> Control | None:
        """What the interviewer had just asked back: then "no" is a reply."""
        said = _newest_before(at, (t for t in self.turns if t.speaker is Speaker.INTERVIEWER))
        asked_back = {
            self._wording.confirm_skip(): Control.SKIP,
            self._wording.confirm_finish(): Control.FINISH,
        }
        return asked_back.get(said.text) if said else None


def _at(recording: LeftRecording, place: int) -> datetime:
    return recording.started_at + timedelta(seconds=place / RATE_HZ)


async def written(recording: LeftRecording) -> None:
    """Returns when nobody writes it any more. Raises OSError when there is no file."""
    while True:
        left_s = UNWRITTEN_S - await asyncio.to_thread(_unwritten_for_s, recording)
        if left_s <= 0:
            return
        await asyncio.sleep(left_s)


def _unwritten_for_s(recording: LeftRecording) -> float:
    files, place = fsspec.core.url_to_fs(recording.url)
    since: timedelta = datetime.now(UTC) - files.modified(place)
    return since.total_seconds()


def read_tail(recording: LeftRecording, turns: Sequence[Turn]) -> Tail:
    """What the candidate said since the last spoken turn, at most a minute of it. Blocks.

    The header's length is not believed: its writer died. Raises OSError when the file cannot be
    read here, ValueError when it is no recording.
    """
    spoken = (t for t in turns if t.speaker is Speaker.CANDIDATE and t.kind is TurnKind.SPOKEN)
    known_s = max((_ends_s(turn, recording) for turn in spoken), default=0)
    with fsspec.open(recording.url, "rb") as file:
        header = file.read(HEADER_BYTES)
        if header[8:40] != wav_header(0)[8:40]:
            raise ValueError("not a recording of ours")
        frames = (file.seek(0, io.SEEK_END) - HEADER_BYTES) // FRAME_BYTES
        known = min(max(int(known_s * RATE_HZ), frames - LONGEST_S * RATE_HZ, 0), frames)
        begins = max(known - int(LEAD_S * RATE_HZ), 0) // WINDOW * WINDOW
        file.seek(HEADER_BYTES + begins * FRAME_BYTES)
        sides = file.read((frames - begins) * FRAME_BYTES)
    return Tail(np.frombuffer(sides, "<i2")[::CHANNELS].tobytes(), begins, known)


def _ends_s(turn: Turn, recording: LeftRecording) -> float:
    """Where it ends in the recording. By the clock when it belongs to no recording: its own had
    failed, though the file may hold it."""
    if turn.recording_id == recording.id and turn.recording_offset_ms is not None:
        return turn.recording_offset_ms / 1000 + (turn.ended_at - turn.started_at).total_seconds()
    return (turn.ended_at - recording.started_at).total_seconds()


async def stretches(detector: VoiceDetector, tail: Tail) -> list[Stretch]:
    """The speech in a tail of which no turn tells, by the live line's voice detector."""
    detector.set_sample_rate(RATE_HZ)
    found: list[Stretch] = []
    state, begins, silent = VADState.QUIET, tail.begins, tail.begins
    for place in range(tail.begins, tail.ends - WINDOW + 1, WINDOW):
        before, state = state, await detector.analyze_audio(tail.cut(place, place + WINDOW))
        if before is VADState.QUIET and state is VADState.STARTING:
            begins = place
        elif before is VADState.SPEAKING and state is VADState.STOPPING:
            silent = place
        elif before is VADState.STOPPING and state is VADState.QUIET:
            found.append(Stretch(begins, silent))
    if state is VADState.STOPPING:
        found.append(Stretch(begins, silent))
    elif state is VADState.SPEAKING:
        found.append(Stretch(begins, tail.ends, torn=True))
    told = tail.known + int(WORD_END_S * RATE_HZ)
    return [
        Stretch(max(each.begins, tail.known), each.ends, each.torn)
        for each in found
        if each.ends > told
    ]


def parts(stretch: Stretch, tail: Tail) -> Iterator[tuple[Stretch, bytes]]:
    """The stretch in pieces that the recogniser can take, with the silence around it."""
    place = max(stretch.begins - int(BEFORE_S * RATE_HZ), tail.known)
    ends = min(stretch.ends + int(AFTER_S * RATE_HZ), tail.ends)
    samples = np.frombuffer(tail.cut(place, ends), "<i2").astype(np.float32)
    for piece in pieces(samples):
        until = place + len(piece)
        said = Stretch(
            max(place, stretch.begins), min(until, stretch.ends), stretch.torn and until == ends
        )
        yield said, piece.astype("<i2").tobytes()
        place = until


def prompt_before(at: datetime, turns: Sequence[Turn]) -> Turn | None:
    """The prompt that the interviewer had put last by then, be it only begun."""
    asks = (TurnPurpose.QUESTION, TurnPurpose.FOLLOW_UP)
    return _newest_before(at, (turn for turn in turns if turn.purpose in asks))


def is_prompt(turn: Turn, line: Line) -> bool:
    """The turn put this prompt. A question may have several follow-ups, and a cut one is begun."""
    same = turn.question_id == line.question_id and turn.purpose is line.purpose
    return same and (turn.purpose is TurnPurpose.QUESTION or line.text.startswith(turn.text))


def _newest_before(at: datetime, turns: Iterator[Turn]) -> Turn | None:
    begun = (turn for turn in turns if turn.started_at < at)
    return max(begun, key=lambda turn: turn.started_at, default=None)
