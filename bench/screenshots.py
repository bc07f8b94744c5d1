"""`make screenshots`: the README's pictures, from a spoken interview in a real browser.

`python -m bench.screenshots FOLDER` starts the product in a folder of its own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import wave
from pathlib import Path
from typing import Any, Final

import numpy as np
from playwright.async_api import Page, async_playwright, expect
from rich.console import Console

from bench.respondent import Respondent
from bench.voices import RATE_HZ, ShiftedHeart
from local.product import Product
from local.run import new_interview, started
from questions.draw import draw
from questions.loader import starter_bank
from settings import load

#: The microphone's file begins when the browser opens it: about here the question has been asked.
_ANSWER_AFTER_S: Final = 24
_SEED: Final = 7
#: As much of the report as shows the first question with its evidence.
_REPORT_HEIGHT: Final = 1900
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


async def take_pictures(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="codevoice-pictures-") as scratch:
        Path(scratch).chmod(0o711)
        settings = load({**os.environ, "DATA_DIR": f"{scratch}/data"})
        async with started(settings, Console(stderr=True)) as stack:
            await _interview(Product(stack.url, stack.api_key), Path(scratch), folder)


async def _interview(product: Product, scratch: Path, folder: Path) -> None:
    asked = draw(starter_bank(), None, None, 3, _SEED)
    slugs = [question.slug for question in asked]
    made = await new_interview(product, candidate={"name": "Ada Example"}, questions=slugs)
    respondent = Respondent()
    voice = _recorded(scratch / "voice.wav", respondent.answer(asked[0].prompt))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=os.environ.get("CODEVOICE_CHROMIUM")
            or next(filter(None, map(shutil.which, _BROWSERS)), None),
            args=[
                *("--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"),
                *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
                f"--use-file-for-fake-audio-capture={voice}%noloop",
            ],
        )
        page = await browser.new_page(viewport={"width": 1280, "height": 860})
        await _speak(page, made["join_url"], folder)
        await _type_the_rest(page, respondent)
        await _see_report(page, product, made, folder)
        await browser.close()


async def _speak(page: Page, link: str, folder: Path) -> None:
    """Past consent and sound check into the room; pictured while an answer is being given."""
    await page.goto(link)
    await page.get_by_label("I have read this").check()
    await page.get_by_role("button", name="Agree and go on").click()
    await page.get_by_role("button", name="Turn on the microphone").click()
    await page.get_by_role("button", name="Start the interview").click()
    await expect(page.locator("#lines .candidate").last).to_be_visible(timeout=90_000)
    await page.wait_for_timeout(1500)
    await page.screenshot(path=folder / "room.png")


async def _type_the_rest(page: Page, respondent: Respondent) -> None:
    """What is asked after the spoken answer is answered by typing, until the interview is over."""
    async with asyncio.timeout(240):
        while "/finished" not in page.url:
            status: dict[str, Any] = await page.evaluate(
                "() => fetch(location.pathname.replace('/interview/', '/api/v1/interviews/')"
                ".replace('/room', '')).then(reply => reply.json())"
            )
            question = status.get("current_question")
            spoken = question and (question["number"], question["revision"]) == (1, 1)
            if question and not spoken and not status["assessing"]:
                await page.get_by_label("Type an answer").fill(respondent.answer(question["text"]))
                await page.get_by_role("button", name="Send").click()
            await page.wait_for_timeout(1500)


async def _see_report(page: Page, product: Product, made: dict[str, str], folder: Path) -> None:
    async with asyncio.timeout(60):
        while True:
            status = await asyncio.to_thread(product.call, "GET", f"/interviews/{made['id']}")
            if status["status"] == "completed":
                break
            await asyncio.sleep(0.3)
    await page.set_viewport_size({"width": 1280, "height": _REPORT_HEIGHT})
    await page.goto(made["report_url"])
    await page.screenshot(path=folder / "report.png")


def _recorded(path: Path, text: str) -> Path:
    said = np.concatenate([np.zeros(_ANSWER_AFTER_S * RATE_HZ, np.int16), ShiftedHeart().say(text)])
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", "NONE"))
        file.writeframes(said.tobytes())
    return path


if __name__ == "__main__":
    asyncio.run(take_pictures(Path(sys.argv[1])))
