"""The whole product with LiveKit, as `make run TRANSPORT=livekit` starts it; parts of it killed."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

import connections
from bench.interviewee import Interviewee, interviewee
from bench.voices import ShiftedHeart
from contracts.turns import Speaker
from local.product import Product
from local.spare import holder_of
from local.stack import Stack, up
from settings import load
from tests.conftest import open_temporary_folder
from tests.integration.survival import captions, completed, invited
from tests.livekit import needs_livekit
from tests.waiting import eventually

NO_FILE = Path("/nonexistent/.env")
#: Said in one breath.
LONG = (
    "It names each row of a table in a way that all other rows of all other tables are able to use "
    "whenever they are referring to that row."
)
SHORT = "The hash of each key gives the bucket that its value is kept in."


@pytest.fixture(scope="module")
def here() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patched:
        yield patched


@pytest.fixture(scope="module")
async def stack(here: pytest.MonkeyPatch) -> AsyncIterator[Stack]:
    needs_livekit(client=True)
    with open_temporary_folder() as folder:
        settings = load({"DATA_DIR": str(folder / "data")}, NO_FILE)
        async with up(settings, livekit=True) as running:
            # `holder_of` and other commands find the product by its folder.
            here.setenv("DATA_DIR", str(running.settings.data_dir))
            await running.add_conversations_worker("second conversations worker")
            yield running


@pytest.fixture
def product(stack: Stack) -> Product:
    return Product(stack.url, stack.api_key)


async def answered_to_the_end(person: Interviewee) -> None:
    while await person.next_prompt() is not None:
        await person.candidate.say(SHORT)


async def in_mid_sentence(person: Interviewee) -> asyncio.Task[object]:
    """The candidate speaks, and the interviewer understands already."""
    samples, before = person.candidate.rehearse(LONG), captions(person, Speaker.CANDIDATE)
    speaking: asyncio.Task[object] = asyncio.create_task(person.candidate.say(samples))
    await eventually(lambda: captions(person, Speaker.CANDIDATE).keys() - before.keys())
    return speaking


async def test_a_killed_bot_is_heard_again_and_the_interview_completes(
    stack: Stack, product: Product
) -> None:
    assert connections.parts(stack.settings)["transport"] == "LiveKit"
    made = await invited(product, 2)
    async with interviewee(made["join_url"], ShiftedHeart()) as person:
        assert await person.next_prompt()
        speaking = await in_mid_sentence(person)
        os.kill(await holder_of(made["id"]), signal.SIGKILL)
        await person.voice_again(time.monotonic() + 0.5)
        await speaking
        await answered_to_the_end(person)
    await completed(product, made["id"])


async def test_livekit_is_killed_and_the_interview_goes_on_in_a_new_room(
    stack: Stack, product: Product
) -> None:
    made = await invited(product, 2)
    async with interviewee(made["join_url"], ShiftedHeart()) as person:
        assert await person.next_prompt()
        pid = stack.children.named("LiveKit").pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        killed_at = time.monotonic()
        await person.voice_again(killed_at + 0.5)
        await answered_to_the_end(person)
    await completed(product, made["id"])


async def test_livekit_tells_the_service_and_no_log_holds_a_token(
    stack: Stack, product: Product
) -> None:
    made = await invited(product, 1)
    async with interviewee(made["join_url"], ShiftedHeart()) as person:
        assert await person.next_prompt()
    await asyncio.to_thread(product.call, "POST", f"/interviews/{made['id']}/cancel")

    async def told() -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            figures = (await http.get(f"{stack.url}/metrics")).text
        return 'codevoice_livekit_events_total{event="room_finished"}' in figures

    await eventually(told, within_s=30)
    for log in (stack.settings.data_dir / "logs").iterdir():
        assert "eyJ" not in log.read_text(errors="replace"), log.name
