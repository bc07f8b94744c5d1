"""The figures of a conversation whose every sound is known."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from contracts.conduct import Conduct
from contracts.turns import Speaker, Turn, TurnPurpose
from tests.unit.voice.recordings import Recording, Sounds, recorded, said
from voice.conduct import spread
from voice.joined import lay_out
from voice.scorer import score
from voice.voiced import Loudness, stretches

BOT, CANDIDATE = Speaker.INTERVIEWER, Speaker.CANDIDATE
FIRST, SECOND = uuid4(), uuid4()
ASK, ACK, PROMPT = TurnPurpose.QUESTION, TurnPurpose.ACKNOWLEDGEMENT, TurnPurpose.PROMPT


def sounding(*spans: tuple[float, float]) -> Sounds:
    return tuple((begins, ends, 5000) for begins, ends in spans)


def scored(recordings: list[Recording], *turns: Turn) -> Conduct:
    whole = lay_out(uuid4(), "unused", recordings)
    assert whole is not None
    return score(whole, turns, Loudness())


def test_a_polite_conversation(tmp_path: Path) -> None:
    """Asked at 1, answered 3.5 to 6; asked at 7.25, answered 10 to 12; thanked at 14."""
    recording = recorded(
        tmp_path,
        16,
        candidate=sounding((3.5, 6), (10, 11), (11.3, 12)),
        interviewer=sounding((1, 3), (7.25, 9), (14, 15)),
    )
    found = scored(
        [recording],
        said(recording, BOT, 1, 3, purpose=ASK, question=FIRST),
        said(recording, CANDIDATE, 3.4, 6.1, question=FIRST),
        said(recording, BOT, 7.2, 9, purpose=ASK, question=SECOND),
        said(recording, CANDIDATE, 10, 12, question=SECOND),
        said(recording, BOT, 14, 15, purpose=ACK),
    )
    assert (found.wait.count, found.wait.median_s, found.wait.p95_s) == (2, 1.62, 2.0)
    assert (found.talk_over_s, found.cut_offs, found.barge_in.count) == (0, 0, 0)
    assert found.answers == 2


def test_an_answer_that_goes_on_was_cut_off(tmp_path: Path) -> None:
    """Answered from 2; the interviewer thanks at 5.5, the answer goes on at 6, it is silent at 6.2;
    then again in mid-sentence: it begins at 9 while the answer lasts from 8 to 10."""
    recording = recorded(
        tmp_path,
        14,
        candidate=sounding((2, 4.5), (6, 7), (8, 10)),
        interviewer=sounding((0, 1), (5.5, 6.2), (9, 9.4), (12, 13)),
    )
    answers = [
        said(recording, CANDIDATE, begins, ends, question=FIRST)
        for begins, ends in ((2, 4.5), (6, 7), (8, 10))
    ]
    found = scored([recording], said(recording, BOT, 5.5, 6.2, purpose=ACK), *answers)
    assert found.cut_offs == 2
    assert found.talk_over_s == pytest.approx(0.2 + 0.4, abs=0.021)
    assert found.barge_in.count == 0, "going on is no barge-in"
    assert (found.wait.count, found.wait.median_s) == (1, 2.0)


def test_words_to_the_next_question_are_no_sign_of_a_cut_off(tmp_path: Path) -> None:
    recording = recorded(
        tmp_path, 9, candidate=sounding((1, 3), (5.2, 7)), interviewer=sounding((4.5, 5.6))
    )
    found = scored(
        [recording],
        said(recording, CANDIDATE, 1, 3, question=FIRST),
        said(recording, BOT, 4.5, 5.6, purpose=ASK, question=SECOND),
        said(recording, CANDIDATE, 5.2, 7, question=SECOND),
    )
    assert (found.cut_offs, found.wait.count, found.wait.median_s) == (0, 1, 1.5)
    assert found.barge_in.count == 1
    assert found.barge_in.median_s == pytest.approx(0.4, abs=0.011)


def test_a_barge_in_lasts_until_the_interviewer_is_silent(tmp_path: Path) -> None:
    recording = recorded(
        tmp_path, 9, candidate=sounding((3, 5)), interviewer=sounding((1, 2), (2.1, 3.25), (7, 8))
    )
    found = scored(
        [recording], said(recording, CANDIDATE, 3, 5, text="Wait, please say that again.")
    )
    assert found.barge_in.count == 1
    assert found.barge_in.median_s == pytest.approx(0.25, abs=0.011)
    assert found.talk_over_s == pytest.approx(0.25, abs=0.011)


@pytest.mark.parametrize("text", ["Mm-hm.", None], ids=["a nod", "a noise"])
def test_who_nods_over_the_interviewer_does_not_barge_in(tmp_path: Path, text: str | None) -> None:
    recording = recorded(tmp_path, 9, sounding((3, 3.5)), sounding((1, 6)))
    turns = [said(recording, CANDIDATE, 3, 3.5, text=text)] if text else []
    found = scored([recording], *turns)
    assert found.barge_in.count == 0
    assert found.talk_over_s == pytest.approx(0.5, abs=0.011)


def test_a_word_into_a_long_silence_is_no_wait_and_cuts_nobody_off(tmp_path: Path) -> None:
    recording = recorded(
        tmp_path, 20, candidate=sounding((1, 3), (13.4, 15)), interviewer=sounding((13, 14))
    )
    found = scored(
        [recording],
        said(recording, CANDIDATE, 1, 3, question=FIRST),
        said(recording, BOT, 13, 14, purpose=PROMPT),
        said(recording, CANDIDATE, 13.4, 15, question=FIRST),
    )
    assert (found.wait.count, found.cut_offs) == (0, 0)


def test_nobody_waited_between_two_conversations(tmp_path: Path) -> None:
    lost = recorded(tmp_path, 4, candidate=sounding((1, 3)))
    next_one = recorded(tmp_path, 6, sounding((2, 3)), sounding((1, 1.5), (4, 5)), after_s=9)
    found = scored(
        [lost, next_one],
        said(lost, CANDIDATE, 1, 3, question=FIRST),
        said(next_one, CANDIDATE, 2, 3, question=FIRST),
    )
    assert (found.wait.count, found.wait.median_s) == (1, 1.0)


def test_where_nobody_spoke_there_are_no_figures(tmp_path: Path) -> None:
    found = scored([recorded(tmp_path, 5)])
    assert found.wait.median_s is None
    assert found.barge_in.p95_s is None
    assert (found.answers, found.talk_over_s, found.cut_offs) == (0, 0, 0)


def test_loudness_does_not_depend_on_how_the_sound_is_cut() -> None:
    sound = np.random.default_rng(2).integers(-800, 800, 16_000, np.int16)
    sound[:8000] //= 4
    whole, pieces = Loudness(), Loudness()
    whole.hear(sound)
    for place in range(0, len(sound), 777):
        pieces.hear(sound[place : place + 777])
    assert np.array_equal(whole.heard(), pieces.heard())
    assert stretches(whole.heard(), 0.1) == [(50, 100)]


def test_the_highest_of_few_is_their_95th_percentile() -> None:
    assert spread([3.0, 1.0, 2.0]).p95_s == 3.0
    assert spread([*[1.0] * 19, 9.0]).p95_s == 1.0
