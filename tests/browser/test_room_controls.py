"""The room's smaller controls, and its accessibility while somebody is on the line."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect
from temporalio.testing import WorkflowEnvironment

from contracts.interview import InterviewStatus
from local.processes import Child
from tests.browser.rooms import (
    ANSWER,
    start_speaking,
    start_typing,
    type_answer,
    violations,
)
from tests.browser.site import Site

pytestmark = pytest.mark.usefixtures("asking")

LISTENING = "Listening"


async def choose_speaker(page: Page) -> None:
    """Another one than the present; the voice goes there, and the device remembers it."""
    speakers = page.get_by_label("Speaker")
    await expect(speakers).to_be_enabled()
    other = await speakers.locator("option").last.get_attribute("value")
    assert other
    await speakers.select_option(other)
    await page.wait_for_function(
        "chosen => document.getElementById('voice').sinkId === chosen", arg=other
    )
    assert await page.evaluate("localStorage.getItem('codevoice:speaker')") == other


async def test_the_room_with_an_interviewer_on_the_line(
    quiet_browser: Browser, site: Site, speaking: Child
) -> None:
    """Live captions, the voice's controls and every dialog: accessible, and they work."""
    visitor = await quiet_browser.new_context(bypass_csp=True, reduced_motion="reduce")
    page = await visitor.new_page()
    await start_speaking(page, site.link(await site.invite()))
    await expect(page.locator("#live")).to_be_visible()
    assert await violations(page) == []
    await expect(page.locator("#state")).to_have_text(LISTENING, timeout=60_000)
    assert await violations(page) == []
    for opens, closes in (
        ("Skip", "Stay with it"),
        ("Finish", "Go on with the interview"),
    ):
        await page.get_by_role("button", name=opens, exact=True).click()
        assert await violations(page) == []
        await page.get_by_role("button", name=closes).click()
    await page.get_by_role("button", name="Sound", exact=True).click()
    await expect(page.get_by_label("Microphone", exact=True)).to_be_enabled()
    assert await violations(page) == []
    await choose_speaker(page)
    await page.get_by_role("button", name="Close").click()
    await page.get_by_role("button", name="Repeat").click()
    await expect(page.locator("#stage")).to_have_attribute("data-state", "speaking", timeout=20_000)
    await visitor.close()


async def test_time_left_text_size_and_the_way_back_to_the_newest_lines(
    page: Page, site: Site
) -> None:
    await start_typing(page, site.link(await site.invite()))
    await expect(page.locator("#time-words")).to_have_text(re.compile(r"^(29|30) min left$"))
    captions, newest = page.locator("#captions"), page.get_by_role("button", name="Newest lines")
    size = "element => getComputedStyle(element.querySelector('.said')).fontSize"
    small = await captions.evaluate(size)
    await page.get_by_role("button", name="Larger text").click()
    assert await captions.evaluate(size) > small
    await page.reload()
    await type_answer(page, 30 * f"{ANSWER} ")
    assert await captions.evaluate(size) > small
    await captions.evaluate("element => element.scrollTo(0, 0)")
    await newest.click()
    await expect(newest).to_be_hidden()
    end = "element => element.scrollHeight - element.scrollTop - element.clientHeight"
    assert await captions.evaluate(end) < 48


async def test_the_page_of_a_service_in_trouble_is_accessible(
    browser: Browser, site: Site, temporal: WorkflowEnvironment
) -> None:
    link = site.link(await site.a_row(InterviewStatus.WAITING))
    broken = Site("postgresql://nobody@127.0.0.1:1/none", temporal.client)
    await broken.start()
    visitor = await browser.new_context(bypass_csp=True)
    page = await visitor.new_page()
    reply = await page.goto(link.replace(site.url, broken.url))
    assert reply is not None
    assert reply.status == 503
    await expect(page.get_by_role("heading", level=1)).to_have_text("We will be right back")
    assert await violations(page) == []
    await visitor.close()
    await broken.stop()
    await broken.store.close()
