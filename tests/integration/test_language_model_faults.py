"""What a language model's host may do wrong, through the real SDK: told apart, and bounded."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from email.utils import formatdate
from typing import Any

import pytest

from contracts.errors import CodeVoiceError, TooMany, Unavailable, Ungradable
from tests.fakes.openai_server import KEY, Act, Cuts, Drips, Fails, Hangs, OpenAIServer, Sends
from tests.integration.graded import QUESTION, SAID, grader_at


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as server:
        yield server


#: What is sent, the error it becomes, and the least wait it asks for.
FAULTS: dict[str, tuple[Act, type[CodeVoiceError], float | None]] = {
    "429": (Fails(429), TooMany, None),
    "429, wait": (Fails(429, headers={"Retry-After": "7"}), TooMany, 7),
    "429, wait in ms": (Fails(429, headers={"retry-after-ms": "1500"}), TooMany, 1.5),
    "429, nonsense": (Fails(429, headers={"Retry-After": "soon"}), TooMany, None),
    "429, for ever": (Fails(429, headers={"Retry-After": "inf"}), TooMany, 86_400),
    "429, no quota": (Fails(429, "insufficient_quota"), Ungradable, None),
    "429, odd": (Fails(429, {"reason": "tests"}), TooMany, None),
    "500": (Fails(500), Unavailable, None),
    "503, wait": (Fails(503, headers={"Retry-After": "3"}), Unavailable, 3),
    "408": (Fails(408), Unavailable, None),
    "401": (Fails(401), Ungradable, None),
    "402": (Fails(402), Ungradable, None),
    "403": (Fails(403), Ungradable, None),
    "404": (Fails(404), Ungradable, None),
    "hang": (Hangs(), Unavailable, None),
    "slow drip": (Drips(), Unavailable, None),
    "cut": (Cuts(), Unavailable, None),
    "a proxy's page": (Sends(), Unavailable, None),
    "half a JSON text": (Sends('{"choices": [', "application/json"), Unavailable, None),
    "no choices": (Sends('{"choices": []}', "application/json"), Unavailable, None),
    "nothing": (Sends("", "application/json"), Unavailable, None),
}  # fmt: skip


@pytest.mark.parametrize(("act", "error", "wait"), FAULTS.values(), ids=FAULTS.keys())
async def test_a_fault_is_told_apart_and_gives_nothing_away(
    server: OpenAIServer,
    caplog: pytest.LogCaptureFixture,
    act: Act,
    error: type[CodeVoiceError],
    wait: float | None,
) -> None:
    caplog.set_level(logging.INFO)
    server.otherwise = act
    async with grader_at(server, within_s=0.4) as grader:
        with pytest.raises(error) as told:
            await grader.grade(QUESTION, SAID)
    assert type(told.value) is error
    assert told.value.retry_after_s == wait
    assert len(server.asked) == 1, "the SDK does not retry by itself"
    written = caplog.text + str(told.value) + repr(told.value.__cause__)
    assert KEY not in written
    assert "tests say" not in written
    assert SAID[:20] not in written


async def test_a_date_to_wait_for_is_understood(server: OpenAIServer) -> None:
    in_a_minute = formatdate(time.time() + 60, usegmt=True)
    server.otherwise = Fails(429, headers={"Retry-After": in_a_minute})
    async with grader_at(server) as grader:
        with pytest.raises(TooMany) as told:
            await grader.grade(QUESTION, SAID)
    assert told.value.retry_after_s == pytest.approx(60, abs=5)


@pytest.mark.parametrize("change", [{"api_key": "sk-wrong"}, {"model": "other"}])
async def test_a_wrong_key_or_model_is_for_good(
    server: OpenAIServer, change: dict[str, Any]
) -> None:
    async with grader_at(server, **change) as grader:
        with pytest.raises(Ungradable):
            await grader.grade(QUESTION, SAID)


async def test_a_host_that_is_not_there_may_come(server: OpenAIServer) -> None:
    async with grader_at(server, base_url="http://127.0.0.1:9/v1") as grader:
        with pytest.raises(Unavailable):
            await grader.grade(QUESTION, SAID)
