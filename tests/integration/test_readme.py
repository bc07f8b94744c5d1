"""The README's first block, run in a copy of what is committed, as a newcomer runs it."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

import connections
from settings import load
from tests.conftest import open_temporary_folder

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"https?://\S+/i/\S+")


def first_block() -> str:
    block = re.search(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block
    return block.group(1)


def copied(folder: Path) -> Path:
    """What git would give a newcomer, the changes that are not committed yet included."""
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.mark.timeout(600)
async def test_the_first_block_gives_a_link_that_opens() -> None:
    with open_temporary_folder() as folder:
        checkout = copied(folder / "checkout")
        known = {"PATH", "HOME", "LANG", "UV_CACHE_DIR", "PIP_INDEX_URL", "UV_INDEX_URL"}
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in known or name.startswith(("PIP_", "UV_", "SSL_", "REQUESTS_"))
        }
        process = await asyncio.create_subprocess_shell(
            first_block(),
            cwd=checkout,
            env={**kept, "DATA_DIR": str(folder / "data")},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            printed = await asyncio.wait_for(_until_ready(process), 480)
            link = LINK.search(printed)
            assert link, printed[-3000:]
            assert re.search(r"Temporal UI +http", printed)
            assert re.search(r"its report, for you +https?://\S+/r/\S+", printed)
            for purpose, part in connections.parts(load()).items():
                assert f"{purpose}: {part}" in printed
            assert "database: PostgreSQL, from its wheel" in printed
            assert re.search(r"Installed \d+ packages", printed)  # uv said what it was doing
            assert re.search(r"API key +cv_", printed)
            async with httpx.AsyncClient(follow_redirects=True) as browser:
                page = await browser.get(link.group())
            assert page.status_code == 200
            assert "interview" in page.text.lower()
        finally:
            os.killpg(process.pid, signal.SIGINT)
            await asyncio.wait_for(process.wait(), 60)


async def _until_ready(process: asyncio.subprocess.Process) -> str:
    printed = ""
    assert process.stdout
    async for line in process.stdout:
        printed += line.decode(errors="replace")
        if "ready after" in printed and "Ctrl-C" in printed:
            break
    return printed
