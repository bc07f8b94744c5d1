"""The report: as JSON, as a page or as PDF, by `Accept` or by suffix."""

from __future__ import annotations

import asyncio
import re
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from starlette.responses import HTMLResponse, JSONResponse, Response

import contracts.report
from api.auth import ReportReader, Seen
from api.bodies import ReportVersions
from api.openapi import READ_REFUSALS, refusals
from api.parts import OurParts, Parts
from contracts.conduct import Recorded
from contracts.errors import Conflict, NotFound
from contracts.interview import InterviewStatus
from db.rows import Report, WholeRecording

router = APIRouter(
    prefix="/api/v1/interviews/{interview_id}",
    tags=["report"],
    responses=READ_REFUSALS | refusals(409),
)

_NEVER = (
    InterviewStatus.DECLINED,
    InterviewStatus.EXPIRED,
    InterviewStatus.CANCELLED,
    InterviewStatus.FAILED,
)


class Form(StrEnum):
    JSON = "application/json"
    HTML = "text/html"
    PDF = "application/pdf"


Version = Annotated[
    int | None, Query(ge=1, le=2**31 - 1, description="An earlier version; the newest without it.")
]


@router.get(
    "/report",
    response_class=Response,
    responses={
        200: {
            "description": "The report, in the form that `Accept` prefers; JSON when it is equal.",
            "content": {
                Form.JSON.value: {"schema": {"type": "object"}},
                Form.HTML.value: {"schema": {"type": "string"}},
                Form.PDF.value: {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
)
async def report(
    seen: ReportReader,
    parts: OurParts,
    version: Version = None,
    accept: Annotated[str | None, Header()] = None,
) -> Response:
    """The newest report. While it is being made: 409 with `Retry-After`."""
    return await _rendered(parts, await _found(parts, seen, version), preferred(accept))


@router.get("/report.json", response_model=dict[str, Any])
async def report_json(seen: ReportReader, parts: OurParts, version: Version = None) -> Response:
    """The report's data."""
    return await _rendered(parts, await _found(parts, seen, version), Form.JSON)


@router.get(
    "/report.html", response_class=Response, responses={200: {"content": {"text/html": {}}}}
)
async def report_html(seen: ReportReader, parts: OurParts, version: Version = None) -> Response:
    """The report as a page that stands alone."""
    return await _rendered(parts, await _found(parts, seen, version), Form.HTML)


@router.get(
    "/report.pdf", response_class=Response, responses={200: {"content": {"application/pdf": {}}}}
)
async def report_pdf(seen: ReportReader, parts: OurParts, version: Version = None) -> Response:
    """The report as PDF/UA."""
    return await _rendered(parts, await _found(parts, seen, version), Form.PDF)


@router.get("/report/versions", response_model=ReportVersions)
async def versions(seen: ReportReader, parts: OurParts) -> Response:
    """Which versions there are: a late grade makes a new one, none is changed."""
    newest = await parts.store.reports.latest(seen.interview.id)
    made = list(range(1, newest.version + 1)) if newest else []
    return Response(ReportVersions(versions=made).model_dump_json(), media_type=Form.JSON.value)


async def _found(parts: Parts, seen: Seen, version: int | None) -> Report:
    if version is not None:
        return await parts.store.reports.get(seen.interview.id, version)
    newest = await parts.store.reports.latest(seen.interview.id)
    if newest is not None:
        return newest
    if seen.interview.status in _NEVER:
        raise NotFound("This interview has no report.")
    if seen.interview.snapshot.report_given_up:
        raise NotFound("The report could not be made for a day; an operator can see why.")
    raise Conflict("The report is not made yet.", retry_after_s=_wait_s(seen.interview.status))


def _wait_s(status: InterviewStatus) -> float:
    return 2 if status in (InterviewStatus.GRADING, InterviewStatus.COMPLETED) else 30


async def _rendered(parts: Parts, found: Report, form: Form) -> Response:
    """Rendering takes tens of milliseconds of CPU: a thread keeps the others' replies going."""
    headers = {"Vary": "Accept, Authorization, Cookie"}
    if form is Form.JSON:
        return JSONResponse(found.payload, headers=headers)
    if form is Form.HTML:
        from reports.html import CONTENT_SECURITY_POLICY

        # A version never changes; the recording is made beside it, and may come later.
        whole = await parts.store.recordings.whole(found.interview_id)
        page = await asyncio.to_thread(_page, found, whole)
        headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return HTMLResponse(page, headers=headers)
    name = f"report-{found.interview_id}-{found.version}.pdf"
    headers["Content-Disposition"] = f'inline; filename="{name}"'
    return Response(await asyncio.to_thread(_paper, found), 200, headers, Form.PDF.value)


def _page(found: Report, whole: WholeRecording | None) -> str:
    from reports.html import render_html

    recorded = Recorded.model_validate(whole, from_attributes=True) if whole else None
    return render_html(contracts.report.Report.model_validate(found.payload), recorded)


def _paper(found: Report) -> bytes:
    from reports.pdf import render_pdf

    return render_pdf(contracts.report.Report.model_validate(found.payload))


def preferred(accept: str | None) -> Form:
    """The form with the highest q; JSON for `*/*`, for nothing, and for what we do not make."""
    best, form = 0.0, Form.JSON
    for each in (accept or "").split(","):
        kind, _, parameters = each.partition(";")
        known = next((form for form in Form if form.value == kind.strip().lower()), None)
        weight = _weight(parameters)
        if known is not None and weight > best:
            best, form = weight, known
    return form


def _weight(parameters: str) -> float:
    found = re.search(r"\bq=([01](?:\.\d{0,3})?)", parameters)
    return float(found.group(1)) if found else 1.0
