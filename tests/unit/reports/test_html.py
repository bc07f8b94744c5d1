"""The page holds everything, runs nothing and can be read by everybody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, Route, async_playwright

from contracts.grades import Flag, Verdict
from contracts.interview import Outcome
from contracts.report import Report
from contracts.turns import Speaker, TurnPurpose
from questions.loader import starter_bank
from reports.build import build_report
from reports.html import CONTENT_SECURITY_POLICY, render_html
from tests.browser.conftest import chromium_program
from tests.unit.reports.interviews import INTERVIEW, Told

BANK = {question.slug: question for question in starter_bank()}
ADDRESS = "https://report.test/"
EVIL = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>\"'>&{{ 7 * 7 }}"


def whole(said: str = "A hash function picks a bucket.", name: str | None = "Ada") -> Report:
    told = Told()
    told.say(Speaker.INTERVIEWER, TurnPurpose.GREETING, "System online.")
    verdicts = [Verdict.COVERED, Verdict.PARTIAL, Verdict.MISSED, Verdict.CONTRADICTED]
    told.answer(
        BANK["hash-table-lookup"], [said], verdicts, flags=(Flag.KEYWORD_LIST,), raw=f"{said} hm"
    )
    told.answer(BANK["binary-search"], [said], None, typed=True)
    told.answer(
        BANK["sharding-strategy"], [said], [Verdict.MISSED] * 5, outcome=Outcome.INTERRUPTED
    )
    told.plan(BANK["mvcc"], Outcome.UNASKED)
    told.plan(BANK["generators"], Outcome.SKIPPED)
    return build_report(told.inputs(complete=False, name=name))


class Words(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.tags = "", list[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") or name == "style" for name, _ in attrs), attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_it_says_everything_that_the_report_holds() -> None:
    report = whole()
    text = " ".join(Words(render_html(report)).text.split())
    for question in report.questions:
        assert question.prompt in text
        assert question.model_answer in text
        assert all(point.text in text for point in question.points)
        assert all(turn.text in text for turn in question.turns)
    assert "1 answer has no grade yet. A new version of this report follows" in text
    assert "Heard as: A hash function picks a bucket. hm" in text
    assert "close to a list of keywords" in text
    assert "indicative" in text
    assert "hash-table-lookup@1" in text
    assert "System online." in text


def test_what_was_said_is_never_markup() -> None:
    page = Words(render_html(whole(said=EVIL, name=EVIL)))
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert page.text.count(EVIL) >= 5


def test_each_recorded_turn_can_be_heard() -> None:
    report = whole()
    page = render_html(report)
    spoken = [turn for q in report.questions for turn in q.turns if turn.kind == "spoken"]
    for turn in spoken:
        assert f'src="/api/v1/interviews/{INTERVIEW}/turns/{turn.number}/audio"' in page
    assert page.count("<audio") == len(spoken) + len(report.other_turns)
    alone = render_html(report, online=False)
    assert "<audio" not in alone
    assert "/api/" not in alone


def test_a_report_read_back_from_its_json_gives_the_same_page() -> None:
    report = whole()
    again = Report.model_validate(json.loads(report.model_dump_json()))
    assert render_html(again) == render_html(report)


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_program(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        await browser.close()


async def opened(browser: Browser, report: Report, *, axe: bool = False) -> Page:
    """The page as the server sends it; the tester's own script needs the policy lifted."""
    context = await browser.new_context(bypass_csp=axe)
    page = await context.new_page()

    async def serve(route: Route) -> None:
        headers = {"content-security-policy": CONTENT_SECURITY_POLICY}
        await route.fulfill(
            body=render_html(report), content_type="text/html; charset=utf-8", headers=headers
        )

    await page.route(ADDRESS, serve)
    await page.route("**/audio", lambda route: route.abort())
    return page


async def test_axe_finds_nothing_with_every_section_open(browser: Browser) -> None:
    page = await opened(browser, whole(), axe=True)
    await page.goto(ADDRESS)
    await page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = await Axe().run(page, options={"runOnly": tags})
    assert found.violations_count == 0, found.generate_report()


async def test_the_policy_lets_all_of_it_show_and_none_of_it_run(browser: Browser) -> None:
    page = await opened(browser, whole(said=EVIL, name=EVIL))
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    await page.goto(ADDRESS)
    assert await page.evaluate("window.hacked") is None
    assert [text for text in complaints if "ontent Security" in text] == []
    colour = await page.eval_on_selector("h1", "it => getComputedStyle(it).color")
    assert colour == "rgb(29, 39, 51)", "the style sheet applies"


async def test_it_fits_a_narrow_screen(browser: Browser) -> None:
    page = await opened(browser, whole(said="x" * 400))
    await page.set_viewport_size({"width": 320, "height": 800})
    await page.goto(ADDRESS)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320


async def test_a_quote_leads_to_its_turn_and_opens_the_transcript(browser: Browser) -> None:
    page = await opened(browser, whole())
    await page.goto(ADDRESS)
    await page.eval_on_selector_all("details", "all => all.forEach(one => one.open = false)")
    await page.locator("blockquote a").first.click()
    number = page.url.rpartition("#")[2]
    await page.locator(f"#{number}").wait_for(state="visible")
