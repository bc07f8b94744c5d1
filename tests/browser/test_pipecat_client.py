"""A front end built on Pipecat's own client, in Chromium: nothing of it is ours."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.rooms import agree
from tests.browser.site import Site
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("speaking")

WEB = Path(__file__).parents[2] / "web"
ESBUILD = WEB / "node_modules" / ".bin" / "esbuild"
#: Its other media manager, the default, fetches a part of itself from Daily's servers.
THEIRS = """
import { PipecatClient } from "@pipecat-ai/client-js";
import { SmallWebRTCTransport, WavMediaManager } from "@pipecat-ai/small-webrtc-transport";
window.heard = { lines: [], audible: false, ready: false };
window.begin = async endpoint => {
    window.client = new PipecatClient({
        transport: new SmallWebRTCTransport({ mediaManager: new WavMediaManager() }),
        enableMic: true,
        enableCam: false,
        callbacks: {
            onBotReady: () => { window.heard.ready = true; },
            onBotStartedSpeaking: () => { window.heard.audible = true; },
            onServerMessage: message => {
                if (message.type === "caption") window.heard.lines.push(message.text);
            },
        },
    });
    await window.client.startBotAndConnect({ endpoint });
};
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not ESBUILD.exists():
        pytest.skip("needs npm: `make web`")
    made = tmp_path_factory.mktemp("pipecat") / "theirs.js"
    command = [str(ESBUILD), "--bundle", "--format=iife", "--log-level=error", f"--outfile={made}"]
    subprocess.run(command, cwd=WEB, input=THEIRS, text=True, check=True)
    return made


async def test_pipecats_client_starts_and_hears_the_interviewer(
    quiet_browser: Browser, site: Site, bundle: Path
) -> None:
    visitor = await quiet_browser.new_context(bypass_csp=True)
    page = await visitor.new_page()
    interview = await site.invite()
    await agree(page, site.link(interview))
    await page.add_script_tag(content=await asyncio.to_thread(bundle.read_text))
    await page.evaluate("window.begin", f"{site.url}/api/v1/interviews/{interview.id}/start")

    async def asked() -> bool:
        heard = await page.evaluate("window.heard")
        lines = " ".join(heard["lines"])
        return heard["ready"] and heard["audible"] and "How does a hash map find a value?" in lines

    await eventually(asked, within_s=40)
    await page.evaluate("window.client.disconnect()")
