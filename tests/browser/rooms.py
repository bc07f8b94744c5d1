"""Ways into the room that several tests take."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

ANSWER = "The hash of the key picks a bucket, and two keys may share a bucket, a collision."


async def agree(page: Page, link: str) -> None:
    """From the link, past the consent, to the sound check."""
    await page.goto(link)
    await page.get_by_label("I have read this").check()
    await page.get_by_role("button", name="Agree and go on").click()
    await expect(page.get_by_role("heading", name="A quick sound check")).to_be_visible()


async def enter(page: Page, link: str) -> None:
    """Into the room, which asks how to join."""
    await agree(page, link)
    await page.goto(page.url.replace("/check", "/room"))


async def start_typing(page: Page, link: str) -> None:
    """Into the room, to answer by typing."""
    await agree(page, link)
    await page.get_by_role("link", name="Type my answers instead").click()
    await expect(page.get_by_text("Question 1 of 3")).to_be_visible()


async def join_by_voice(page: Page, link: str) -> None:
    """Into the room, with the microphone on; whether an interviewer is there is not waited for."""
    await agree(page, link)
    await page.get_by_role("button", name="Turn on the microphone").click()
    await page.get_by_role("button", name="Start the interview").click()


async def start_speaking(page: Page, link: str) -> None:
    """Into the room, where the interviewer begins to speak."""
    await join_by_voice(page, link)
    await expect(page.locator("#stage")).to_have_attribute("data-state", "speaking", timeout=20_000)


async def type_answer(page: Page, text: str = ANSWER) -> None:
    await page.get_by_label("Type an answer").fill(text)
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".line.candidate").last).to_contain_text(text)


async def violations(page: Page) -> list[tuple[str, list[str]]]:
    """What axe finds wrong with the page as it stands: rule and places."""
    found: dict[str, Any] = (await Axe().run(page)).response
    return [
        (each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found["violations"]
    ]
