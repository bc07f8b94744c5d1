"""The product as `codevoice up` prints it, and the command line that speaks with it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from bench.visitor import Visitor
from contracts.errors import Unavailable
from local.product import Product
from tests.conftest import open_temporary_folder
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
NOWHERE = "00000000-0000-7000-8000-000000000000"


@dataclass
class Ended:
    code: int
    said: str
    told: str

    def json(self) -> Any:
        return json.loads(self.said)


class Running:
    """`codevoice up` as a process, what it printed, and the command line beside it."""

    def __init__(self, folder: Path, printed: str, process: asyncio.subprocess.Process) -> None:
        self.folder = folder
        self.printed = printed
        self.process = process

    @property
    def product(self) -> Product:
        url = re.search(r"(http\S+)/api/v1/openapi", self.printed)
        key = re.search(r"cv_\S+", self.printed)
        assert url
        assert key
        return Product(url[1], key[0])

    def printed_link(self, path: str) -> str:
        found = re.search(rf"http\S+/{path}/\S+", self.printed)
        assert found, self.printed
        return found[0]

    async def begin(self, *words: str) -> asyncio.subprocess.Process:
        return await _process(self.folder, *words)

    async def run(self, *words: str) -> Ended:
        return await _ended(await self.begin(*words))


async def _process(folder: Path, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", *words),
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(folder / "data"), "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _ended(process: asyncio.subprocess.Process) -> Ended:
    said, told = await asyncio.wait_for(process.communicate(), 120)
    return Ended(process.returncode or 0, said.decode(), told.decode())


@asynccontextmanager
async def codevoice_up(folder: Path) -> AsyncIterator[Running]:
    process = await _process(folder, "up")
    assert process.stdout
    assert process.stderr
    reading = asyncio.create_task(process.stderr.read())  # a full pipe would stop it
    try:
        printed = await asyncio.wait_for(process.stdout.readuntil(b"cv_"), 120)
        printed += await process.stdout.readline()
        yield Running(folder, printed.decode(), process)
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.wait(), 60)
        await reading


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Running]:
    with open_temporary_folder() as folder:
        async with codevoice_up(folder) as running:
            yield running


async def started(running: Running) -> dict[str, Any]:
    made: dict[str, Any] = (
        await running.run("interview", "start", "--count", "1", "--json")
    ).json()
    return made


async def test_the_printed_report_link_opens_the_report_of_the_printed_interview(
    running: Running,
) -> None:
    visitor = await Visitor.open(running.printed_link("i"))
    await visitor.agree()
    await visitor.post("join", {"purpose": "typing"})
    question = await visitor.open_question()
    await visitor.post("answers", {**(question or {}), "text": "An index speeds up the search."})
    await visitor.post("finish")

    async def completed() -> bool:
        return bool((await visitor.status())["status"] == "completed")

    await eventually(completed, within_s=60)
    await visitor.close()
    async with httpx.AsyncClient(follow_redirects=True, trust_env=False) as staff:
        page = await staff.get(running.printed_link("r"))
    assert page.status_code == 200
    assert "An index speeds up the search." in page.text


async def test_a_started_interview_comes_with_both_links(running: Running) -> None:
    done = await running.run("interview", "start", "--count", "2")
    join, report = done.said.split()
    assert (done.code, "/i/" in join, "/r/" in report) == (0, True, True)
    async with httpx.AsyncClient(follow_redirects=True, trust_env=False) as browser:
        assert (await browser.get(join)).status_code == 200
        assert (await browser.get(report)).status_code == 202  # it is waited for


async def test_an_interview_is_shown_listed_and_cancelled(running: Running) -> None:
    made = await started(running)
    newer = await started(running)

    status = await running.run("interview", "status", made["id"])
    listed = (await running.run("interview", "list", "--status", "waiting", "--json")).json()
    newest = (await running.run("interview", "list", "--limit", "1", "--json")).json()
    table = await running.run("interview", "list")
    cancelled = await running.run("interview", "cancel", made["id"], "--json")

    assert status.said.startswith("waiting")
    ids = [item["id"] for item in listed["items"]]
    assert ids[:2] == [newer["id"], made["id"]]
    assert [item["id"] for item in newest["items"]] == [newer["id"]]
    assert "0 of 1" in table.said
    assert cancelled.json()["status"] == "cancelled"
    assert (await running.run("interview", "status", made["id"])).said.startswith("cancelled")


async def test_a_list_goes_over_as_many_pages_as_there_are(running: Running) -> None:
    await started(running)
    await started(running)
    product = running.product
    by_one = [item["id"] for item in product.interviews(at_once=1)]
    assert len(by_one) >= 2
    assert by_one == [item["id"] for item in product.interviews()]


def test_a_product_that_stays_away_is_given_up() -> None:
    with pytest.raises(Unavailable, match="nothing answers at"):
        list(Product("http://127.0.0.1:9", "cv_none").follow(NOWHERE, back_within_s=0))


async def test_what_is_not_there_is_one_line_and_exit_code_1(running: Running) -> None:
    for command in ("status", "watch", "cancel"):
        done = await running.run("interview", command, NOWHERE)
        assert (done.code, done.told.count("\n")) == (1, 1)


async def test_watching_survives_a_restart_of_the_api_and_ends_with_the_interview(
    running: Running,
) -> None:
    made = await started(running)
    watching = await running.begin("interview", "watch", made["id"], "--json")
    assert watching.stdout
    first = json.loads(await asyncio.wait_for(watching.stdout.readline(), 30))
    assert first["status"] == "waiting"

    _api_of(running).kill()

    async def cancelled() -> bool:
        return (await running.run("interview", "cancel", made["id"])).code == 0

    await eventually(cancelled, within_s=60)
    done = await _ended(watching)
    assert done.code == 0, done.told
    assert json.loads(done.said.splitlines()[-1])["status"] == "cancelled"
    assert "Traceback" not in done.told


def _api_of(running: Running) -> psutil.Process:
    children = psutil.Process(running.process.pid).children()
    return next(child for child in children if child.cmdline()[-2:] == ["cli", "api"])


async def test_questions_go_out_and_come_back_unchanged(running: Running, tmp_path: Path) -> None:
    for kind in ("yaml", "json", "csv"):
        bank = tmp_path / f"bank.{kind}"
        bank.write_text((await running.run("questions", "export", "--format", kind)).said)
        back = await running.run("questions", "import", str(bank), "--json")
        assert (back.code, back.json()) == (0, {"changed": 0}), back.told
        checked = await running.run("questions", "check", str(bank), "--json")
        assert [each for each in checked.json() if each["weight"] == "error"] == []


async def test_doctor_finds_nothing_wrong_with_it(running: Running) -> None:
    findings = (await running.run("doctor", "--json")).json()
    by_part = {finding["part"]: finding for finding in findings}
    assert [finding for finding in findings if not finding["ok"]] == []
    assert by_part["PORT"]["state"].endswith("is the running product's")


async def test_a_demonstration_that_is_cancelled_says_so(running: Running) -> None:
    known = {item["id"] for item in running.product.interviews()}
    demo = await running.begin("demo", "--questions", "1")

    async def live() -> str | None:
        found = [item for item in running.product.interviews() if item["id"] not in known]
        return found[0]["id"] if found and found[0]["live"] else None

    interview_id = await eventually(live, within_s=60)
    await running.run("interview", "cancel", str(interview_id))

    done = await _ended(demo)
    assert done.code == 1
    assert "it is cancelled" in done.told
    assert "Traceback" not in done.told
