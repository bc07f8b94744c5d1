"""What became of answers: cut off or not, where, and how long the silence after them was. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import Final

import numpy as np
from pydantic import BaseModel

from bench.figures import median, p95
from bench.turns.lines import Sound
from bench.turns.thinkers import Thinker, Where

#: A turn that ends so soon after a pause ended still ended for it: a voice is noticed that late.
NOTICED_S: Final = 0.3
#: From a turn's end to the first voiced frame of the reply, at the bot's edge (`make bench`).
REPLY_S: Final = 0.15
RESAMPLED: Final = 2000


class Stopped(BaseModel):
    """One pause. `ended`: the turn ended in it, or before the speech after it was noticed; `cut`:
    so early that the reply began before the speech went on.
    """

    where: Where
    pause_s: float
    ended: bool
    cut: bool


class Outcome(BaseModel):
    """One answer before one detector. `stray` turns ended in no labelled pause but in a silence of
    the voice itself; how long it went on is not known, so they count as cut. `dead_air_s` is None
    when no turn ended after the answer.
    """

    thinker: int
    voice: str
    line: str
    stops: tuple[Stopped, ...]
    stray: int
    dead_air_s: float | None

    @property
    def cut(self) -> bool:
        """The reply began before the answer went on."""
        return self.stray > 0 or any(stop.cut for stop in self.stops)

    @property
    def ended_early(self) -> bool:
        """A turn ended before the answer's last word, heard or not."""
        return self.stray > 0 or any(stop.ended for stop in self.stops)


class Rate(BaseModel):
    """`hits` of `count`, with the 95 % interval that resampling thinkers gives."""

    name: str
    hits: int
    count: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return self.hits / self.count if self.count else 0.0


class Point(BaseModel):
    """One detector with one wait, over one part: answers cut off, and those whose turn ended before
    their last word, which is at least as many.
    """

    wait_s: float
    answers: Rate
    ended_early: Rate
    mean_s: float
    p50_s: float
    p95_s: float
    unended: int


def outcome_of(thinker: Thinker, sound: Sound, ends: Sequence[float]) -> Outcome:
    """`ends` are the moments at which turns ended. One before the answer's end is one too many."""
    early = [end for end in ends if end < sound.ends_s]
    after = [end for end in ends if end >= sound.ends_s]
    stops = tuple(
        Stopped(
            where=stop.where,
            pause_s=round(stop.ends_s - stop.begins_s, 3),
            ended=any(_within(stop.begins_s, stop.ends_s, end) for end in early),
            cut=any(stop.begins_s <= end < stop.ends_s - REPLY_S for end in early),
        )
        for stop in sound.stops
    )
    stray = sum(
        not any(_within(stop.begins_s, stop.ends_s, end) for stop in sound.stops) for end in early
    )
    return Outcome(
        thinker=thinker.number,
        voice=thinker.voice,
        line=thinker.line.value,
        stops=stops,
        stray=stray,
        dead_air_s=after[0] - sound.ends_s + REPLY_S if after else None,
    )


def _within(begins_s: float, ends_s: float, moment_s: float) -> bool:
    return begins_s <= moment_s < ends_s + NOTICED_S


def point_of(wait_s: float, outcomes: Sequence[Outcome]) -> Point:
    waits = [each.dead_air_s for each in outcomes if each.dead_air_s is not None]
    return Point(
        wait_s=wait_s,
        answers=answers_cut("answers", outcomes),
        ended_early=_rate(
            "answers ended early", [(each.thinker, each.ended_early) for each in outcomes]
        ),
        mean_s=round(fmean(waits), 3),
        p50_s=median(waits),
        p95_s=p95(waits),
        unended=len(outcomes) - len(waits),
    )


def answers_cut(name: str, outcomes: Iterable[Outcome]) -> Rate:
    return _rate(name, [(each.thinker, each.cut) for each in outcomes])


def answers_cut_by(
    outcomes: Sequence[Outcome], group: Callable[[Outcome], str]
) -> tuple[Rate, ...]:
    names = sorted({group(each) for each in outcomes})
    return tuple(
        answers_cut(name, [each for each in outcomes if group(each) == name]) for name in names
    )


def answers_cut_in(outcomes: Sequence[Outcome]) -> tuple[Rate, ...]:
    """By class of pause: of the answers that have one, those cut off in it."""
    rates = []
    for where in Where:
        having = [
            (each.thinker, any(stop.cut for stop in each.stops if stop.where is where))
            for each in outcomes
            if any(stop.where is where for stop in each.stops)
        ]
        if having:
            rates.append(_rate(where.value, having))
    return tuple(rates)


def pauses_cut(outcomes: Sequence[Outcome], *, early: bool = False) -> tuple[Rate, ...]:
    """Per pause: by class, then in all. `early` counts those in which the turn ended instead."""
    by_class: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for each in outcomes:
        for stop in each.stops:
            hit = stop.ended if early else stop.cut
            by_class[stop.where.value].append((each.thinker, hit))
    every = [one for some in by_class.values() for one in some]
    rates = [_rate(where.value, by_class[where.value]) for where in Where if by_class[where.value]]
    return (*rates, _rate("all pauses", every))


def _rate(name: str, cuts: Sequence[tuple[int, bool]]) -> Rate:
    low, high = interval(cuts)
    hits = sum(cut for _, cut in cuts)
    return Rate(name=name, hits=hits, count=len(cuts), low=low, high=high)


def interval(cuts: Sequence[tuple[int, bool]]) -> tuple[float, float]:
    """The middle 95 % of the share when thinkers, each with all that is theirs, are drawn anew."""
    if not cuts:
        return 0.0, 0.0
    thinkers = sorted({thinker for thinker, _ in cuts})
    place = {thinker: at for at, thinker in enumerate(thinkers)}
    hits, counts = np.zeros(len(thinkers)), np.zeros(len(thinkers))
    for thinker, cut in cuts:
        hits[place[thinker]] += cut
        counts[place[thinker]] += 1
    drawn = np.random.default_rng(7).integers(0, len(thinkers), (RESAMPLED, len(thinkers)))
    shares = hits[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return round(float(low), 4), round(float(high), 4)
