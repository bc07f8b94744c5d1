"""Spoken interviews under the whole product while something runs out: the disk, or the time."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

import connections
from bench.interviewee import Interviewee, interviewee
from bench.voices import RATE_HZ, Samples, ShiftedHeart
from contracts.grades import GradeKind
from data_folder import make_data_dir
from db.store import Store
from local.product import Product
from local.run import new_interview
from local.stack import CONVERSATIONS, Stack, up
from settings import load
from tests.conftest import open_temporary_folder
from tests.waiting import eventually

NO_FILE = Path("/nonexistent/.env")
#: Room for 24 s of recording: the greeting and the first question.
DISK_BYTES = 1536 * 1024
ANSWER = "It keeps copies of data, so that reading it again is faster."


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Mounts a file system of that size on a new folder; False where this user may not."""
    folder.mkdir()
    size = f"size={DISK_BYTES}"
    mounted = os.geteuid() == 0 and not _run("mount", "-t", "tmpfs", "-o", size, "tmpfs", folder)
    try:
        yield mounted
    finally:
        if mounted:
            _run("umount", folder)


def _run(*command: str | Path) -> int:
    return subprocess.run(command, check=False, capture_output=True).returncode


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Stack]:
    with open_temporary_folder() as folder:
        settings = load({"DATA_DIR": str(folder / "data")}, NO_FILE)
        make_data_dir(settings.data_dir)
        with small_disk(settings.data_dir / "recordings") as mounted:
            async with up(settings) as running:
                if not mounted:  # then the kernel refuses the worker a file of that size
                    worker = running.children.named(CONVERSATIONS).pid or 0
                    resource.prlimit(worker, resource.RLIMIT_FSIZE, (DISK_BYTES, DISK_BYTES))
                yield running


@pytest.fixture
def product(stack: Stack) -> Product:
    return Product(stack.url, stack.api_key)


@pytest.fixture
async def store(stack: Stack) -> AsyncIterator[Store]:
    store = connections.open_store(stack.settings)
    yield store
    await store.close()


async def completed(product: Product, made: dict[str, Any]) -> dict[str, Any]:
    """The interview's report, once it is whole."""

    async def report() -> Any:
        status = await asyncio.to_thread(product.call, "GET", f"/interviews/{made['id']}")
        assert status["status"] == "completed"
        return await asyncio.to_thread(product.call, "GET", f"/interviews/{made['id']}/report.json")

    found: dict[str, Any] = await eventually(report, within_s=60, every_s=0.2)
    return found


@pytest.mark.timeout(240)
async def test_a_full_disk_ends_the_recording_and_neither_the_interview_nor_the_grades(
    product: Product, store: Store
) -> None:
    told: list[dict[str, Any]] = []
    made = await new_interview(product, question_count=2, seed=11)
    async with interviewee(made["join_url"], ShiftedHeart(), told.append) as person:
        person.candidate.rehearse(ANSWER)
        while await person.next_prompt() is not None:
            await person.candidate.say(ANSWER)
        assert person.candidate.ended == "finished"
    notices = {message["code"] for message in told if message["type"] == "notice"}
    assert "recording_incomplete" in notices  # by each bot once, and another may have taken over

    report = await completed(product, made)
    assert [each["outcome"] for each in report["questions"]] == ["answered", "answered"]
    assert all(each["score"] is not None for each in report["questions"])
    answers = await store.answers.of_interview(UUID(made["id"]))
    assert all("copies" in each.text for each in answers)
    grades = await store.grades.of_interview(UUID(made["id"]))
    assert {each.grade.kind for each in grades} == {GradeKind.EMBEDDED}
    audio = {turn["audio"] for each in report["questions"] for turn in each["turns"]}
    assert "incomplete" in audio
    assert "whole" not in audio
    page = await asyncio.to_thread(product.http.get, f"/interviews/{made['id']}/report.html")
    assert "This recording misses some of what was said." in page.text


def with_breaths(person: Interviewee, *sentences: str) -> Samples:
    breath = np.zeros(int(0.6 * RATE_HZ), np.int16)
    spoken = (person.candidate.rehearse(text) for text in sentences)
    return np.concatenate([piece for said in spoken for piece in (said, breath)])


@pytest.mark.timeout(240)
async def test_the_deadline_waits_for_the_end_of_the_sentence_and_keeps_it(
    product: Product, store: Store
) -> None:
    """Takes the minute that such an interview lasts."""
    made = await new_interview(product, question_count=2, seed=11, duration_minutes=1)
    async with interviewee(made["join_url"], ShiftedHeart()) as person:
        answer = with_breaths(
            person,
            "A cache keeps copies of data, so that reading it again is faster.",
            "It holds what was used last, and forgets what nobody asks for.",
            "When the data changes the copies grow old, and that is the whole difficulty.",
        )
        await person.next_prompt()
        await person.candidate.ask("Give me a minute, please.")

        async def nearly_over() -> bool:
            return bool((await person.status())["remaining_s"] <= 7)

        await eventually(nearly_over, within_s=60)
        said = await person.candidate.say(answer)
        await person.farewell()
        first_word = person.candidate.ear.next_onset(said.began_at)
        assert first_word is not None
        assert first_word > said.ended_at
        assert person.candidate.ended == "finished"

    report = await completed(product, made)
    assert [each["outcome"] for each in report["questions"]] == ["interrupted", "unasked"]
    (kept,) = await store.answers.of_interview(UUID(made["id"]))
    assert all(word in kept.text for word in ("faster", "used last", "difficulty"))
