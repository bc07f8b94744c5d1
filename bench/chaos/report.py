"""The kill report: what was killed where, what was lost, and the bound that follows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from bench.chaos.bounds import Bound, Outcome, bounds
from bench.chaos.faults import Strikes
from bench.chaos.picture import drawn
from bench.chaos.points import Side
from bench.chaos.servers import SPEAKING
from bench.chaos.steps import in_order, step_of
from bench.chaos.storm import StormResult
from bench.chaos.trials import Result
from bench.figures import Machine, median, p95

NOT_COVERED: Final = (
    "SIGKILL keeps the page cache: this is no loss of power.",
    "Everything runs on one machine and one clock: no clock jumps.",
    "Of spoken interviews, a minute each, a sample is killed: not every point on every side.",
    "Deepgram and the language model are stand-ins of ours, and stand beside interviews in rooms "
    "alone: elsewhere recogniser, voice and grader run in the product's processes.",
    "Faults and their mix were chosen by us: the figures are bounds under this mix, no "
    "availability.",
    "Kills at reads are none of their own: they are those after the change before.",
    "“After” an activity is 50 ms, after everything else 5 ms later than the reply was at hand.",
)


#: Behind the name of a point that a spoken interview passed, over a line of its own or in a room.
SPOKEN: Final = ", by voice"
IN_ROOM: Final = ", in a room"


class Kills(BaseModel):
    """A point at one side: killed `trials` times, with something lost in `failures` of them; the
    true rate is at most `upper`, at 95 %."""

    name: str
    trials: int
    failures: int
    lower: float
    upper: float


class Recovery(BaseModel):
    """Seconds from a fault to the next call that went well."""

    part: str
    count: int
    median_s: float
    p95_s: float
    max_s: float


class Report(BaseModel):
    """`uncovered` are points that a typed interview passed and that were never killed at: with any,
    the run has failed. Those of spoken interviews are sampled. `voice_again` is counted from the
    fault to the interviewer's first sound over a new line. `left` is what the reconciler raised
    once all was over. `commit` is None where the product was not run from a checkout."""

    seeds: tuple[int, ...]
    machine: Machine
    version: str
    commit: str | None
    took_s: float
    points: dict[str, int]
    uncovered: tuple[str, ...]
    sides_missing: tuple[str, ...]
    by_point: tuple[Kills, ...]
    by_step: tuple[Kills, ...]
    by_fault: tuple[Kills, ...]
    pooled: Kills
    recovery: tuple[Recovery, ...]
    voice_again: tuple[Recovery, ...] = ()
    left: tuple[str, ...] = ()
    double_faults: int
    not_fired: int
    violations: tuple[str, ...]
    trials: tuple[Result, ...]
    storms: tuple[StormResult, ...]
    not_covered: tuple[str, ...] = NOT_COVERED

    @property
    def passed(self) -> bool:
        return not (self.violations or self.uncovered)


def report_of(
    points: dict[str, int],
    results: Sequence[Result],
    storms: Sequence[StormResult],
    left: Sequence[str] = (),
    **about: Any,
) -> Report:
    """`left` is what the reconciler raised once all was over. `about`: seeds, machine, version,
    commit, took_s."""
    kills = [_kill(each) for each in results if each.fired or each.trial.order is None]
    shares = bounds(kills)
    hit = {(kill.point, kill.side) for kill in kills}
    killed_at = {point for point, _ in hit}
    places = [(point, side.value) for point in points for side in Side]
    lost = [f"trial {each.trial.number}: {told}" for each in results for told in each.violations]
    return Report(
        points=points,
        uncovered=tuple(
            each
            for each in points
            if each not in killed_at and not each.endswith((SPOKEN, IN_ROOM))
        ),
        sides_missing=tuple(
            f"{point} {side}" for point, side in places if (point, side) not in hit
        ),
        by_point=_rows(shares.by_point),
        by_step=_rows({each: shares.by_step[each] for each in in_order(shares.by_step)}),
        by_fault=_rows(shares.by_fault),
        pooled=_row("all", shares.pooled),
        recovery=tuple(_recoveries(results, lambda each: each.recovery_s)),
        voice_again=tuple(_recoveries(results, lambda each: each.voice_again_s)),
        left=tuple(left),
        double_faults=sum(len(each.faults) > 1 for each in results),
        not_fired=sum(not each.fired for each in results if each.trial.order is not None),
        violations=(
            *lost,
            *(f"storm: {told}" for each in storms for told in each.violations),
            *(f"at the end: {told}" for told in left),
        ),
        trials=tuple(results),
        storms=tuple(storms),
        **about,
    )


def _kill(result: Result) -> Outcome:
    order = result.trial.order
    if order is None:
        strike = result.trial.strikes[0]
        point, side, step = f"{strike.kind} {strike.part}", "any moment", "any moment"
    else:
        point, side, step = order.point, order.side.value, step_of(order.point)
    how = SPOKEN if result.trial.spoken else ""
    how = IN_ROOM if result.trial.in_room else how
    return Outcome(
        point=f"{point}{how}",
        side=side,
        step=f"{step}{how}",
        fault=" and ".join(_fault_name(each) for each in result.faults),
        failed=bool(result.violations),
    )


def _fault_name(fault: str) -> str:
    """`kill worker`, whether the process killed itself at a point or was struck. The workers that
    speak are one: either holds the conversation."""
    named = fault.replace(SPEAKING[1], SPEAKING[0])
    if any(named.startswith(kind.value) for kind in Strikes):
        return named
    return f"kill {named.rsplit(maxsplit=1)[-1]}"


def _rows(shares: Any) -> tuple[Kills, ...]:
    return tuple(_row(name, share) for name, share in shares.items())


def _row(name: str, share: Bound) -> Kills:
    return Kills(
        name=name,
        trials=share.trials,
        failures=share.failures,
        lower=round(share.lower, 4),
        upper=round(share.upper, 4),
    )


def _recoveries(
    results: Iterable[Result], seconds: Callable[[Result], float | None]
) -> Iterable[Recovery]:
    """Of trials with a single fault, by what it hit."""
    by_part: dict[str, list[float]] = {}
    for each in results:
        if (took_s := seconds(each)) is not None and len(each.faults) == 1:
            by_part.setdefault(_fault_name(each.faults[0]), []).append(took_s)
    for part, took in sorted(by_part.items()):
        yield Recovery(
            part=part, count=len(took), median_s=median(took), p95_s=p95(took), max_s=max(took)
        )


# ---------------------------------------------------------------------------- how it is shown


def write(report: Report, folder: Path) -> tuple[Path, Path, Path]:
    """`chaos.json`, `chaos.html` and the picture in it, `chaos.svg`."""
    folder.mkdir(parents=True, exist_ok=True)
    data, page, picture = (folder / f"chaos.{kind}" for kind in ("json", "html", "svg"))
    data.write_text(json.dumps(report.model_dump(mode="json"), indent=1))
    picture.write_text(_picture(report))
    page.write_text(_page(report))
    return data, page, picture


def _picture(report: Report) -> str:
    kills = sum(each.trials for each in report.by_step)
    return drawn(f"{kills} trials, by the step at which was killed", report.by_step)


_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1b1f24; background: #fff }
table { border-collapse: collapse; margin: .5rem 0 2rem; width: 100% }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #d7dce2 }
svg { max-width: 100%; height: auto }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.lost { color: #a40e26; font-weight: 600 }
@media (prefers-color-scheme: dark) { body { color: #e6e9ee; background: #15181d }
  th, td { border-color: #3a414b } .lost { color: #ff8a95 } }
"""


def _page(report: Report) -> str:
    verdict = "nothing was lost" if not report.violations else "something was lost"
    if report.uncovered:
        verdict += f"; {len(report.uncovered)} points were never killed at"
    parts = [
        f"<h1>The kill experiment: {verdict}</h1>",
        f"<p>{escape(_summary(report))}</p>",
        _list("What was lost", report.violations),
        _list("Passed and never killed at", report.uncovered),
        _picture(report),
        _kills("By step", report.by_step),
        _kills("By fault", report.by_fault),
        _recovery("Seconds until a call goes well", report.recovery),
        _recovery("Seconds until the voice is back on a new line", report.voice_again),
        _storms(report.storms),
        _kills("By point and side", report.by_point),
        _list("What this does not show", report.not_covered),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Kill report</title><style>{_STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _summary(report: Report) -> str:
    machine = report.machine
    return (
        f"{report.pooled.trials} trials, {report.double_faults} of them with two faults, in "
        f"{report.took_s / 60:.0f} minutes; {report.pooled.failures} with a loss. All pooled, the "
        f"rate of loss is at most {report.pooled.upper:.2%} (95 %); by point and by step it stands "
        f"below, which says more. {len(report.points)} points were passed. "
        f"CodeVoice {report.version}, commit {report.commit or 'unknown'}, seed "
        f"{' and '.join(map(str, report.seeds))}, {machine.cores} cores of "
        f"{machine.processor}, {machine.taken_at:%d %b %Y}."
    )


def _kills(title: str, rows: Sequence[Kills]) -> str:
    cells = [
        (each.name, each.trials, each.failures, f"{each.lower:.1%}", f"{each.upper:.1%}")
        for each in rows
    ]
    return _table(title, ("", "killed", "lost", "at least", "at most"), cells)


def _recovery(title: str, rows: Sequence[Recovery]) -> str:
    cells = [(each.part, each.count, each.median_s, each.p95_s, each.max_s) for each in rows]
    return _table(title, ("", "n", "median", "p95", "max"), cells) if cells else ""


def _storms(storms: Sequence[StormResult]) -> str:
    cells = [
        (f"{each.at_once} at once, {each.minutes:g} minutes", each.interviews, len(each.faults),
         each.tries.unknown, len(each.violations))
        for each in storms
    ]  # fmt: skip
    heading = ("", "interviews", "faults", "lost replies", "violations")
    return _table("Storms", heading, cells) if cells else ""


def _table(title: str, heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    numbered = [f'<th{" class=n" if place else ""}>{escape(each)}</th>'
                for place, each in enumerate(heading)]  # fmt: skip
    body = "".join(f"<tr>{''.join(map(_cell, enumerate(row)))}</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><tr>{''.join(numbered)}</tr>{body}</table>"


def _cell(placed: tuple[int, object]) -> str:
    place, value = placed
    return f"<td{' class=n' if place else ''}>{escape(str(value))}</td>"


def _list(title: str, lines: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(each)}</li>" for each in lines)
    return f"<h2>{escape(title)}</h2><ul>{items}</ul>" if lines else ""
