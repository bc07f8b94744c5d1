"""The pages: a link becomes a cookie, the cookie opens one interview's pages.

A refusal is a page too, with the way on; it tells nothing about what exists.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.responses import Response

from api import reports
from api.auth import CANDIDATE_COOKIE, STAFF_COOKIE, Ours, ReportReader
from api.links import Link, LinkPurpose
from api.parts import OurParts
from contracts.errors import CodeVoiceError, Conflict, NotAuthenticated, NotFound
from contracts.ice import ice_server
from web import assets, pages
from web.pages import Facts, Ways

#: Where each cookie is sent: to its own interview alone, so that one browser may hold several.
_PATHS: Final = {
    LinkPurpose.CANDIDATE: ("/interview/{}", "/report/{}", "/api/v1/interviews/{}"),
    LinkPurpose.STAFF: ("/report/{}", "/api/v1/interviews/{}"),
}
_COOKIES: Final = {LinkPurpose.CANDIDATE: CANDIDATE_COOKIE, LinkPurpose.STAFF: STAFF_COOKIE}


class PageRoute(APIRoute):
    """Answers a refusal with a page instead of a problem document."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def answer_with_page(request: Request) -> Response:
            try:
                return await answer(request)
            except CodeVoiceError as refused:
                return pages.trouble() if refused.status >= 500 else pages.away(refused.status)

        return answer_with_page


router = APIRouter(
    route_class=PageRoute, include_in_schema=False, default_response_class=HTMLResponse
)


def _ways(request: Request) -> Ways:
    ways: Ways = request.app.state.ways
    return ways


OurWays = Annotated[Ways, Depends(_ways)]


def mount(app: FastAPI, ice_servers: Sequence[str] = (), livekit_url: str | None = None) -> None:
    """Adds every page and asset to `app`. Browsers are told of `ice_servers`, and may reach the
    LiveKit server at `livekit_url`.

    Raises ValueError for one that is none (`contracts.ice`).
    """
    servers = json.dumps(list(map(ice_server, ice_servers)))
    app.state.ways = Ways(servers, livekit_url, assets.livekit_client())
    assets.mount(app)
    app.include_router(router)


@router.get("/")
async def home() -> Response:
    return pages.home()


@router.get("/i/{token}")
async def open_invitation(token: str, parts: OurParts) -> Response:
    """The candidate's link. The cookie replaces it, so that no later address carries the token."""
    return await _exchanged(parts, token, LinkPurpose.CANDIDATE, "/interview/{}")


@router.get("/r/{token}")
async def open_report(token: str, parts: OurParts) -> Response:
    """The staff's link to one report."""
    return await _exchanged(parts, token, LinkPurpose.STAFF, "/report/{}")


async def _exchanged(parts: OurParts, token: str, purpose: LinkPurpose, place: str) -> Response:
    try:
        link = parts.tokens.read(token, purpose)
        interview = await parts.store.interviews.get(link.interview_id)
        if interview.token_generation != link.generation:
            raise NotAuthenticated
    except CodeVoiceError as refused:
        return pages.trouble() if refused.status >= 500 else pages.link_invalid()
    response = RedirectResponse(place.format(link.interview_id), status_code=303)
    _set_cookies(response, link, token, secure=parts.https)
    return response


def _set_cookies(response: Response, link: Link, token: str, *, secure: bool) -> None:
    for path in _PATHS[link.purpose]:
        response.set_cookie(
            _COOKIES[link.purpose],
            token,
            path=path.format(link.interview_id),
            expires=link.expires_at,
            httponly=True,
            samesite="lax",
            secure=secure,
        )


@router.get("/interview/{interview_id}")
async def invitation(seen: Ours) -> Response:
    """The invitation; whoever has agreed already is taken to where the interview is."""
    facts = Facts.of(seen.interview)
    if facts.place.endswith(facts.id):
        return pages.invitation(facts)
    return RedirectResponse(facts.place, status_code=303)


@router.get("/interview/{interview_id}/check")
async def check(seen: Ours, ways: OurWays) -> Response:
    """The sound check, which may be done before the interview opens."""
    facts = Facts.of(seen.interview)
    if facts.early or facts.place.endswith(("/check", "/room")):
        return pages.check(facts, ways)
    return RedirectResponse(facts.place, status_code=303)


@router.get("/interview/{interview_id}/room")
async def room(seen: Ours, ways: OurWays) -> Response:
    facts = Facts.of(seen.interview)
    if facts.place.endswith(("/check", "/room")):
        return pages.room(facts, ways)
    return RedirectResponse(facts.place, status_code=303)


@router.get("/interview/{interview_id}/finished")
async def finished(seen: Ours, parts: OurParts) -> Response:
    facts = Facts.of(seen.interview)
    if facts.place.endswith("/finished"):
        kept = await parts.store.turns.of_interview(seen.interview.id)
        return pages.finished(facts, kept=bool(kept))
    return RedirectResponse(facts.place, status_code=303)


@router.get("/report/{interview_id}")
async def report(seen: ReportReader, parts: OurParts) -> Response:
    """For staff with a link, and for the candidate where the organisation granted it."""
    facts = Facts.of(seen.interview)
    try:
        return await reports.report_html(seen, parts)
    except Conflict:
        return pages.report_awaited(facts)
    except NotFound:
        if seen.role == LinkPurpose.CANDIDATE:
            return RedirectResponse(facts.place, status_code=303)
        return pages.no_report(facts)
