"""The report as a tagged PDF (PDF/UA-1), set by typst from its own data and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from contracts.report import Report, ReportedPoint, ReportedQuestion, ReportedTurn
from contracts.turns import Speaker, TurnKind
from reports import words
from reports.charts import charts
from reports.glyphs import MARK, Glyphs, glyphs, plain
from reports.html import MARKS

_TEMPLATE: Final = Path(__file__).parent / "templates" / "report.typ"
_FONT: Final = "Libertinus Serif"
_MARK_NOTE: Final = (
    f"{MARK} stands for a character that no font on the machine which made this file can print. "
    "The page and the JSON report have it."
)
#: Beyond this a key point with its quote may run over the end of a page.
_LONG: Final = 1200


def render_pdf(report: Report, *, system_fonts: bool = True) -> bytes:
    """Never fails on what somebody said: what no font can print is replaced by a visible mark.

    Equal reports give equal bytes on machines with equal fonts; on every machine without
    `system_fonts`. Takes tens of milliseconds of CPU, half a second more the first time it meets a
    script that no font has: call it in a thread.
    """
    import typst

    known = glyphs(system_fonts=system_fonts)
    marked = known.marked(set(_texts(report.model_dump(mode="json"))))
    plainest = _printed(report, {text: plain(text) for text in marked})
    printed = _printed(report, marked)
    with suppress(typst.TypstError):
        return _set(printed, printed, report, known)
    with suppress(typst.TypstError):
        return _set(_printed(report, known.plainer(marked)), plainest, report, known)
    return _set(plainest, plainest, report, known)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _printed(report: Report, printed: dict[str, str]) -> Report:
    """The same report with every text in its printed form."""

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return printed[value]
        if isinstance(value, dict):
            return {printed[key]: walk(item) for key, item in value.items()}
        return [walk(item) for item in value] if isinstance(value, list) else value

    return Report.model_validate(walk(report.model_dump(mode="json")))


def _set(printed: Report, drawn: Report, report: Report, known: Glyphs) -> bytes:
    """`report` with the texts of `printed`, and charts with those of `drawn`."""
    import typst

    content = _content(printed) | {
        "charts": [vars(chart) for chart in charts(drawn, _FONT)],
        "marked": printed != report,
        "mark_note": _MARK_NOTE,
    }
    return typst.compile(
        _TEMPLATE,
        root=_TEMPLATE.parent,
        font_paths=known.fonts,
        sys_inputs={"report": json.dumps(content)},
        pdf_standards="ua-1",
        timestamp=int(report.built_at.timestamp()),
    )


def _content(report: Report) -> dict[str, Any]:
    """Everything as it is printed; the template only places it."""
    indicative = f" {words.INDICATIVE}" if report.indicative else ""
    return {
        "title": words.title(report),
        "name": report.candidate_name or "Unnamed candidate",
        "version": report.version,
        "dates": f"Interviewed {words.moment(report.started_at)} · "
        f"report of {words.moment(report.built_at)}",
        "footer": f"Interview {report.interview_id}, report version {report.version}",
        "pending": words.pending(report),
        "score": words.score(report.total.score),
        "scale": "out of 10, indicative" if report.indicative else "out of 10",
        "basis": words.basis(report),
        "advice": f"{words.DECIDES}{indicative}",
        "outside": [
            f"Question {one.position}, {one.topic}: {words.OUTSIDE[one.why]}"
            for one in report.total.outside
        ],
        "rows": [_row(question) for question in report.questions],
        "questions": [_question(question) for question in report.questions],
        "other_turns": [_turn(turn) for turn in report.other_turns],
        "made_by": list(_made_by(report)),
    }


def _row(question: ReportedQuestion) -> list[str]:
    covered = sum(point.verdict == "covered" for point in question.points)
    return [
        str(question.position),
        question.topic,
        words.DIFFICULTIES[question.difficulty],
        words.standing(question),
        f"{covered} of {len(question.points)}" if question.grader else "–",
        words.score(question.score),
    ]


def _question(question: ReportedQuestion) -> dict[str, Any]:
    notes = [words.DIFFICULTIES[question.difficulty], words.standing(question)]
    if question.outside:
        notes.append("outside the total")
    if question.grader:
        how = ", indicative" if question.grader.indicative else ""
        notes.append(f"graded by {words.GRADERS[question.grader.kind]}{how}")
    return {
        "title": f"{question.position}. {question.topic}",
        "score": words.score(question.score),
        "note": " · ".join(notes),
        "beside": words.beside(question),
        "prompt": question.prompt,
        "flags": [words.FLAGS[flag] for flag in question.flags],
        "points": [_point(point) for point in question.points],
        "model_answer": question.model_answer,
        "turns": [_turn(turn) for turn in question.turns],
    }


def _point(point: ReportedPoint) -> dict[str, Any]:
    quote = point.quote
    where = f" (turn {quote.turn_number}, at {words.clock(quote.offset_s)})" if quote else ""
    return {
        "text": point.text,
        "class": point.verdict.value if point.verdict else "unassessed",
        "verdict": f"{MARKS[point.verdict]} {words.VERDICTS[point.verdict]}",
        "weight": f"{point.weight:g}",
        "quote": quote.text if quote else None,
        "long": len(point.text) + len(quote.text if quote else "") > _LONG,
        "where": where if quote and quote.turn_number else "",
    }


def _turn(turn: ReportedTurn) -> dict[str, Any]:
    notes = [words.clock(turn.offset_s)]
    if turn.kind is TurnKind.TYPED:
        notes.append("typed")
    if turn.purpose in words.PURPOSES:
        notes.append(words.PURPOSES[turn.purpose])
    if turn.interrupted:
        notes.append("interrupted")
    return {
        "who": words.SPEAKERS[turn.speaker],
        "candidate": turn.speaker is Speaker.CANDIDATE,
        "note": f"{f'turn {turn.number}, ' if turn.number else ''}{' · '.join(notes)}",
        "text": turn.text,
        "raw": turn.raw_text,
    }


def _made_by(report: Report) -> Iterator[tuple[str, str]]:
    made = report.produced_by
    yield "Interview", str(report.interview_id)
    yield "Program", f"CodeVoice {made.app_version}"
    for grader in made.graders:
        how = " (indicative)" if grader.indicative else ""
        yield "Grader", f"{words.GRADERS[grader.kind]}, {grader.version}{how}"
    for name, part in made.parts.items():
        yield name[:1].upper() + name[1:], part
    yield "Questions", ", ".join(made.questions)
