"""Interviews that end without a report: what staff and the candidate are told."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from contracts.interview import InterviewStatus, Move
from tests.browser.rooms import start_typing, type_answer, violations
from tests.browser.site import Site
from tests.builders import a_turn

ENDED = {
    InterviewStatus.DECLINED: "The candidate declined this interview",
    InterviewStatus.EXPIRED: "This interview has expired",
    InterviewStatus.CANCELLED: "This interview was called off",
    InterviewStatus.FAILED: "This interview could not be completed",
}


async def test_staff_are_told_when_it_was_given_up(page: Page, site: Site) -> None:
    interview = await site.a_row(InterviewStatus.COMPLETED)
    given_up = interview.snapshot.model_copy(
        update={"report_given_up": True, "state_version": interview.state_version + 1}
    )
    await site.store.interviews.save_snapshot(given_up)
    reply = await page.goto(site.staff_link(interview))
    assert reply is not None
    assert reply.status == 404
    await expect(page.get_by_role("heading", level=1)).to_have_text("The report could not be made")


@pytest.mark.parametrize("status", ENDED, ids=str)
async def test_staff_are_told_how_it_ended(
    browser: Browser, site: Site, status: InterviewStatus
) -> None:
    visitor = await browser.new_context(bypass_csp=True)
    page = await visitor.new_page()
    interview = await site.a_row(status)
    reply = await page.goto(site.staff_link(interview))
    assert reply is not None
    assert reply.status == 404
    await expect(page.get_by_role("heading", level=1)).to_have_text(ENDED[status])
    await expect(page.get_by_role("main")).to_contain_text("no report")
    await expect(page.get_by_role("contentinfo")).to_contain_text(str(interview.id))
    assert await violations(page) == []
    await visitor.close()


async def test_a_candidate_who_may_see_the_report_is_told_as_a_candidate(
    page: Page, site: Site
) -> None:
    interview = await site.a_row(InterviewStatus.EXPIRED, report_to_candidate=True)
    await page.goto(site.link(interview))
    await page.goto(f"{site.url}/report/{interview.id}")
    assert page.url.endswith("/finished")


@pytest.mark.usefixtures("asking")
async def test_whoever_waits_for_a_report_is_told_that_the_interview_was_called_off(
    browser: Browser, page: Page, site: Site
) -> None:
    interview = await site.invite()
    staff = await browser.new_page()
    await staff.goto(site.staff_link(interview))
    await expect(staff.get_by_text("The interview has not ended.")).to_be_visible()
    await start_typing(page, site.link(interview))
    await type_answer(page)
    await site.interviews.cancel(interview.id, Move())
    await expect(staff.get_by_role("heading", level=1)).to_have_text(
        "This interview was called off", timeout=20_000
    )
    await page.wait_for_url("**/finished")
    kept = page.get_by_role("region", name="What was kept")
    await expect(kept).to_contain_text("1 of 3")
    await expect(kept).to_contain_text("No report is made of them.")
    await expect(page.get_by_role("heading", name="What happens next")).to_have_count(0)
    await staff.close()


@pytest.mark.parametrize("status", [InterviewStatus.EXPIRED, InterviewStatus.CANCELLED])
async def test_an_interview_that_ended_midway_says_what_was_kept(
    page: Page, site: Site, status: InterviewStatus
) -> None:
    begun, never = await site.a_row(status), await site.a_row(status)
    await site.store.turns.add(a_turn(begun, "A hash map finds a value."))
    for interview, words in (
        (begun, "Your answers as sound and text"),
        (never, "Nothing: the interview had not begun."),
    ):
        await page.goto(site.link(interview))
        await expect(page.get_by_role("region", name="What was kept")).to_contain_text(words)
        await expect(page.locator("#reference")).to_have_text(str(interview.id))
