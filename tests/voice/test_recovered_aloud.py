"""The conversation that follows a dead bot: what was recovered is told and gone on from."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, ClassVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from contracts.conversation import ConversationEnd
from contracts.interview import JoinPurpose
from contracts.turns import TurnPurpose
from tests.voice.dead import (
    BUCKET,
    TABLE,
    Narrow,
    killed,
    silence,
)
from tests.voice.rooms import HASH, RoomFor
from voice.conversation import Speech


async def test_the_next_bot_says_that_it_is_kept_and_the_words_are_joined(
    room_for: RoomFor, voice: Narrow, speech: Speech, tmp_path: Path
) -> None:
    room = room_for(HASH, rehearse=(BUCKET,))
    dead = killed(room, tmp_path, speech)
    await dead.asked()
    await dead.left(silence(1), voice.say(TABLE), silence(0.3))

    await room.candidate.join()
    await room.asked("What you said so far is kept, so please go on from there.")
    await room.candidate.ask(BUCKET)
    assert (await room.reception.result()).end is ConversationEnd.FINISHED

    assert room.answer(1) == f"{TABLE} {BUCKET}"
    assert room.interview.answers[next(iter(room.interview.questions)), 1][1] == room.answer(1)
    purposes = room.purposes()
    assert purposes.index(TurnPurpose.ANSWER) < purposes.index(TurnPurpose.RESUME)
    assert [complete for _, complete in room.interview.recordings.values()] == [False, True]
    assert room.candidate.joined_in_s is not None


class Hanging(LocalFileSystem):  # type: ignore[misc]  # fsspec has no annotations
    """A storage that does not answer before it is told to."""

    protocol: ClassVar[str] = "hanging"
    cachable = False
    answers: ClassVar[threading.Event] = threading.Event()

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        self.answers.wait(60)
        raise OSError("gone")


async def test_a_storage_that_hangs_is_not_waited_for(
    room_for: RoomFor, speech: Speech, tmp_path: Path
) -> None:
    fsspec.register_implementation("hanging", Hanging, clobber=True)
    Hanging.answers.clear()
    room = room_for(HASH)
    dead = killed(room, tmp_path, speech)
    await dead.asked()
    await dead.journal.begin_recording(dead.recording_id, "hanging://x.wav", dead.began)
    try:
        await room.candidate.join()
        await room.asked("Welcome back. We were at question 1.", within_s=10)
        assert "is kept" not in room.said()
        assert dead.closed is None
    finally:
        Hanging.answers.set()


async def test_the_device_check_recovers_nothing(
    room_for: RoomFor, voice: Narrow, speech: Speech, tmp_path: Path
) -> None:
    room = room_for(HASH, check_lasts_s=20.0)
    room.reception.purpose = JoinPurpose.CHECK
    dead = killed(room, tmp_path, speech)
    await dead.left(silence(1), voice.say(TABLE), silence(1))
    await room.candidate.join()
    await room.candidate.listen(quiet_s=0.8)
    await room.candidate.leave()
    await room.reception.result(within_s=10)
    assert room.interview.turns == []
    assert dead.closed is None
