"""The room when something fails around it: nobody free, storage, network, a closed tab."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Response, expect

from local.processes import Child
from tests.browser.conftest import Launch, Settings
from tests.browser.networks import Network
from tests.browser.rooms import ANSWER, join_by_voice, start_speaking, type_answer
from tests.browser.site import Site
from tests.browser.voices import recorded
from tests.browser.workers import started

pytestmark = pytest.mark.usefixtures("asking")

BUSY = "Every interviewer is busy just now"
BACK_AT_TWO = "Welcome back. We were at question 2."
MINUTE_S = 60
#: An answer stays open so long: these candidates are interrupted, they have not finished.
PATIENT_S = 20.0


async def status(page: Page) -> dict[str, Any]:
    told: dict[str, Any] = await page.evaluate(
        """() => fetch(`/api/v1/interviews/${document.body.dataset.interview}`)
            .then(reply => reply.json())"""
    )
    return told


def refused(reply: Response) -> bool:
    return reply.url.endswith("/join") and reply.status == 503


# ---------------------------------------------------------------------- nobody is free


async def test_who_waits_for_an_interviewer_is_told_and_hears_one_as_soon_as_there_is_one(
    quiet_page: Page, site: Site, nobody_speaks: Child
) -> None:
    page = quiet_page
    async with page.expect_response(refused) as reply:
        await join_by_voice(page, site.link(await site.invite()))
    assert int((await (await reply.value).all_headers())["retry-after"]) >= 1
    await expect(page.locator("#state")).to_have_text(BUSY)
    await expect(page.locator("#state-more")).to_contain_text("Your time does not run.")
    await expect(page.get_by_role("button", name="Try again now")).to_be_enabled()
    await expect(page.get_by_role("button", name="Answer by typing")).to_be_enabled()
    async with page.expect_response(refused):
        pass  # it goes on trying
    assert (await status(page))["clock_running"] is False
    await nobody_speaks.start()
    await expect(page.locator("#stage")).to_have_attribute("data-state", "speaking", timeout=40_000)
    await expect(page.locator("#problems")).to_be_empty()


async def test_who_does_not_wait_begins_by_typing_and_may_speak_later(
    quiet_page: Page, site: Site, nobody_speaks: Child
) -> None:
    page = quiet_page
    await join_by_voice(page, site.link(await site.invite()))
    await expect(page.locator("#state")).to_have_text(BUSY, timeout=20_000)
    await page.get_by_role("button", name="Answer by typing").click()
    await type_answer(page)
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")
    await nobody_speaks.start()
    await page.get_by_role("button", name="Speak instead").click()
    await expect(page.get_by_role("log")).to_contain_text(BACK_AT_TWO, timeout=40_000)


async def test_who_loses_the_last_interviewer_goes_on_typing_until_the_voice_comes_by_itself(
    quiet_page: Page, site: Site, nobody_speaks: Child
) -> None:
    page = quiet_page
    await nobody_speaks.start()
    await start_speaking(page, site.link(await site.invite()))
    await expect(page.locator("#state")).to_have_text("Listening", timeout=40_000)
    await nobody_speaks.stop()
    await expect(page.locator("#state")).to_have_text(BUSY, timeout=20_000)
    await expect(page.locator("#state-more")).to_contain_text("Your time does not run.")
    await type_answer(page)
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")
    await expect(page.locator("#state-more")).to_have_text(
        "We keep trying. You can go on typing meanwhile."
    )
    await nobody_speaks.start()
    await expect(page.get_by_role("log")).to_contain_text(BACK_AT_TWO, timeout=40_000)


async def test_the_only_slot_is_taken_until_its_candidate_pauses(
    quiet_browser: Browser,
    quiet_page: Page,
    site: Site,
    nobody_speaks: Child,
    worker_settings: Settings,
) -> None:
    folder = Path(worker_settings["DATA_DIR"])
    one = {"CONVERSATION_SLOTS": "1"}
    worker = await started("one-slot", "conversations", folder, worker_settings | one)
    await start_speaking(quiet_page, site.link(await site.invite()))
    visitor = await quiet_browser.new_context()
    second = await visitor.new_page()
    await join_by_voice(second, site.link(await site.invite()))
    await expect(second.locator("#state")).to_have_text(BUSY, timeout=20_000)
    await quiet_page.get_by_role("button", name="Pause").click()
    await expect(second.locator("#stage")).to_have_attribute(
        "data-state", "speaking", timeout=40_000
    )
    await visitor.close()
    await worker.stop()


async def test_the_sound_check_says_that_nobody_is_free(
    quiet_page: Page, site: Site, nobody_speaks: Child
) -> None:
    page = quiet_page
    await join_by_voice(page, site.link(await site.invite()))
    await page.goto(page.url.replace("/room", "/check"))
    await page.get_by_role("button", name="Turn on the microphone").click()
    await page.get_by_role("button", name="Record").click()
    problem = page.locator("#line-problem")
    await expect(problem).to_contain_text("Every interviewer is busy just now.", timeout=20_000)
    await expect(problem.get_by_role("button")).to_have_text("Try again")


# ---------------------------------------------------------------------- the recording's storage


@contextmanager
def full_storage(worker: Child, folder: Path) -> Iterator[None]:
    """The kernel lets this process write nothing beyond the recording's present end.

    It is what a full disk does to it, and needs no disk to fill: ENOSPC and EFBIG take one path.
    """
    assert worker.pid is not None
    recording = max(folder.rglob("*.wav"), key=lambda path: path.stat().st_mtime)
    before = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
    limit = (recording.stat().st_size, before[1])
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, limit)
    try:
        yield
    finally:
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, before)


async def test_a_recording_that_fails_is_told_once_and_the_interview_goes_on(
    quiet_page: Page, site: Site, speaking: Child, worker_settings: Settings
) -> None:
    page = quiet_page
    interview = await site.invite()
    await start_speaking(page, site.link(interview))
    await expect(page.locator("#state")).to_have_text("Listening", timeout=40_000)
    notice = page.locator("#notices").get_by_text("the sound recording could not be kept")
    folder = Path(worker_settings["DATA_DIR"]) / "recordings" / str(interview.id)
    with full_storage(speaking, folder):
        await expect(notice).to_contain_text("Your answers are kept as text")
        await page.locator("#notices").get_by_role("button", name="OK").click()
        await expect(notice).to_be_hidden()
        await page.get_by_role("button", name="Pause").click()
        await page.get_by_role("button", name="Continue by voice").click()
        await expect(page.get_by_role("log")).to_contain_text("Welcome back", timeout=30_000)
        await type_answer(page)
        await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")
        await expect(page.get_by_role("log")).to_contain_text("Question two.", timeout=40_000)
        await expect(notice).to_be_hidden()
    recordings = await site.store.recordings.of_interview(interview.id)
    assert [each.complete for each in recordings] == [False, None]


# ---------------------------------------------------------------------- the network


@pytest.mark.timeout(300)
async def test_a_minute_without_network_costs_no_word_no_time_and_no_question(
    launch: Launch, site: Site, speaking: Child, tmp_path: Path
) -> None:
    voice = await recorded(tmp_path / "answer.wav", ANSWER, before_s=25, after_s=300)
    page = await (await launch(voice=voice)).new_page()
    network = await Network.of(page)
    interview = await site.invite(patience_s=PATIENT_S)
    await start_speaking(page, site.link(interview))
    said, field = page.locator("#lines .candidate"), page.get_by_label("Type an answer")
    await expect(said.last).to_contain_text("bucket", timeout=60_000)
    left_s = (await status(page))["remaining_s"]

    async with network.gone(at_least_s=MINUTE_S):
        await expect(page.locator("#state")).to_have_text("The line was lost. Reconnecting…")
        await expect(page.locator("#notices")).to_contain_text("does not reply", timeout=20_000)
        await field.fill("Chains or probing resolve it.")
        await page.get_by_role("button", name="Send").click()
        not_sent = "Your text was not sent"  # told once the page has tried for 4.6 s
        await expect(page.locator("#problems")).to_contain_text(not_sent, timeout=20_000)
        await expect(said.first).to_contain_text("bucket")

    await expect(page.get_by_role("log")).to_contain_text("Welcome back", timeout=30_000)
    await expect(page.locator("#notices")).to_be_empty()
    await expect(page.locator("#progress-words")).to_have_text("Question 1 of 3")
    assert left_s - (await status(page))["remaining_s"] < MINUTE_S / 2
    await expect(field).to_have_value("Chains or probing resolve it.")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")
    (answer,) = await site.store.answers.of_interview(interview.id)
    assert "bucket" in answer.text
    assert answer.text.endswith("Chains or probing resolve it.")
    await page.context.close()


# ---------------------------------------------------------------------- the tab


async def test_a_tab_closed_in_mid_sentence_loses_nothing_and_the_link_comes_back_to_it(
    launch: Launch, site: Site, speaking: Child, tmp_path: Path
) -> None:
    voice = await recorded(tmp_path / "answer.wav", ANSWER, before_s=25, after_s=300)
    visitor = await (await launch(voice=voice)).new_context()
    page = await visitor.new_page()
    interview = await site.invite(patience_s=PATIENT_S)
    link = site.link(interview)
    await start_speaking(page, link)
    # The recogniser may take the hash for a house.
    await expect(page.locator("#live.candidate")).to_contain_text("of the", timeout=60_000)
    await page.close()

    page = await visitor.new_page()
    await page.goto(link)
    await expect(page.locator("#state")).to_have_text("Welcome back")
    await expect(page.locator("#progress-words")).to_have_text("Question 1 of 3")
    said = page.locator("#lines .candidate")
    await expect(said.last).to_contain_text("of the", timeout=20_000)
    await page.get_by_role("button", name="Continue by voice").click()
    await expect(page.get_by_role("log")).to_contain_text("Welcome back", timeout=30_000)
    await type_answer(page, "It picks a bucket, and two keys may share it, a collision.")
    await expect(page.locator("#progress-words")).to_have_text("Question 2 of 3")
    (answer,) = await site.store.answers.of_interview(interview.id)
    assert "of the" in answer.text
    await page.context.close()
