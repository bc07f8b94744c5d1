"""Consent: kept as it was given, before a later opening too, and withdrawn until the beginning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import text

from contracts.interview import InterviewStatus, Move
from db.rows import Interview
from tests.browser.rooms import agree, start_typing, type_answer, violations
from tests.browser.site import Site
from tests.builders import a_new_interview
from tests.waiting import eventually
from web.consent import current

pytestmark = pytest.mark.usefixtures("asking")

CHECK = "A quick sound check"


async def scheduled(site: Site, in_s: float) -> Interview:
    start = (await a_new_interview(site.store)).start
    opens = datetime.now(UTC) + timedelta(seconds=in_s)
    return await site.invite(start=start.model_copy(update={"starts_at": opens}))


async def agree_early(page: Page, site: Site, interview: Interview) -> None:
    await page.goto(site.link(interview))
    await expect(page.get_by_text("This interview opens at")).to_be_visible()
    await page.get_by_label("I have read this").check()
    await page.get_by_role("button", name="Agree and go on").click()
    await expect(page.get_by_text("You have agreed. It opens at")).to_be_visible()


async def declined(page: Page) -> None:
    await page.get_by_role("button", name="Decline", exact=True).click()
    await page.get_by_role("button", name="Decline the interview").click()
    await expect(page.get_by_role("heading", name="You declined this interview.")).to_be_visible()


async def test_the_version_that_was_agreed_to_is_kept(page: Page, site: Site) -> None:
    interview = await site.invite()
    await agree(page, site.link(interview))
    kept = text("SELECT text_version FROM consents WHERE interview_id = :id")
    rows = await site.store.database.rows(kept, {"id": interview.id})
    assert [row["text_version"] for row in rows] == [current().version]


async def test_who_agrees_early_is_told_so_and_goes_on_when_it_opens(
    page: Page, site: Site
) -> None:
    interview = await scheduled(site, in_s=12)
    await agree_early(page, site, interview)
    assert interview.start.starts_at is not None
    opens = f"{interview.start.starts_at:%H:%M} UTC"
    await expect(page.get_by_role("status")).to_contain_text(opens)
    await expect(page.get_by_label("I have read this")).to_have_count(0)
    await expect(page.get_by_role("heading", name=CHECK)).to_be_visible(timeout=30_000)
    await expect(page.get_by_role("link", name="Type my answers instead")).to_be_visible()


async def test_the_sound_check_may_be_done_early_and_opens_the_room_later(
    page: Page, site: Site
) -> None:
    await agree_early(page, site, await scheduled(site, in_s=15))
    await page.get_by_role("link", name="Do the sound check now").click()
    await page.get_by_role("button", name="Turn on the microphone").click()
    await expect(page.get_by_role("button", name="Record")).to_be_enabled()
    start = page.get_by_role("button", name="Start the interview")
    await expect(page.get_by_text("The interview opens at")).to_be_visible()
    await expect(start).to_be_hidden()
    await expect(start).to_be_enabled(timeout=40_000)
    await expect(start).to_be_visible()
    await expect(page.get_by_text("The interview opens at")).to_have_count(0)


async def test_who_has_agreed_may_still_decline(page: Page, site: Site) -> None:
    interview = await scheduled(site, in_s=3600)
    await agree_early(page, site, interview)
    await declined(page)
    for place in ("/check", "/room"):
        await agree(page, site.link(await site.invite()))
        await page.goto(page.url.replace("/check", place))
        await declined(page)


async def test_what_has_begun_is_not_declined_any_more(page: Page, site: Site) -> None:
    await start_typing(page, site.link(await site.invite()))
    await type_answer(page)
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("button", name="Answer by typing")).to_be_visible()
    await expect(page.get_by_role("button", name="Decline")).to_have_count(0)


async def test_an_interview_called_off_before_it_opens_is_told(page: Page, site: Site) -> None:
    interview = await scheduled(site, in_s=4)
    await agree_early(page, site, interview)
    await page.context.set_offline(True)
    await site.interviews.cancel(interview.id, Move())

    async def ended() -> bool:
        row = await site.store.interviews.get(interview.id)
        return row.status is InterviewStatus.CANCELLED

    await eventually(ended)
    await page.context.set_offline(False)
    await expect(page.get_by_role("heading", name="This interview was called off.")).to_be_visible(
        timeout=20_000
    )


async def test_the_pages_before_the_opening_are_accessible(browser: Browser, site: Site) -> None:
    visitor = await browser.new_context(bypass_csp=True, reduced_motion="reduce")
    page = await visitor.new_page()
    await agree_early(page, site, await scheduled(site, in_s=3600))
    assert await violations(page) == []
    await page.get_by_role("button", name="Decline", exact=True).click()
    assert await violations(page) == []
    await page.get_by_role("button", name="Stay here").click()
    await page.get_by_role("link", name="Do the sound check now").click()
    await expect(page.get_by_text("The interview opens at")).to_be_visible()
    assert await violations(page) == []
    await visitor.close()
