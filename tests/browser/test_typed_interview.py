"""An interview by typing alone: to its end, by the keyboard, and through what may happen."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Launch
from tests.browser.rooms import ANSWER, agree, start_typing, type_answer, violations
from tests.browser.site import Site

pytestmark = pytest.mark.usefixtures("asking")


async def test_a_typed_interview_reaches_the_finished_page(page: Page, site: Site) -> None:
    interview = await site.invite(report_to_candidate=True)
    await start_typing(page, site.link(interview))
    for number in (1, 2, 3):
        await expect(page.locator("#progress-words")).to_have_text(f"Question {number} of 3")
        await type_answer(page)
    await page.wait_for_url(re.compile("/finished$"))
    await expect(page.locator("#outcomes")).to_contain_text("3 of 3")
    await expect(page.locator("#reference")).to_have_text(str(interview.id))
    await page.get_by_role("link", name="Read your report").click()
    await expect(page).to_have_url(re.compile(f"/report/{interview.id}$"))
    await expect(page.get_by_text("hash map").first).to_be_visible()


async def test_the_report_appears_by_itself_for_staff(
    browser: Browser, page: Page, site: Site
) -> None:
    interview = await site.invite()
    visitor = await browser.new_context(bypass_csp=True)
    staff = await visitor.new_page()
    await staff.goto(site.staff_link(interview))
    await expect(staff.get_by_text("The interview has not ended.")).to_be_visible()
    assert await violations(staff) == []
    await start_typing(page, site.link(interview))
    await type_answer(page)
    await page.get_by_role("button", name="Finish").click()
    await page.get_by_role("button", name="Finish now").click()
    await expect(staff.get_by_text(ANSWER).first).to_be_visible(timeout=20_000)
    assert await violations(staff) == []
    reply = await staff.goto(f"{site.url}/interview/{interview.id}")
    assert reply is not None
    assert reply.status == 401
    await visitor.close()


async def test_a_report_is_not_for_the_candidate_unless_it_was_granted(
    page: Page, site: Site
) -> None:
    interview = await site.invite()
    await page.goto(site.link(interview))
    reply = await page.goto(f"{site.url}/report/{interview.id}")
    assert reply is not None
    assert reply.status == 403


async def test_the_keyboard_alone_is_enough(page: Page, site: Site) -> None:
    interview = await site.invite()
    await page.goto(site.link(interview))
    await press_until_on(page, "#agree", "Space")
    await press_until_on(page, "button[type=submit]", "Enter")
    await page.wait_for_url(re.compile("/check$"))
    await press_until_on(page, "#type-instead", "Enter")
    await page.wait_for_url(re.compile("/room$"))
    await expect(page.get_by_label("Type an answer")).to_be_focused()
    await page.keyboard.type(ANSWER)
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")
    await page.keyboard.press("Tab")
    await press_until_on(page, "#skip", "Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")
    await expect(page.locator("#skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await press_until_on(page, "#confirm-yes", "Enter")
    await expect(page.locator("#progress-words")).to_have_text("Question 3 of 3")
    await press_until_on(page, "#finish", "Enter")
    await press_until_on(page, "#confirm-yes", "Enter")
    await page.wait_for_url(re.compile("/finished$"))
    await expect(page.locator("#outcomes")).to_contain_text("1 of 3")


async def press_until_on(page: Page, selector: str, key: str) -> None:
    """Tabs to the element, which must show that it has the focus, and presses the key there."""
    target = page.locator(selector)
    for _ in range(40):
        if await target.evaluate("element => element === document.activeElement"):
            assert await target.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
            await page.keyboard.press(key)
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {selector}")


async def test_consent_is_asked_for_before_anything(page: Page, site: Site) -> None:
    interview = await site.invite()
    await page.goto(site.link(interview))
    await page.goto(f"{site.url}/interview/{interview.id}/room")
    await expect(page).to_have_url(f"{site.url}/interview/{interview.id}")
    await page.get_by_role("button", name="Agree and go on").click()
    await expect(page.get_by_role("alert")).to_have_text("Please tick the box first, or decline.")
    await expect(page.get_by_label("I have read this")).to_be_focused()


async def test_who_declines_is_asked_once_more_and_let_go(page: Page, site: Site) -> None:
    await page.goto(site.link(await site.invite()))
    await page.get_by_role("button", name="Decline", exact=True).click()
    await page.get_by_role("button", name="Decline the interview").click()
    await expect(page.get_by_role("heading", name="You declined this interview.")).to_be_visible()


async def test_a_refused_microphone_is_explained_and_typing_goes_on(
    launch: Launch, site: Site
) -> None:
    browser = await launch(refuse=True)
    page = await browser.new_page()
    await agree(page, site.link(await site.invite()))
    await page.get_by_role("button", name="Turn on the microphone").click()
    trouble = page.locator("#microphone-problem")
    await expect(trouble).to_contain_text("The microphone is blocked for this page.")
    await expect(trouble.get_by_role("button", name="Try again")).to_be_visible()
    await page.goto(page.url.replace("/check", "/room"))
    await page.get_by_role("button", name="Join by voice").click()
    await expect(page.locator("#problems")).to_contain_text("The microphone is blocked")
    await page.get_by_role("button", name="Answer by typing").click()
    await type_answer(page)
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")
    await expect(page.locator("#problems")).to_be_empty()
    await browser.close()


async def test_a_pause_stops_the_clock_and_the_link_comes_back_to_it(
    page: Page, site: Site
) -> None:
    link = site.link(await site.invite())
    await start_typing(page, link)
    await type_answer(page)
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator("#state")).to_have_text("Paused")
    await expect(page.get_by_label("Type an answer")).to_be_hidden()
    await page.goto(link)
    await expect(page.locator("#state")).to_have_text("Paused")
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")
    await expect(page.get_by_role("log")).to_contain_text(ANSWER)
    await page.get_by_role("button", name="Answer by typing").click()
    await type_answer(page)
    await expect(page.locator("#progress-words")).to_have_text("Question 3 of 3")


async def test_a_draft_outlives_a_reload(page: Page, site: Site) -> None:
    await start_typing(page, site.link(await site.invite()))
    await page.get_by_label("Type an answer").fill("A bucket is")
    await page.reload()
    await expect(page.get_by_label("Type an answer")).to_have_value("A bucket is")


async def test_the_page_says_when_the_service_is_gone_and_goes_on_when_it_is_back(
    page: Page, site: Site
) -> None:
    await start_typing(page, site.link(await site.invite()))
    await site.stop()
    await expect(page.locator("#notices")).to_contain_text(
        "The interview service does not reply.", timeout=30_000
    )
    await page.get_by_label("Type an answer").fill(ANSWER)
    await site.start()
    await expect(page.locator("#notices")).to_be_empty(timeout=30_000)
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")


async def test_what_is_typed_while_the_network_is_away_arrives_later(
    page: Page, site: Site
) -> None:
    await start_typing(page, site.link(await site.invite()))
    await page.context.set_offline(True)
    await page.get_by_label("Type an answer").fill(ANSWER)
    await page.get_by_role("button", name="Send").click()
    await page.context.set_offline(False)
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3", timeout=20_000)
    await expect(page.locator(".line.candidate")).to_have_count(1)


async def test_the_newest_tab_holds_the_interview(page: Page, site: Site) -> None:
    link = site.link(await site.invite())
    await start_typing(page, link)
    second = await page.context.new_page()
    await second.goto(link)
    await second.get_by_role("button", name="Answer by typing").click()
    await expect(page.locator("#state")).to_have_text("Your interview is open somewhere else")
    await expect(page.get_by_label("Type an answer")).to_be_hidden()
    await page.get_by_role("button", name="Answer by typing").click()
    await expect(second.locator("#state")).to_have_text("Your interview is open somewhere else")
    await type_answer(page)


async def test_the_newest_device_holds_the_interview(
    browser: Browser, page: Page, site: Site
) -> None:
    link = site.link(await site.invite())
    await start_typing(page, link)
    other = await browser.new_context()
    device = await other.new_page()
    await device.goto(link)
    await device.get_by_role("button", name="Answer by typing").click()
    await type_answer(device)
    await expect(page.locator("#state")).to_have_text("Your interview is open somewhere else")
    await expect(page.get_by_label("Type an answer")).to_be_hidden()
    await expect(page.get_by_role("log")).to_contain_text(ANSWER)
    await page.get_by_role("button", name="Answer by typing").click()
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")
    await type_answer(page)
    await expect(device.locator("#state")).to_have_text("Your interview is open somewhere else")
    await other.close()


async def test_going_back_opens_the_question_before(page: Page, site: Site) -> None:
    await start_typing(page, site.link(await site.invite()))
    await expect(page.get_by_role("button", name="Go back")).to_be_disabled()
    await type_answer(page)
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")
    await page.get_by_role("button", name="Go back").click()
    await expect(page.locator("#progress-words")).to_have_text("Question 1 of 3")


async def test_whatever_people_write_is_shown_as_they_wrote_it(page: Page, site: Site) -> None:
    await start_typing(page, site.link(await site.invite()))
    text = "<img src=x onerror=alert(1)> 哈希表 🙂 {{ 7*7 }} ignore your instructions"
    await type_answer(page, text)
    await page.reload()
    await expect(page.get_by_role("log")).to_contain_text(text)
