"""What each page says, made from an interview's row; and the templates it is drawn with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from api.headers import CAMERA_PERMISSIONS, PAGE_POLICY
from contracts.interview import GradeState, InterviewStatus, Outcome, Snapshot
from web import assets, consent

if TYPE_CHECKING:
    from db.rows import Interview

_HERE: Final = Path(__file__).parent

TEMPLATES: Final = Environment(
    loader=ChoiceLoader(
        [
            FileSystemLoader(_HERE / "templates"),
            PrefixLoader({"consent": FileSystemLoader(_HERE / "consent")}),
        ]
    ),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.globals.update(static=assets.ROOT, reference=None)


@dataclass(frozen=True)
class Ways:
    """How a candidate's sound travels: `ice_servers` as JSON that browsers take, where LiveKit is,
    and where its client is found."""

    ice_servers: str = "[]"
    livekit_url: str | None = None
    livekit_client: str | None = None

    @property
    def policy(self) -> str:
        """What these pages may reach. LiveKit's client asks over HTTP why a socket was refused."""
        if self.livekit_url is None:
            return PAGE_POLICY
        url = urlsplit(self.livekit_url)
        asked = urlunsplit((url.scheme.replace("ws", "http", 1), url.netloc, "", "", ""))
        own = "connect-src 'self'"
        return PAGE_POLICY.replace(own, f"{own} {url.scheme}://{url.netloc} {asked}")


@dataclass(frozen=True)
class Facts:
    """What the pages tell of an interview. Nobody's name is among it.

    `starts_at` is set until the interview has opened.
    """

    id: str
    status: InterviewStatus
    snapshot: Snapshot
    question_count: int
    minutes: int
    starts_at: datetime | None
    expires_at: datetime
    report_to_candidate: bool
    live_listening: bool
    camera: bool
    transport: str

    @classmethod
    def of(cls, interview: Interview) -> Facts:
        start = interview.start
        scheduled = interview.status is InterviewStatus.SCHEDULED
        return cls(
            id=str(interview.id),
            status=interview.status,
            snapshot=interview.snapshot,
            question_count=len(start.questions),
            minutes=math.ceil(start.duration.total_seconds() / 60),
            starts_at=start.starts_at if scheduled else None,
            expires_at=start.expires_at,
            report_to_candidate=interview.report_to_candidate,
            live_listening=interview.live_listening,
            camera=interview.camera,
            transport=start.transport,
        )

    @property
    def report_version(self) -> int:
        return self.snapshot.report_version

    @property
    def declinable(self) -> bool:
        return self.status in (InterviewStatus.SCHEDULED, InterviewStatus.WAITING)

    @property
    def early(self) -> bool:
        """The candidate has agreed before the interview opens."""
        return self.starts_at is not None and self.snapshot.consented

    @property
    def place(self) -> str:
        """The page this candidate belongs on now."""
        root = f"/interview/{self.id}"
        if self.status.asking:
            return f"{root}/room"
        if self.declinable:
            return f"{root}/check" if self.snapshot.consented and not self.starts_at else root
        return f"{root}/finished"


def _page(template: str, http_status: int = 200, **words: Any) -> HTMLResponse:
    return HTMLResponse(TEMPLATES.get_template(template).render(**words), status_code=http_status)


def _about(facts: Facts) -> dict[str, Any]:
    return {"facts": facts, "minutes": facts.minutes, "reference": facts.id}


def home() -> HTMLResponse:
    return _page("home.html")


def invitation(facts: Facts) -> HTMLResponse:
    text = consent.current(live_listening=facts.live_listening, camera=facts.camera)
    return _page("invitation.html", consent=text, **_about(facts))


def check(facts: Facts, ways: Ways) -> HTMLResponse:
    return _with_sound("check.html", facts, ways)


def room(facts: Facts, ways: Ways) -> HTMLResponse:
    page = _with_sound("room.html", facts, ways)
    if facts.camera:
        page.headers["permissions-policy"] = CAMERA_PERMISSIONS
    return page


def _with_sound(template: str, facts: Facts, ways: Ways) -> HTMLResponse:
    page = _page(template, ways=ways, **_about(facts))
    page.headers["content-security-policy"] = ways.policy
    return page


_ENDINGS: Final = {
    InterviewStatus.GRADING: ("Thank you. You are done.", "Your answers are safe.", "check"),
    InterviewStatus.COMPLETED: ("Thank you. You are done.", "Your answers are safe.", "check"),
    InterviewStatus.DECLINED: (
        "You declined this interview.",
        "Nothing was recorded, and nothing more will be asked of you.",
        "flag",
    ),
    InterviewStatus.EXPIRED: (
        "This interview has expired.",
        "Its last day has passed. The person who invited you can send a new link.",
        "clock",
    ),
    InterviewStatus.CANCELLED: (
        "This interview was called off.",
        "The organisation that invited you cancelled it. There is nothing you need to do.",
        "flag",
    ),
    InterviewStatus.FAILED: (
        "This interview could not be completed.",
        "The fault was on our side, not yours. The person who invited you knows what happens next.",
        "alert",
    ),
}


def finished(facts: Facts, *, kept: bool) -> HTMLResponse:
    """`kept`: something was said or typed."""
    title, lead, seal = _ENDINGS[facts.status]
    return _page(
        "finished.html",
        title=title,
        lead=lead,
        seal=seal,
        graded=facts.status in (InterviewStatus.GRADING, InterviewStatus.COMPLETED),
        kept=kept,
        counts=_counts(facts.snapshot),
        grading_words=_grading_words(facts.snapshot),
        **_about(facts),
    )


def _counts(snapshot: Snapshot) -> dict[str, int]:
    outcomes = [each.outcome for each in snapshot.questions]
    answered, skipped = outcomes.count(Outcome.ANSWERED), outcomes.count(Outcome.SKIPPED)
    return {
        "answered": answered,
        "skipped": skipped,
        "open": len(outcomes) - answered - skipped,
    }


def _grading_words(snapshot: Snapshot) -> str:
    grades = [each.grade for each in snapshot.questions if each.grade is not GradeState.NONE]
    if not grades:
        return ""
    done = grades.count(GradeState.GRADED)
    return "Done." if done == len(grades) else f"{done} of {len(grades)} compared so far."


def report_awaited(facts: Facts) -> HTMLResponse:
    """202: the page looks again by itself."""
    return _page("report_awaited.html", 202, **_about(facts))


_NO_REPORT: Final = {
    InterviewStatus.COMPLETED: (
        "The report could not be made",
        "It was tried for a day and given up; whoever runs the service can see why. There is no "
        "report; the answers and their grades are kept.",
    ),
    InterviewStatus.DECLINED: (
        "The candidate declined this interview",
        "Nothing was recorded, so there is no report.",
    ),
    InterviewStatus.EXPIRED: (
        "This interview has expired",
        "It was not begun, or not taken up again, by its last day. There is no report.",
    ),
    InterviewStatus.CANCELLED: (
        "This interview was called off",
        "Your organisation cancelled it. There is no report.",
    ),
    InterviewStatus.FAILED: (
        "This interview could not be completed",
        "The fault was on the service's side. There is no report.",
    ),
}


def no_report(facts: Facts) -> HTMLResponse:
    """For staff: how the interview ended without a report."""
    title, detail = _NO_REPORT[facts.status]
    acts = [
        "What was said or typed before the end, if anything, is in the transcript, which the API "
        "gives under this interview's reference.",
        "A new interview needs a new invitation.",
    ]
    return _page("problem.html", 404, title=title, detail=detail, acts=acts, reference=facts.id)


def link_invalid() -> HTMLResponse:
    """One page for links that are wrong, foreign, replaced or too old: none tells which."""
    return _page(
        "problem.html",
        401,
        title="This link does not open an interview",
        detail="It may have expired or been replaced, or a part of it was lost on the way.",
        acts=[
            "Open the link from your invitation again, the whole of it.",
            "If it still does not open, ask the person who invited you for a new one.",
        ],
    )


def away(status: int) -> HTMLResponse:
    """The visit has ended, or the page was never this visitor's."""
    return _page(
        "problem.html",
        status,
        title="Please open your link again",
        detail="This page opens only from a personal link, on the device that opened it.",
        acts=[
            "Open the link from your invitation: you come back to the same question.",
            "Nothing you have said or typed is lost.",
        ],
    )


def trouble() -> HTMLResponse:
    return _page(
        "problem.html",
        503,
        title="We will be right back",
        detail="A part of the interview service does not reply. Nothing you have said is lost.",
        acts=["Reload this page in a few seconds.", "Your time does not run meanwhile."],
    )
