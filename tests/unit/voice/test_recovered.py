"""Where recovering begins and ends in a recording, and to which prompt words were said."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from uuid_utils.compat import uuid7

from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose
from voice.interviewer import Line
from voice.recorder import OPEN_ENDED, RATE_HZ, wav_header
from voice.recovered import Stretch, Tail, is_prompt, parts, prompt_before, read_tail

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
QUESTION, OTHER = uuid7(), uuid7()


@dataclass(frozen=True)
class Left:
    url: str
    id: UUID = field(default_factory=uuid7)
    started_at: datetime = BEGAN


def counting(folder: Path, seconds: int, *, header: int = OPEN_ENDED, more: bytes = b"") -> Left:
    """The candidate counts the seconds, the interviewer is at -5."""
    sides = np.full((seconds * RATE_HZ, 2), -5, "<i2")
    sides[:, 0] = np.arange(seconds * RATE_HZ) // RATE_HZ
    path = folder / "left.wav"
    path.write_bytes(wav_header(header) + sides.tobytes() + more)
    return Left(str(path))


def turn(begins_s: float, ends_s: float, **changes: Any) -> Turn:
    fields: dict[str, Any] = {
        "id": uuid7(),
        "interview_id": uuid7(),
        "question_id": QUESTION,
        "speaker": Speaker.CANDIDATE,
        "kind": TurnKind.SPOKEN,
        "purpose": TurnPurpose.ANSWER,
        "text": "words",
        "started_at": BEGAN + timedelta(seconds=begins_s),
        "ended_at": BEGAN + timedelta(seconds=ends_s),
    }
    return Turn.model_validate(fields | changes)


def asked(at_s: float, **changes: Any) -> Turn:
    put = {"speaker": Speaker.INTERVIEWER, "purpose": TurnPurpose.QUESTION}
    return turn(at_s, at_s + 2, **(put | changes))


def heard(tail: Tail) -> set[int]:
    return set(np.frombuffer(tail.pcm, "<i2").tolist())


def test_without_turns_everything_is_read(tmp_path: Path) -> None:
    tail = read_tail(counting(tmp_path, 4), [])
    assert (tail.begins, tail.known, tail.ends) == (0, 0, 4 * RATE_HZ)
    assert heard(tail) == {0, 1, 2, 3}


def test_it_goes_on_where_the_newest_spoken_turn_ends(tmp_path: Path) -> None:
    """With a second before it for the voice detector. The interviewer's turns, typed ones and
    CONTROLs count as what they are."""
    turns = [
        turn(1, 3),
        turn(4, 5.5, purpose=TurnPurpose.CONTROL),
        turn(6, 7, kind=TurnKind.TYPED),
        asked(6),
    ]
    tail = read_tail(counting(tmp_path, 8), turns)
    assert tail.known == int(5.5 * RATE_HZ)
    assert tail.begins == pytest.approx(4.5 * RATE_HZ, abs=512)
    assert heard(tail) == {4, 5, 6, 7}


def test_when_words_have_followed_elsewhere_nothing_is_left_to_tell(tmp_path: Path) -> None:
    tail = read_tail(counting(tmp_path, 3), [turn(60, 62)])
    assert tail.known == tail.ends == 3 * RATE_HZ


@pytest.mark.parametrize(("header", "more"), [(0, b""), (OPEN_ENDED, b"abc"), (0x1000_0000, b"")])
def test_the_header_s_length_and_a_torn_frame_do_not_matter(
    tmp_path: Path, header: int, more: bytes
) -> None:
    tail = read_tail(counting(tmp_path, 3, header=header, more=more), [])
    assert tail.ends == 3 * RATE_HZ


def test_at_most_a_minute_is_told_of(tmp_path: Path) -> None:
    tail = read_tail(counting(tmp_path, 90), [turn(2, 3)])
    assert (tail.known, tail.ends) == (30 * RATE_HZ, 90 * RATE_HZ)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"x" * 200])
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "left.wav"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a recording"):
        read_tail(Left(str(path)), [])
    with pytest.raises(OSError):
        read_tail(Left(str(tmp_path / "none.wav")), [])


def test_a_stretch_has_silence_around_it_but_nothing_that_is_known() -> None:
    tail = Tail(bytes(2 * 10 * RATE_HZ), 0, known=2 * RATE_HZ)
    ((said, pcm),) = parts(Stretch(int(2.3 * RATE_HZ), 5 * RATE_HZ), tail)
    assert said == Stretch(int(2.3 * RATE_HZ), 5 * RATE_HZ)
    assert len(pcm) == 2 * int(3.2 * RATE_HZ)


def test_only_the_last_part_of_a_torn_stretch_is_torn() -> None:
    tail = Tail(bytes(2 * 40 * RATE_HZ), 0, known=0)
    cut = list(parts(Stretch(0, 40 * RATE_HZ, torn=True), tail))
    assert [said.torn for said, _ in cut] == [False] * (len(cut) - 1) + [True]
    assert max(len(pcm) for _, pcm in cut) <= 2 * 15 * RATE_HZ
    assert [said.begins for said, _ in cut[1:]] == [said.ends for said, _ in cut[:-1]]


def test_words_answer_the_prompt_that_was_put_last_before_them() -> None:
    first, second = asked(1), asked(20, question_id=OTHER)
    ack = asked(30, purpose=TurnPurpose.ACKNOWLEDGEMENT)
    for at_s, expected in ((0.5, None), (5, first), (25, second), (40, second)):
        at = BEGAN + timedelta(seconds=at_s)
        assert prompt_before(at, [second, first, ack, turn(3, 4)]) == expected


def test_a_prompt_is_known_by_its_question_and_a_follow_up_by_its_words() -> None:
    question = Line(TurnPurpose.QUESTION, "Question one. What is it?", QUESTION, asks=True)
    assert is_prompt(asked(1, text="What is it?"), question)
    assert not is_prompt(asked(1, question_id=OTHER), question)

    follow_up = Line(TurnPurpose.FOLLOW_UP, "How so? Say more.", QUESTION, asks=True)
    follows = {"purpose": TurnPurpose.FOLLOW_UP}
    assert is_prompt(asked(1, text="How so? Say more.", **follows), follow_up)
    assert is_prompt(asked(1, text="How so?", **follows), follow_up)
    assert not is_prompt(asked(1, text="And what else?", **follows), follow_up)
    assert not is_prompt(asked(1, text="What is it?"), follow_up)
