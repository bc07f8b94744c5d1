"""Charts as plain SVG: drawn by pygal, then stripped to shapes and words.

What is left has no script, no style sheet, no web font and no random id, so it goes into a page
under a strict content security policy and into a tagged PDF alike, and equal data give equal bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.grades import Verdict
from contracts.interview import Outcome
from contracts.report import Coverage, Report, ReportedQuestion
from reports import words
from reports.dressing import Drawing, Dress, dressed

_WIDTH: Final = 720
_ROW: Final = 34
_ACCENT, _PALE = "#1f4e79", "#9db4cc"
_VERDICT_COLOURS: Final = {
    Verdict.COVERED: "#1b6e3c",
    Verdict.PARTIAL: "#8a5a00",
    Verdict.MISSED: "#66707f",
    Verdict.CONTRADICTED: "#a1262a",
    None: "#dfe4ea",
}
_LABEL_LENGTH: Final = 34
_LEGEND_COLUMNS: Final = 3


@dataclass(frozen=True)
class Chart:
    """`alt` says in words everything that the picture shows."""

    name: str
    title: str
    alt: str
    svg: str


@dataclass(frozen=True)
class _Bar:
    """`told` is written on it, or behind it."""

    length: float
    told: str


@dataclass(frozen=True)
class _Series:
    label: str
    colour: str
    bars: Sequence[_Bar | None]


def charts(report: Report, font: str = "sans-serif") -> tuple[Chart, ...]:
    """Those that have something to show, in reading order."""
    found = (
        scores_by_topic(report, font),
        scores_by_question(report, font),
        coverage_by_topic(report, font),
    )
    return tuple(chart for chart in found if chart is not None)


def scores_by_topic(report: Report, font: str = "sans-serif") -> Chart | None:
    """None with fewer than two topics: a single bar compares nothing."""
    topics = report.topics
    if len(topics) < 2 or all(topic.score is None for topic in topics):
        return None
    told = [f"{topic.topic} {words.score(topic.score)}" for topic in topics]
    bars = [_Bar(topic.score or 0, words.score(topic.score)) for topic in topics]
    series = [_Series("score", _ACCENT, bars)]
    return _chart(
        "topics",
        "Score by topic",
        f"Mean score out of 10 for each topic: {'; '.join(told)}.",
        _bars([topic.topic for topic in topics], series, font, scale=10),
    )


def scores_by_question(report: Report, font: str = "sans-serif") -> Chart | None:
    questions = report.questions
    if all(question.score is None for question in questions):
        return None
    told = [f"question {q.position} {words.score(q.score)} ({_note(q)})" for q in questions]
    inside = [None if _is_outside(q) else _question_bar(q) for q in questions]
    outside = [_question_bar(q) if _is_outside(q) else None for q in questions]
    series = [_Series("in the total", _ACCENT, inside)]
    if any(outside):
        series.append(_Series("outside the total", _PALE, outside))
    labels = [f"{q.position}. {q.topic}" for q in questions]
    return _chart(
        "questions",
        "Score by question",
        f"Score out of 10 for each question: {'; '.join(told)}.",
        _bars(labels, series, font, scale=10),
    )


def _is_outside(question: ReportedQuestion) -> bool:
    """Graded, and shown, but not in the total."""
    return not question.counted and question.score is not None


def _question_bar(question: ReportedQuestion) -> _Bar:
    if question.score is None:
        return _Bar(0, words.standing(question))
    skipped = question.outcome is Outcome.SKIPPED
    return _Bar(question.score, f"{words.score(question.score)}{' (skipped)' if skipped else ''}")


def _note(question: ReportedQuestion) -> str:
    note = words.standing(question)
    return f"{note}, outside the total" if _is_outside(question) else note


def coverage_by_topic(report: Report, font: str = "sans-serif") -> Chart | None:
    coverages = [topic.coverage for topic in report.topics]
    counts = {verdict: [_count(each, verdict) for each in coverages] for verdict in words.VERDICTS}
    if not any(sum(counts[verdict]) for verdict in Verdict):
        return None
    series = [
        _Series(
            words.VERDICTS[verdict],
            _VERDICT_COLOURS[verdict],
            [_Bar(n, str(n)) if n else None for n in numbers],
        )
        for verdict, numbers in counts.items()
        if sum(numbers)
    ]
    told = [f"{topic.topic}: {_counted(topic.coverage)}" for topic in report.topics]
    longest = max(sum(numbers) for numbers in zip(*counts.values(), strict=True))
    return _chart(
        "coverage",
        "Key points by topic",
        f"How many key points were covered. {'; '.join(told)}.",
        _bars([topic.topic for topic in report.topics], series, font, scale=longest, inside=True),
    )


def _count(coverage: Coverage, verdict: Verdict | None) -> int:
    count: int = getattr(coverage, verdict.value if verdict else "unassessed")
    return count


def _counted(coverage: Coverage) -> str:
    parts = [(words.VERDICTS[v], _count(coverage, v)) for v in words.VERDICTS]
    return ", ".join(f"{count} {name}" for name, count in parts if count) or "none"


def _bars(
    labels: Sequence[str], series: Sequence[_Series], font: str, *, scale: int, inside: bool = False
) -> Drawing:
    """Horizontal bars, the first row on top, as pygal lays them out and we then dress them."""
    import pygal
    from pygal.style import Style

    style = Style(
        font_family=font, label_font_size=13, major_label_font_size=13, legend_font_size=13
    )
    legend_rows = 0 if len(series) < 2 else -(-len(series) // _LEGEND_COLUMNS)
    chart = pygal.HorizontalStackedBar(
        style=style,
        js=[],
        width=_WIDTH,
        height=_ROW * len(labels) + 50 + 30 * legend_rows,
        margin=8,
        margin_right=12 if inside else 60,
        margin_bottom=8 + 16 * max(0, legend_rows - 1),
        range=(0, scale),
        x_labels=[_shortened(label) for label in reversed(labels)],
        y_labels=_ticks(scale),
        show_legend=legend_rows > 0,
        legend_at_bottom=True,
        legend_at_bottom_columns=min(len(series), _LEGEND_COLUMNS),
        legend_box_size=12,
        truncate_legend=-1,
        formatter=lambda value: f"{value:g}",
    )
    for one in series:
        chart.add(one.label, [_drawn(bar) for bar in reversed(one.bars)])
    dress = Dress(tuple(one.colour for one in series), font, values_inside=inside)
    return dressed(chart.render(is_unicode=True, disable_xml_declaration=True), dress)


def _drawn(bar: _Bar | None) -> dict[str, float | str] | None:
    return {"value": bar.length, "label": bar.told} if bar else None


def _shortened(label: str) -> str:
    return label if len(label) <= _LABEL_LENGTH else f"{label[: _LABEL_LENGTH - 1].rstrip()}…"


def _ticks(scale: int) -> list[int]:
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 1000) if scale / step <= 12)
    return list(range(0, scale + 1, step))


def _chart(name: str, title: str, alt: str, drawing: Drawing) -> Chart:
    return Chart(name, title, alt, drawing.labelled(f"chart-{name}", title, alt))
