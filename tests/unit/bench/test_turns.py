"""The turn-taking benchmark's arithmetic, thinkers, lines, and its loop that runs ahead of time."""

from __future__ import annotations

import asyncio
import random
import time
from itertools import pairwise

import numpy as np
import pytest

from bench.turns.ahead import run_ahead
from bench.turns.lines import LEAD_S, PACKET, Sound, Stop, lost, spoken, through_opus
from bench.turns.outcomes import (
    REPLY_S,
    Outcome,
    Stopped,
    answers_cut,
    answers_cut_by,
    answers_cut_in,
    interval,
    outcome_of,
    pauses_cut,
    point_of,
)
from bench.turns.thinkers import (
    FITTED_VOICES,
    LONGEST_S,
    OPENERS,
    SHORTEST_S,
    Answer,
    Line,
    Part,
    Piece,
    Thinker,
    Where,
    thinkers,
)
from bench.voices import RATE_HZ, Samples
from questions.loader import starter_bank

SOUND = Sound(
    pcm=b"",
    stops=(Stop(Where.FILLER, 2.0, 3.0), Stop(Where.CLAUSE_END, 5.0, 7.0)),
    ends_s=9.0,
)
THINKER = Thinker(0, Part.REPORTED, "joe", Line.CLEAN, ())


def outcome(thinker: int, *, cut: bool, dead_air_s: float | None = 1.0) -> Outcome:
    stops = (Stopped(where=Where.FILLER, pause_s=1.0, ended=cut, cut=cut),)
    return Outcome(
        thinker=thinker, voice="joe", line="clean", stops=stops, stray=0, dead_air_s=dead_air_s
    )


def test_an_answer_whose_turn_ends_after_it_is_not_cut() -> None:
    found = outcome_of(THINKER, SOUND, [10.0])
    assert not found.cut
    assert found.dead_air_s == pytest.approx(1.0 + REPLY_S)


def test_each_pause_is_judged_also_after_a_cut() -> None:
    found = outcome_of(THINKER, SOUND, [2.9, 7.2, 10.0])
    assert [stop.ended for stop in found.stops] == [True, True]
    assert (found.ended_early, found.stray) == (True, 0)


def test_an_answer_is_cut_off_where_the_reply_begins_before_the_speech_goes_on() -> None:
    in_time = outcome_of(THINKER, SOUND, [3.0 - REPLY_S - 0.05, 10.0])
    too_late = outcome_of(THINKER, SOUND, [3.0 - REPLY_S + 0.05, 10.0])
    assert (in_time.cut, in_time.ended_early) == (True, True)
    assert (too_late.cut, too_late.ended_early) == (False, True)


def test_a_turn_that_ends_in_no_labelled_pause_cuts_the_answer_as_well() -> None:
    found = outcome_of(THINKER, SOUND, [4.0, 10.0])
    assert [stop.cut for stop in found.stops] == [False, False]
    assert (found.cut, found.stray) == (True, 1)


def test_an_answer_that_no_turn_end_follows_has_no_dead_air() -> None:
    assert outcome_of(THINKER, SOUND, []).dead_air_s is None


def test_a_point_counts_answers_and_takes_its_percentiles_of_those_that_ended() -> None:
    some = [outcome(at, cut=at == 0, dead_air_s=1.0 + at) for at in range(4)]
    point = point_of(0.5, [*some, outcome(4, cut=False, dead_air_s=None)])
    assert (point.answers.hits, point.answers.count, point.unended) == (1, 5, 1)
    assert (point.mean_s, point.p50_s, point.p95_s) == (2.5, 2.5, 4.0)


def test_pauses_are_counted_by_class_and_in_all() -> None:
    twice = Outcome(
        thinker=1,
        voice="joe",
        line="clean",
        stops=(
            Stopped(where=Where.CLAUSE_END, pause_s=1.0, ended=True, cut=True),
            Stopped(where=Where.FILLER, pause_s=1.0, ended=True, cut=False),
        ),
        stray=0,
        dead_air_s=1.0,
    )
    rates = {rate.name: (rate.hits, rate.count) for rate in pauses_cut([twice, twice])}
    assert rates == {"clause end": (2, 2), "after a filler": (0, 2), "all pauses": (2, 4)}
    assert pauses_cut([twice, twice], early=True)[-1].hits == 4
    having = {rate.name: (rate.hits, rate.count) for rate in answers_cut_in([twice, twice])}
    assert having == {"clause end": (2, 2), "after a filler": (0, 2)}


def test_answers_are_counted_by_group() -> None:
    rates = answers_cut_by([outcome(1, cut=True), outcome(2, cut=False)], lambda each: each.line)
    assert [(rate.name, rate.share) for rate in rates] == [("clean", 0.5)]


def test_intervals_resample_thinkers_and_not_answers() -> None:
    one_of_two = [(thinker, thinker == 1) for thinker in (1, 2) for _ in range(50)]
    assert interval(one_of_two) == (0.0, 1.0)
    spread = [(thinker, answer == 0) for thinker in range(50) for answer in range(2)]
    assert interval(spread) == (0.5, 0.5)
    assert answers_cut("none", []).share == 0.0


def test_thinkers_are_the_same_for_the_same_seed_and_share_nothing_across_parts() -> None:
    people = thinkers(starter_bank(), 60)
    assert people == thinkers(starter_bank(), 60)
    assert people != thinkers(starter_bank(), 60, seed=2)
    asked = {part: {a.slug for p in people if p.part is part for a in p.answers} for part in Part}
    heard = {part: {p.voice for p in people if p.part is part} for part in Part}
    assert asked[Part.FITTED].isdisjoint(asked[Part.REPORTED])
    assert heard[Part.FITTED] == set(FITTED_VOICES)
    assert len(heard[Part.REPORTED]) == 2
    assert heard[Part.FITTED].isdisjoint(heard[Part.REPORTED])


def test_three_hundred_answers_have_every_class_and_one_to_six_pauses() -> None:
    people = thinkers(starter_bank(), 300)
    answers = [answer for person in people for answer in person.answers]
    stops = [[piece for piece in answer.pieces if piece.where] for answer in answers]
    assert len(answers) == 300
    assert {piece.where for some in stops for piece in some} == set(Where)
    assert {len(some) for some in stops} == {1, 2, 3, 4, 5, 6}
    assert all(SHORTEST_S <= piece.pause_s <= LONGEST_S for some in stops for piece in some)
    assert {person.line for person in people} == set(Line)


def test_a_list_opens_only_where_a_sentence_begins() -> None:
    for person in thinkers(starter_bank(), 300):
        for piece in [piece for answer in person.answers for piece in answer.pieces]:
            if piece.where is Where.OPENER:
                opener = next(each for each in OPENERS if piece.text.endswith(each))
                before = piece.text.removesuffix(opener).strip()
                assert not before or before.endswith(".")


class Tone:
    """A voice that says every text as half a second of a tone."""

    def say(self, text: str) -> Samples:
        wave = 12_000 * np.sin(2 * np.pi * 300 * np.arange(RATE_HZ // 2) / RATE_HZ)
        return wave.astype(np.int16)


@pytest.mark.parametrize("line", list(Line))
def test_the_voice_stops_and_goes_on_where_the_labels_say(line: Line) -> None:
    answer = Answer("slug", (Piece("One.", Where.CLAUSE_END, 1.2), Piece("Two.")))
    sound = spoken(answer, Tone(), line, random.Random(2))
    heard = np.abs(np.frombuffer(sound.pcm, "<i2").astype(np.int32))
    loud = np.flatnonzero(heard > 2_000) / 16_000
    (stop,) = sound.stops
    assert loud[0] == pytest.approx(LEAD_S, abs=0.03)
    assert loud[loud < stop.begins_s + 0.5][-1] == pytest.approx(stop.begins_s, abs=0.03)
    assert loud[loud > stop.ends_s - 0.5][0] == pytest.approx(stop.ends_s, abs=0.03)
    assert loud[-1] == pytest.approx(sound.ends_s, abs=0.03)


def test_lost_packets_are_silence_and_the_rest_is_heard() -> None:
    tone = np.tile(Tone().say(""), 4)
    gone = [50 <= at < 60 for at in range(len(tone) // PACKET + 1)]
    heard = through_opus(tone, gone)
    assert len(heard) == len(tone)
    assert not heard[51 * PACKET : 59 * PACKET].any()
    assert np.abs(heard[70 * PACKET : 80 * PACKET]).max() > 6_000


def test_losses_come_in_bursts() -> None:
    gone = lost(20_000, random.Random(1))
    again = [after for before, after in pairwise(gone) if before]
    assert 0.03 < sum(gone) / len(gone) < 0.07
    assert 0.3 < sum(again) / len(again) < 0.5


def test_a_loop_ahead_of_time_keeps_the_order_and_waits_for_nothing() -> None:
    order: list[str] = []

    async def later(name: str, wait_s: float) -> float:
        await asyncio.sleep(wait_s)
        order.append(name)
        return asyncio.get_running_loop().time()

    async def everyone() -> tuple[float, float]:
        return await asyncio.gather(later("late", 900.0), later("soon", 0.5))

    began = time.monotonic()
    moments = run_ahead(everyone())
    assert order == ["soon", "late"]
    assert moments == pytest.approx((900.0, 0.5), abs=0.01)
    assert time.monotonic() - began < 5.0


def test_a_time_limit_ahead_of_time_is_over_when_its_moment_comes() -> None:
    async def limited() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3.0):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run_ahead(limited()) == pytest.approx(3.0, abs=0.01)
