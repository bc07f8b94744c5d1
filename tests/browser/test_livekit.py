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
from local.livekit import KEY
from local.postgres import Postgres
from local.processes import Child
from tests.browser.rooms import agree, start_speaking
from tests.browser.site import Site
from tests.browser.test_spoken_interview import LOUDNESS
from tests.browser.workers import started
from tests.conftest import temporal_server
from tests.livekit import Guest, livekit_server, needs_livekit

#: What another front end does: LiveKit's own token source and room, none of our modules.
OTHERS_CLIENT = """async endpoint => {
    const { Room, TokenSource } = window.LivekitClient;
    const { serverUrl, participantToken } = await TokenSource.endpoint(endpoint).fetch({});
    const room = new Room();
    await room.connect(serverUrl, participantToken);
    while (!room.remoteParticipants.size) await new Promise(r => setTimeout(r, 50));
    return [room.name, room.localParticipant.identity, ...room.remoteParticipants.keys()];
}"""


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


async def test_a_token_used_again_costs_the_page_a_moment_and_no_press(
    quiet_page: Page, site: Site
) -> None:
    """The page comes back by the token that it was told beforehand, without another join."""
    keys: list[RoomPass] = []

    async def note(reply: Response) -> None:
        if reply.url.endswith("/join"):
            told = await reply.json()
            keys.append(RoomPass(told["url"], told["token"]))

    quiet_page.on("response", note)
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
