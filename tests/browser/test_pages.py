"""Every page: no accessibility violation, no sideways scrolling, no script or style in the page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from contracts.interview import InterviewStatus
from tests.browser.rooms import violations
from tests.browser.site import Site

#: Each page by the state an interview must be in for it, and its address under the interview's.
PAGES = {
    "invitation": (InterviewStatus.WAITING, ""),
    "check": (InterviewStatus.IN_PROGRESS, "/check"),
    "room": (InterviewStatus.IN_PROGRESS, "/room"),
    "paused": (InterviewStatus.PAUSED, "/room"),
    "grading": (InterviewStatus.GRADING, "/finished"),
    "completed": (InterviewStatus.COMPLETED, "/finished"),
    "declined": (InterviewStatus.DECLINED, "/finished"),
    "expired": (InterviewStatus.EXPIRED, "/finished"),
    "cancelled": (InterviewStatus.CANCELLED, "/finished"),
    "failed": (InterviewStatus.FAILED, "/finished"),
}
OPEN_PAGES = {"home": "/", "wrong-link": "/i/not-a-token", "not-yours": "/interview/1/room"}

#: 1280 px at 200 % zoom, and WCAG's reflow width.
NARROW = {"zoom-200": 640, "reflow-320": 320}

HOW_MANY_MOVE = """() => [...document.querySelectorAll('*')]
    .filter(each => getComputedStyle(each).animationName !== 'none').length"""


async def open_page(page: Page, site: Site, name: str) -> None:
    if name in OPEN_PAGES:
        await page.goto(site.url + OPEN_PAGES[name])
        return
    status, place = PAGES[name]
    interview = await site.a_row(status)
    await page.goto(site.link(interview))
    await page.goto(f"{site.url}/interview/{interview.id}{place}")
    assert page.url.endswith(f"{interview.id}{place}"), page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [*PAGES, *OPEN_PAGES])
async def test_no_page_has_an_accessibility_violation(
    browser: Browser, site: Site, name: str, scheme: Any
) -> None:
    visitor = await browser.new_context(
        color_scheme=scheme, reduced_motion="reduce", bypass_csp=True
    )
    page = await visitor.new_page()
    await open_page(page, site, name)
    assert await violations(page) == []
    await visitor.close()


@pytest.mark.parametrize("width", NARROW.values(), ids=NARROW.keys())
@pytest.mark.parametrize("name", [*PAGES, *OPEN_PAGES])
async def test_no_page_scrolls_sideways(
    browser: Browser, site: Site, name: str, width: int
) -> None:
    visitor = await browser.new_context(viewport={"width": width, "height": 480})
    page = await visitor.new_page()
    await open_page(page, site, name)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await visitor.close()


@pytest.mark.parametrize("name", [*PAGES, *OPEN_PAGES])
async def test_every_page_lives_under_the_strict_content_policy(
    context: BrowserContext, page: Page, site: Site, name: str
) -> None:
    broken: list[str] = []
    page.on(
        "console",
        lambda message: broken.append(message.text) if "Content Security" in message.text else None,
    )
    await open_page(page, site, name)
    served = await (await page.request.get(page.url)).text()
    assert not re.search(r"<style|<script(?![^>]* src=)|\s(style|on\w+)=", served)
    assert broken == []


async def test_nothing_moves_for_those_who_asked_for_less_motion(
    browser: Browser, site: Site
) -> None:
    visitor = await browser.new_context(reduced_motion="reduce")
    page = await visitor.new_page()
    await open_page(page, site, "room")
    for state in ("speaking", "thinking", "connecting", "reconnecting"):
        await page.evaluate("state => { stage.dataset.state = state }", state)
        assert await page.evaluate(HOW_MANY_MOVE) == 0, state
    await visitor.close()


async def test_the_link_becomes_a_cookie_that_no_script_can_read(page: Page, site: Site) -> None:
    interview = await site.a_row(InterviewStatus.WAITING)
    await page.goto(site.link(interview))
    assert page.url == f"{site.url}/interview/{interview.id}"
    cookies = await page.context.cookies(page.url)
    assert [cookie["httpOnly"] for cookie in cookies] == [True]
    assert [cookie["sameSite"] for cookie in cookies] == ["Lax"]
    assert await page.evaluate("document.cookie") == ""


async def test_one_browser_holds_two_interviews(page: Page, site: Site) -> None:
    first, second = [await site.a_row(InterviewStatus.WAITING) for _ in range(2)]
    await page.goto(site.link(first))
    await page.goto(site.link(second))
    await page.goto(f"{site.url}/interview/{first.id}")
    assert await page.title() == "Your interview – CodeVoice"


async def test_a_wrong_link_and_a_foreign_one_look_alike(page: Page, site: Site) -> None:
    interview = await site.a_row(InterviewStatus.WAITING)
    told = []
    for token in ("x", site.staff_link(interview).rsplit("/", 1)[1]):
        reply = await page.goto(f"{site.url}/i/{token}")
        assert reply is not None
        told.append((reply.status, await page.locator("main").inner_text()))
    assert told[0] == told[1]
    assert told[0][0] == 401


async def test_the_invitation_says_what_comes(page: Page, site: Site) -> None:
    interview = await site.a_row(InterviewStatus.WAITING)
    await page.goto(site.link(interview))
    words = " ".join((await page.locator("main").inner_text()).split())
    count = len(interview.start.questions)
    for promise in (
        f"reads {count} questions aloud",
        "at most 30 min",
        "An AI interviewer asks",
        "A person decides",
        "What is recorded",
        "Who sees it",
        "The line drops",
        "Type any answer",
    ):
        assert promise in words
