"""The turn-taking report: curves, classes, goals; as page, JSON and picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from jinja2 import Environment, FileSystemLoader
from pydantic import BaseModel

from bench.drawing import style, without_script
from bench.figures import Figure, Machine
from bench.turns.deciding import SCORE_S, Detector
from bench.turns.outcomes import (
    Outcome,
    Point,
    Rate,
    answers_cut_by,
    answers_cut_in,
    pauses_cut,
    point_of,
)
from bench.turns.thinkers import Part, Where
from voice.pauses import Patience

#: The goals of the product.
CUT_AT_MOST, P50_AT_MOST_S, P95_AT_MOST_S = 0.05, 1.2, 2.5
NOT_COVERED: Final = (
    "Thinkers are synthetic: synthesised speech lacks cues that a person gives, and how often and "
    "how long they pause was chosen by us. The figures compare detectors; they are no forecast.",
    "Intervals come from resampling thinkers. Voices are few: what an unheard voice does is not in "
    "them.",
    "Cut off means that the reply began before the speech went on. What the product does then "
    "(falls silent, takes the answer back) is measured by `make bench`, at the bot's edge.",
    "Key terms are not repaired in what the recogniser wrote: the rules look at small words.",
    f"What the models cost is set, not measured: {SCORE_S * 1000:.0f} ms for each opinion of Smart "
    "Turn, 37 ms of recognition for each second of speech, as on a quiet core.",
)
_COLOURS: Final = ("#66707f", "#b3541e", "#1f4e79", "#9db4cc", "#1b6e3c")


class Curve(BaseModel):
    detector: Detector
    points: tuple[Point, ...]


class Setting(BaseModel):
    """Thresholds of the policy with what they gave on the fitted part. `pace`: the bounds within
    which the thinker's own pace changes the wait.
    """

    finished: float
    promised_s: float
    neither_s: float
    pace: tuple[float, float]
    point: Point

    @property
    def bearable(self) -> bool:
        """The longest dead air stays within its goal."""
        return self.point.p95_s <= P95_AT_MOST_S


class Report(BaseModel):
    """All but `fitted` and `settings` is about the reported part. `settings` are those tried, the
    product's own first.
    """

    seed: int
    machine: Machine
    version: str
    took_s: float
    thinkers: dict[Part, int]
    voices: dict[Part, tuple[str, ...]]
    notes: tuple[str, ...]
    pauses_s: dict[str, float]
    figures: tuple[Figure, ...]
    reasons: tuple[str, ...]
    default: Point
    fitted: Point
    curves: tuple[Curve, ...]
    by_where: tuple[Rate, ...]
    early_by_where: tuple[Rate, ...]
    by_line: tuple[Rate, ...]
    by_voice: tuple[Rate, ...]
    settings: tuple[Setting, ...]
    not_covered: tuple[str, ...] = NOT_COVERED

    @property
    def missed(self) -> tuple[str, ...]:
        return tuple(figure.name for figure in self.figures if figure.met is False)


def report_of(
    ours: Sequence[Outcome],
    fitted: Point,
    curves: Sequence[Curve],
    settings: Sequence[Setting],
    wait_s: float,
    **about: Any,
) -> Report:
    """`ours` are the reported outcomes of the product's default policy, whose wait is `wait_s`.

    `about`: seed, machine, version, took_s, thinkers, voices, notes.
    """
    default = point_of(wait_s, ours)
    figures = _figures(ours, default)
    return Report(
        pauses_s=_pauses(ours),
        figures=figures,
        reasons=_reasons(ours, figures, curves),
        default=default,
        fitted=fitted,
        curves=tuple(curves),
        by_where=pauses_cut(ours),
        early_by_where=pauses_cut(ours, early=True),
        by_line=answers_cut_by(ours, lambda each: each.line),
        by_voice=answers_cut_by(ours, lambda each: each.voice),
        settings=tuple(settings),
        **about,
    )


def _figures(ours: Sequence[Outcome], default: Point) -> tuple[Figure, ...]:
    count = default.answers.count - default.unended
    dead_air = {"unit": "s", "count": count}
    return (
        _share("answers cut off by the default policy", default.answers, CUT_AT_MOST),
        *(_share(f"answers cut off, {one.name}", one, CUT_AT_MOST) for one in answers_cut_in(ours)),
        _share("answers whose turn ended before their last word", default.ended_early),
        Figure(
            name="dead air after a finished answer, p50",
            value=round(default.p50_s, 2),
            at_most=P50_AT_MOST_S,
            **dead_air,
        ),
        Figure(
            name="dead air after a finished answer, p95",
            value=round(default.p95_s, 2),
            at_most=P95_AT_MOST_S,
            **dead_air,
        ),
    )


def _share(name: str, rate: Rate, at_most: float | None = None) -> Figure:
    return Figure(
        name=name,
        value=round(100 * rate.share, 1),
        unit="%",
        at_most=None if at_most is None else 100 * at_most,
        count=rate.count,
        low=round(100 * rate.low, 1),
        high=round(100 * rate.high, 1),
    )


def _pauses(outcomes: Sequence[Outcome]) -> dict[str, float]:
    lengths = [stop.pause_s for each in outcomes for stop in each.stops]
    shares = {"p10": 0.1, "p50": 0.5, "p90": 0.9, "p95": 0.95}
    return {name: round(float(np.quantile(lengths, share)), 2) for name, share in shares.items()}


def _reasons(
    ours: Sequence[Outcome], figures: Sequence[Figure], curves: Sequence[Curve]
) -> tuple[str, ...]:
    """Why a goal was missed, as far as the outcomes tell."""
    cut, *_, median_air, longest_air = figures
    why = []
    if not cut.met:
        why.append(_why_cut([each for each in ours if each.cut]))
    if not (median_air.met and longest_air.met):
        why += [_unpaced(curve.points) for curve in curves if curve.detector is Detector.UNPACED]
    return tuple(why)


def _why_cut(cut: Sequence[Outcome]) -> str:
    places = {where: _only_at(where, cut) for where in Where}
    told = ", ".join(f"{count} {where.value}" for where, count in places.items() if count)
    lengths = [stop.pause_s for each in cut for stop in each.stops if stop.cut] or [0.0]
    return (
        f"Of {len(cut)} answers cut off, cut in one class of pause: {told or 'none'}; the pauses "
        f"had a median of {np.median(lengths):.1f} s. Where a clause ends as an answer does, "
        "neither the voice nor the words promise more: only waiting tells, and the goals for dead "
        "air bound the wait."
    )


def _unpaced(points: Sequence[Point]) -> str:
    """What the pace costs in dead air, and what it saves."""
    point = min(points, key=lambda each: abs(each.wait_s - Patience().wait_s))
    return (
        "The wait grows with the thinker's own pauses. Heedless of them, the dead air would have "
        f"a p50 of {point.p50_s:.2f} s and a p95 of {point.p95_s:.2f} s, and "
        f"{100 * point.answers.share:.0f} % of the answers would be cut off."
    )


def _only_at(where: Where, cut: Sequence[Outcome]) -> int:
    return sum(
        each.stray == 0 and {stop.where for stop in each.stops if stop.cut} == {where}
        for each in cut
    )


def write(report: Report, folder: Path) -> tuple[Path, ...]:
    """`turns.html`, `turns.json` and `turns.svg`."""
    folder.mkdir(parents=True, exist_ok=True)
    page, data, picture = (folder / f"turns.{kind}" for kind in ("html", "json", "svg"))
    svg = drawn(report)
    data.write_text(report.model_dump_json(indent=1) + "\n")
    picture.write_text(svg)
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    page.write_text(templates.get_template("report.html").render(report=report, svg=svg))
    return page, data, picture


def drawn(report: Report) -> str:
    """Answers cut off (%) over mean dead air (s), a line for each detector, as plain SVG."""
    import pygal

    chart = pygal.XY(
        style=style(colors=_COLOURS),
        js=[],
        width=820,
        height=460,
        title=f"{report.default.answers.count} answers of synthetic thinkers",
        x_title="mean dead air after a finished answer, s",
        y_title="answers cut off, %",
        range=(0, 100),
        legend_at_bottom=True,
        legend_at_bottom_columns=3,
        legend_box_size=12,
        margin_bottom=44,
        truncate_legend=-1,
        dots_size=3,
        show_y_guides=True,
    )
    chart.uuid = "turns"
    for curve in report.curves:
        chart.add(curve.detector.value, [_place(point) for point in curve.points])
    chart.add("our default", [_place(report.default)], dots_size=7, stroke=False)
    return without_script(chart.render_tree())


def _place(point: Point) -> tuple[float, float]:
    return point.mean_s, round(100 * point.answers.share, 1)
