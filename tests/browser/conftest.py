"""A real Chromium against the real product: pages, API, PostgreSQL, Temporal and its workers."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright
from temporalio.testing import WorkflowEnvironment

from db.ids import new_id
from local.postgres import Postgres
from local.processes import Child
from tests.browser.site import Site
from tests.browser.voices import recorded
from tests.browser.workers import started
from tests.conftest import temporal_server

#: Chromium's own pieces that would look for a network stay off; media is faked, never asked for.
_ARGUMENTS = (
    "--no-sandbox",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
)
_DEVICE = "--use-fake-device-for-media-stream"
_ALLOWED = "--use-fake-ui-for-media-stream"
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

Settings = dict[str, str]
Launch = Callable[..., Awaitable[Browser]]


def chromium_program() -> str | None:
    """CODEVOICE_CHROMIUM, else an installed Chromium or Chrome; None: Playwright's own."""
    return os.environ.get("CODEVOICE_CHROMIUM") or next(
        filter(None, map(shutil.which, _PROGRAMS)), None
    )


@pytest.fixture(scope="package")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as running:
        yield running


@asynccontextmanager
async def browsers(playwright: Playwright) -> AsyncIterator[Launch]:
    """Starts Chromiums and closes them at the end. `voice` is what a microphone hears; `device`
    False: there is no microphone; `refuse` blocks it; `flags` are Chromium's own.
    """
    async with AsyncExitStack() as stack:

        async def started(
            *flags: str, voice: Path | None = None, device: bool = True, refuse: bool = False
        ) -> Browser:
            arguments = [*_ARGUMENTS, *flags]
            arguments += [_DEVICE] if device else []
            arguments += [] if refuse else [_ALLOWED]
            if voice is not None:
                arguments.append(f"--use-file-for-fake-audio-capture={voice}")
            browser = await playwright.chromium.launch(
                executable_path=chromium_program(), args=arguments
            )
            stack.push_async_callback(browser.close)
            return browser

        yield started


@pytest.fixture
async def launch(playwright: Playwright) -> AsyncIterator[Launch]:
    """Chromiums of one test: a page that is left open goes on drawing, and speaking."""
    async with browsers(playwright) as started:
        yield started


@pytest.fixture(scope="package")
async def launch_once(playwright: Playwright) -> AsyncIterator[Launch]:
    """Chromiums for all tests."""
    async with browsers(playwright) as started:
        yield started


@pytest.fixture(scope="package")
async def browser(launch_once: Launch) -> Browser:
    """A Chromium whose microphone beeps."""
    return await launch_once()


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """One visitor. A script error on any of their pages fails the test."""
    visitor = await browser.new_context(viewport={"width": 1280, "height": 860})
    errors: list[str] = []
    visitor.on("weberror", lambda error: errors.append(str(error.error)))
    yield visitor
    await visitor.close()
    assert errors == []


@pytest.fixture
async def page(context: BrowserContext) -> Page:
    return await context.new_page()


@pytest.fixture(scope="package")
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    """A server of its own: workers that stay for all these tests poll its queues."""
    async with temporal_server() as environment:
        yield environment


@pytest.fixture(scope="package")
async def site(postgres: Postgres, temporal: WorkflowEnvironment) -> AsyncIterator[Site]:
    """The API and the pages."""
    name = f"browser_{new_id().hex}"
    await postgres.make_database(name, template="codevoice_template")
    site = Site(postgres.url(name), temporal.client)
    async with site.running():
        yield site


@pytest.fixture(scope="package")
def worker_settings(site: Site, temporal: WorkflowEnvironment, tmp_path_factory: Any) -> Settings:
    folder: Path = tmp_path_factory.mktemp("data")
    return {
        "DATABASE_URL": site.database_url,
        "TEMPORAL_ADDRESS": temporal.client.service_client.config.target_host,
        "DATA_DIR": str(folder),
        "SECRET_KEY": "only for tests, and long enough for a key",
        "PATIENCE_S": "0.5",
    }


@pytest.fixture(scope="package")
async def asking(site: Site, worker_settings: Settings) -> AsyncIterator[Child]:
    """The worker for interviews and grading: what a typed interview needs."""
    folder = Path(worker_settings["DATA_DIR"])
    child = await started("asking", "interviews,grading", folder, worker_settings)
    yield child
    await child.stop()


@pytest.fixture(scope="package")
async def speaking(asking: Child, worker_settings: Settings) -> AsyncIterator[Child]:
    """The worker for conversations, with its models."""
    folder = Path(worker_settings["DATA_DIR"])
    child = await started("speaking", "conversations", folder, worker_settings)
    yield child
    await child.stop()


@pytest.fixture(scope="package")
async def silence(launch_once: Launch, tmp_path_factory: pytest.TempPathFactory) -> Browser:
    path = await recorded(tmp_path_factory.mktemp("quiet") / "quiet.wav", "", after_s=5)
    return await launch_once(voice=path)


@pytest.fixture
async def quiet_browser(silence: Browser) -> AsyncIterator[Browser]:
    """Its microphone hears nothing. What is open in it ends with the test."""
    yield silence
    for visitor in silence.contexts:
        await visitor.close()


@pytest.fixture
async def quiet_page(quiet_browser: Browser) -> AsyncIterator[Page]:
    visitor = await quiet_browser.new_context(viewport={"width": 1280, "height": 860})
    yield await visitor.new_page()
    await visitor.close()


@pytest.fixture
async def nobody_speaks(speaking: Child) -> AsyncIterator[Child]:
    """The worker for conversations, stopped. A test may start it; it runs again afterwards."""
    await speaking.stop()
    yield speaking
    if speaking.pid is None:
        await speaking.start()
