"""The room by voice in a LiveKit room: its own server, its own browser client, the real bot."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Response, expect

from contracts.rooms import RoomPass
from db.ids import new_id
from db.rows import Interview
from local.livekit import KEY
from local.postgres import Postgres
from local.processes import Child
from tests.browser.rooms import agree, start_speaking, violations
from tests.browser.site import Site
from tests.browser.test_spoken_interview import LOUDNESS
from tests.browser.workers import started
from tests.conftest import temporal_server
from tests.livekit import Guest, Watcher, livekit_server, needs_livekit
from tests.waiting import eventually

#: What another front end does: LiveKit's own token source and room, none of our modules.
OTHERS_CLIENT = """async endpoint => {
    const { Room, TokenSource } = window.LivekitClient;
    const { serverUrl, participantToken } = await TokenSource.endpoint(endpoint).fetch({});
    const room = new Room();
    await room.connect(serverUrl, participantToken);
    while (!room.remoteParticipants.size) await new Promise(r => setTimeout(r, 50));
    return [room.name, room.localParticipant.identity, ...room.remoteParticipants.keys()];
}"""

#: The device's track, kept to look at after the page has let it go.
KEEP = "window.kept = document.getElementById('mirror').srcObject.getVideoTracks()[0]"
#: What a browser tells of a camera that was unplugged.
UNPLUG = """document.getElementById("mirror").srcObject.getVideoTracks()[0]
    .dispatchEvent(new Event("ended"))"""
#: Whether the browser gives this page a camera.
GIVEN = """() => navigator.mediaDevices.getUserMedia({ video: true }).then(
    stream => { stream.getTracks().forEach(track => track.stop()); return "given"; },
    failure => failure.name)"""
#: What a browser does whose user refuses the camera and nothing else.
REFUSES = """(() => {
    const devices = navigator.mediaDevices, own = devices.getUserMedia.bind(devices);
    devices.getUserMedia = wanted => wanted.video
        ? Promise.reject(new DOMException("Permission denied", "NotAllowedError")) : own(wanted);
})()"""


@pytest.fixture(scope="module")
async def site(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """With a Temporal and workers of its own: others in this package have no LiveKit."""
    needs_livekit(client=True)
    folder: Path = tmp_path_factory.mktemp("livekit")
    name = f"livekit_{new_id().hex}"
    await postgres.make_database(name, template="codevoice_template")
    async with livekit_server() as livekit, temporal_server() as temporal:
        site = Site(postgres.url(name), temporal.client, livekit)
        settings = {
            "DATABASE_URL": site.database_url,
            "TEMPORAL_ADDRESS": temporal.client.service_client.config.target_host,
            "DATA_DIR": str(folder),
            "SECRET_KEY": "only for tests, and long enough for a key",
            "PATIENCE_S": "0.5",
            "LIVEKIT_URL": livekit.url,
            "LIVEKIT_API_KEY": KEY,
            "LIVEKIT_API_SECRET": livekit.server.secret,
        }
        async with site.running():
            asking = await started("asking", "interviews,grading", folder, settings)
            site.speaking = await started("speaking", "conversations", folder, settings)
            try:
                yield site
            finally:
                await site.speaking.stop()
                await asking.stop()


@pytest.fixture
def speaking(site: Site) -> Child:
    assert site.speaking is not None
    return site.speaking


async def test_the_interviewer_is_heard_and_a_killed_one_is_missed_within_three_seconds(
    quiet_page: Page, site: Site, speaking: Child
) -> None:
    page = quiet_page
    await start_speaking(page, site.link(await site.invite()))
    await expect(page.locator("#stage")).to_have_attribute("data-state", "speaking", timeout=15_000)
    assert await page.evaluate(LOUDNESS) > 0.05
    await expect(page.get_by_role("log")).to_contain_text(
        "How does a hash map find a value?", timeout=40_000
    )
    await expect(page.locator("#state")).to_have_text("Listening", timeout=15_000)
    assert speaking.pid is not None
    os.kill(speaking.pid, signal.SIGKILL)
    killed_at = time.monotonic()
    await expect(page.locator("#state")).to_have_text("The line was lost. Reconnecting…")
    assert time.monotonic() - killed_at < 3.75  # three seconds, and the watch looks each quarter
    await expect(page.get_by_role("log")).to_contain_text("Welcome back", timeout=60_000)


async def test_the_newest_device_holds_the_place(
    quiet_browser: Browser, quiet_page: Page, site: Site
) -> None:
    link = site.link(await site.invite())
    await start_speaking(quiet_page, link)
    await expect(quiet_page.locator("#state")).to_have_text("Listening", timeout=40_000)
    visitor = await quiet_browser.new_context()
    device = await visitor.new_page()
    await device.goto(link)
    await device.get_by_role("button", name="Continue by voice").click()
    await expect(quiet_page.locator("#state")).to_have_text("Your interview is open somewhere else")
    await expect(device.locator("#stage")).to_have_attribute(
        "data-state", "speaking", timeout=20_000
    )
    await visitor.close()


def joins_of(page: Page) -> list[RoomPass]:
    """What each join of the page brings it, from now on."""
    keys: list[RoomPass] = []

    async def note(reply: Response) -> None:
        if reply.url.endswith("/join") and reply.ok:
            told = await reply.json()
            keys.append(RoomPass(told["url"], told["token"]))

    page.on("response", note)
    return keys


async def test_a_token_used_again_costs_the_page_a_moment_and_no_press(
    quiet_page: Page, site: Site
) -> None:
    """The page comes back by the token that it was told beforehand, without another join."""
    keys = joins_of(quiet_page)
    await start_speaking(quiet_page, site.link(await site.invite()))
    await expect(quiet_page.locator("#state")).to_have_text("Listening", timeout=40_000)
    thief = await Guest().join(keys[-1])
    await asyncio.wait_for(thief.gone.wait(), 5)
    await expect(quiet_page.locator("#stage")).to_have_attribute(
        "data-state", "speaking", timeout=20_000
    )
    assert len(keys) == 1
    await expect(quiet_page.get_by_text("open somewhere else")).to_have_count(0)


async def test_anothers_front_end_joins_by_livekits_token_endpoint(
    quiet_page: Page, site: Site
) -> None:
    interview = await site.invite()
    await agree(quiet_page, site.link(interview))
    endpoint = f"/api/v1/interviews/{interview.id}/livekit-token"
    joined = await quiet_page.evaluate(OTHERS_CLIENT, endpoint)
    assert joined == [str(interview.id), "candidate", "bot"]


# ---------------------------------------------------------------------- the camera


async def watcher_of(site: Site, interview: Interview) -> Watcher:
    assert site.livekit
    return await Watcher().join(site.livekit.rooms.listeners_pass(interview.id, new_id()))


async def test_a_camera_is_seen_by_who_listens_from_its_press_to_the_next(
    quiet_browser: Browser, site: Site
) -> None:
    visitor = await quiet_browser.new_context(bypass_csp=True, reduced_motion="reduce")
    page = await visitor.new_page()
    interview = await site.invite(live_listening=True, camera=True)
    await start_speaking(page, site.link(interview))
    watcher = await watcher_of(site, interview)
    camera, mirror = page.get_by_role("button", name="Camera"), page.locator("#mirror")
    await expect(camera).to_have_attribute("aria-pressed", "false")
    await expect(mirror).to_be_hidden()
    await expect(page.locator("#state")).to_have_text("Listening", timeout=40_000)
    assert (watcher.shown, watcher.pictures) == (False, 0)
    await camera.press("Enter")
    await expect(camera).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#camera-words")).to_contain_text("Staff who listen live can see you")
    await expect(mirror).to_be_visible()
    await eventually(lambda: watcher.pictures > 10)
    assert watcher.size <= (640, 360)
    assert await violations(page) == []
    await page.evaluate(KEEP)
    await camera.press("Space")
    await expect(camera).to_have_attribute("aria-pressed", "false")
    await expect(mirror).to_be_hidden()
    assert await page.evaluate("window.kept.readyState") == "ended"
    await eventually(lambda: not watcher.shown)
    seen, told = watcher.pictures, len(watcher.said)
    await eventually(lambda: len(watcher.said) > told + 4)  # two seconds of the bot's pulse
    assert watcher.pictures == seen
    await watcher.leave()
    await visitor.close()


async def test_a_camera_outlasts_a_rejoin_and_a_bot_and_is_off_after_a_pause_and_a_reload(
    quiet_page: Page, site: Site, speaking: Child
) -> None:
    page, keys = quiet_page, joins_of(quiet_page)
    interview = await site.invite(live_listening=True, camera=True)
    await start_speaking(page, site.link(interview))
    await expect(page.locator("#state")).to_have_text("Listening", timeout=40_000)
    watcher, camera = await watcher_of(site, interview), page.get_by_role("button", name="Camera")
    await camera.click()
    await eventually(lambda: watcher.pictures > 10)
    thief = await Guest().join(keys[-1])  # the page is put out, and comes back by itself
    await asyncio.wait_for(thief.gone.wait(), 5)
    seen = watcher.pictures
    await eventually(lambda: watcher.pictures > seen + 10)
    welcomes = page.locator("#lines .interviewer", has_text="Welcome back")
    await expect(welcomes).to_have_count(1, timeout=20_000)
    assert speaking.pid is not None
    os.kill(speaking.pid, signal.SIGKILL)
    await expect(welcomes).to_have_count(2, timeout=60_000)
    seen = watcher.pictures
    await eventually(lambda: watcher.pictures > seen + 10)
    await expect(camera).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("button", name="Pause").click()
    await expect(camera).to_be_hidden()
    await eventually(lambda: not watcher.shown)
    await page.get_by_role("button", name="Continue by voice").click()
    await expect(camera).to_be_visible(timeout=20_000)
    await expect(camera).to_have_attribute("aria-pressed", "false")
    await camera.click()
    await eventually(lambda: watcher.shown)
    await page.evaluate(UNPLUG)
    await expect(page.locator("#notices")).to_contain_text("The camera was unplugged")
    await expect(camera).to_have_attribute("aria-pressed", "false")
    await eventually(lambda: not watcher.shown)
    await camera.click()
    await eventually(lambda: watcher.shown)
    await page.reload()
    await expect(camera).to_be_visible(timeout=20_000)
    await expect(camera).to_have_attribute("aria-pressed", "false")
    await eventually(lambda: not watcher.shown)
    await watcher.leave()


async def test_a_refused_camera_is_told_and_changes_nothing_else(
    quiet_page: Page, site: Site
) -> None:
    page = quiet_page
    await page.add_init_script(REFUSES)
    interview = await site.invite(live_listening=True, camera=True)
    await start_speaking(page, site.link(interview))
    await expect(page.locator("#state")).to_have_text("Listening", timeout=40_000)
    camera = page.get_by_role("button", name="Camera")
    await camera.click()
    note = page.locator("#notices")
    await expect(note).to_contain_text("The camera is blocked for this page.")
    await expect(note).to_contain_text("The interview goes on without it.")
    await expect(camera).to_have_attribute("aria-pressed", "false")
    await expect(page.locator("#state")).to_have_text("Listening")
    await expect(page.locator("#problems")).to_be_empty()


async def test_the_browser_gives_a_camera_to_the_room_of_such_an_interview_alone(
    page: Page, site: Site
) -> None:
    for chosen in (True, False):
        interview = await site.invite(live_listening=True, camera=chosen)
        await agree(page, site.link(interview))
        assert await page.evaluate(GIVEN) == "NotAllowedError"
        await page.goto(page.url.replace("/check", "/room"))
        assert await page.evaluate(GIVEN) == ("given" if chosen else "NotAllowedError")
        await expect(page.locator("#camera")).to_have_count(int(chosen))
