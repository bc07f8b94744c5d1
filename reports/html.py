"""The report as one page: no script, no outside style sheet, no font from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from contracts.conduct import Recorded
from contracts.grades import Verdict
from contracts.report import Report
from reports import words
from reports.charts import charts

_TEMPLATES: Final = Path(__file__).parent / "templates"
_CSS: Final = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
_CSS_HASH: Final = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
_FONT: Final = "Inter, Segoe UI, Helvetica Neue, Liberation Sans, Arial, sans-serif"

#: Under this the page shows and plays everything it has, and nothing that was slipped into it runs.
CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; media-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

#: Signs beside the verdicts' words, so that nothing is told by colour alone.
MARKS: Final[dict[Verdict | None, str]] = {
    Verdict.COVERED: "✓",
    Verdict.PARTIAL: "◐",
    Verdict.MISSED: "○",
    Verdict.CONTRADICTED: "✗",
    None: "–",
}


def render_html(report: Report, recorded: Recorded | None = None, *, online: bool = True) -> str:
    """The whole page. `online`: with audio players and links to the other formats, for the server;
    without them it is a file that stands alone. Serve it with `CONTENT_SECURITY_POLICY`.

    `recorded` is the recording of the whole interview, None while there is none.
    """
    return _template().render(
        report=report,
        recorded=recorded,
        manners=words.manners(recorded.conduct) if recorded and recorded.conduct else None,
        spoken=words.was_spoken(report),
        title=words.title(report),
        pending=words.pending(report),
        basis=words.basis(report),
        charts=charts(report, _FONT),
        online=online,
        address=f"/api/v1/interviews/{report.interview_id}",
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=False,
    )
    environment.globals.update(
        words=words,
        css=Markup(_CSS),  # noqa: S704 - our own file; its hash is in the policy
        marks=MARKS,
        score=words.score,
        clock=words.clock,
        moment=words.moment,
        standing=words.standing,
        beside=words.beside,
    )
    return environment.get_template("report.html")
