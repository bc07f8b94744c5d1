"""A line that does not come: what the room says of it, and when it stops trying."""

from __future__ import annotations

import json
import re

import pytest
from playwright.async_api import Locator, Page, expect

from contracts.ice import ice_server
from local.processes import Child
from tests.browser.conftest import Launch
from tests.browser.rooms import enter, join_by_voice, type_answer
from tests.browser.site import Site

pytestmark = pytest.mark.usefixtures("asking")

BUSY = "Every interviewer is busy just now"
A_LITTLE_LATER = "05:00"
TEN_MINUTES_LATER = "10:30"
#: Whether an interviewer has waited on the line before or not.
ANY_TIME = re.compile("idle|again")
STOPPED = "We tried for ten minutes and have stopped."
#: What settings refuse, and a browser too.
NO_CREDENTIALS = json.dumps([{"urls": "turn:turn.example.org"}])


def problems(page: Page) -> Locator:
    return page.locator("#problems")


async def has_stopped(page: Page, title: str) -> None:
    await expect(problems(page)).to_contain_text(STOPPED, timeout=40_000)
    await expect(problems(page)).to_contain_text(title)
    await expect(problems(page).get_by_role("button")).to_have_text(["Try again", "Type instead"])
    await expect(page.locator("#stage")).to_have_attribute("data-state", ANY_TIME)


async def test_nobody_is_waited_for_longer_than_ten_minutes(
    quiet_page: Page, site: Site, nobody_speaks: Child
) -> None:
    page = quiet_page
    await page.clock.install()
    await join_by_voice(page, site.link(await site.invite()))
    await expect(page.locator("#state")).to_have_text(BUSY, timeout=20_000)
    await page.clock.fast_forward(A_LITTLE_LATER)
    await expect(page.locator("#state")).to_have_text(BUSY)
    await page.clock.fast_forward(TEN_MINUTES_LATER)
    await has_stopped(page, "Every interviewer is busy just now.")
    await problems(page).get_by_role("button", name="Try again").click()
    await expect(problems(page)).to_be_empty()
    await expect(page.locator("#state")).to_have_text(BUSY, timeout=20_000)
    await expect(problems(page)).to_be_empty()


async def test_a_network_that_blocks_calls_is_named_in_the_room_and_not_tried_for_ever(
    launch: Launch, site: Site, speaking: Child
) -> None:
    browser = await launch("--webrtc-ip-handling-policy=disable_non_proxied_udp")
    page = await browser.new_page()
    await page.clock.install()
    await join_by_voice(page, site.link(await site.invite()))
    await expect(problems(page)).to_contain_text("block calls (UDP)", timeout=30_000)
    await expect(problems(page)).to_contain_text("We keep trying.")
    await page.clock.fast_forward(TEN_MINUTES_LATER)
    await has_stopped(page, "The sound does not get through.")
    await problems(page).get_by_role("button", name="Type instead").click()
    await expect(problems(page)).to_be_empty()
    await type_answer(page)
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")
    await browser.close()


async def test_a_line_that_the_browser_itself_refuses_is_told_with_a_way_on(
    page: Page, site: Site
) -> None:
    await enter(page, site.link(await site.invite()))
    await page.evaluate("servers => { document.body.dataset.ice = servers }", NO_CREDENTIALS)
    await page.get_by_role("button", name="Join by voice").click()
    await expect(problems(page)).to_contain_text("The sound line could not be opened.")
    await problems(page).get_by_role("button", name="Type instead").click()
    await type_answer(page)
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")


async def test_the_browser_takes_a_turn_server_as_it_is_set(page: Page) -> None:
    server = ice_server("turn:ada:secret@turn.example.org:3478?transport=udp")
    told = await page.evaluate(
        "servers => new RTCPeerConnection({ iceServers: servers }).getConfiguration().iceServers",
        [server],
    )
    assert told == [{**server, "urls": [server["urls"]]}]
