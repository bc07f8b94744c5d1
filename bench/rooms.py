"""LiveKit: joining a room, a bot that is killed in it, a server that is restarted."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from temporalio.client import Client

import connections
from bench.figures import Figure, spread
from bench.interviewee import Interviewee, interviewee
from bench.talking import ANSWERS, end
from bench.voices import Rehearsed, ShiftedHeart
from contracts.errors import Unavailable
from local.product import Product
from local.run import new_interview
from local.spare import holder_of
from local.stack import Stack, up
from settings import load

#: What was on its way when something died is heard for so long.
_ON_ITS_WAY_S: Final = 0.5
_AGAIN_WITHIN_S: Final = 60.0
_TAKEN_WITHIN_S: Final = 120.0


class Restart(NamedTuple):
    """Of LiveKit: seconds to the interviewer's voice, None where it did not come again; `survived`
    says that the next answer was taken."""

    again_s: float | None
    survived: bool


async def measure_rooms(*, rounds: int, restarts: int) -> list[Figure]:
    """On a product of its own, with LiveKit's server and a second conversations worker."""
    joins, again = [], []
    voice = Rehearsed(ShiftedHeart(), ANSWERS)
    async with product_with_rooms() as stack:
        await stack.add_conversations_worker("second conversations worker")
        product = Product(stack.url, stack.api_key)
        client = await connections.temporal_client(stack.settings)
        for _ in range(rounds):
            joined_s, heard_s = await _bot_killed(product, client, voice)
            joins.append(joined_s)
            again.append(heard_s)
        restarted = [await _restarted(stack, product, voice) for _ in range(restarts)]
    return figures_of(joins, again, restarted)


def figures_of(
    joins: Sequence[float], again: Sequence[float], restarted: Sequence[Restart]
) -> list[Figure]:
    back = [each.again_s for each in restarted if each.again_s is not None]
    share = sum(each.survived for each in restarted) / len(restarted)
    return [
        *spread("LiveKit: joining to first audio", joins, p95_at_most=2.0),
        *spread("LiveKit: kill -9 of the bot to its voice again", again, p95_at_most=6.0),
        *spread("LiveKit: its restart to the voice again", back),
        Figure(
            name="LiveKit: restarts that the interview survived",
            value=round(share, 2),
            unit="",
            at_least=1,
            count=len(restarted),
        ),
    ]


@asynccontextmanager
async def product_with_rooms() -> AsyncIterator[Stack]:
    """With LiveKit's server, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="codevoice-rooms-") as folder:
        Path(folder).chmod(0o711)
        settings = load({**os.environ, "DATA_DIR": f"{folder}/data"})
        async with up(settings, livekit=True) as stack:
            yield stack


async def _bot_killed(product: Product, client: Client, voice: Rehearsed) -> tuple[float, float]:
    """Seconds from the join to the first audio, and from the kill to the voice again."""
    made = await new_interview(product, question_count=2)
    async with interviewee(made["join_url"], voice) as person:
        await person.next_prompt()
        joined_s = person.candidate.joined_in_s
        assert joined_s is not None, "a prompt was heard"
        os.kill(await holder_of(made["id"], client=client), signal.SIGKILL)
        heard_s = await _voice_again(person, time.monotonic())
    await end(product, made["id"])
    return joined_s, heard_s


async def _restarted(stack: Stack, product: Product, voice: Rehearsed) -> Restart:
    """Its rooms are gone with it, and its candidate answers in the next one."""
    made = await new_interview(product, question_count=2)
    again_s: float | None = None
    survived = False
    async with interviewee(made["join_url"], voice) as person:
        await person.next_prompt()
        pid = stack.children.named("LiveKit").pid
        if pid is None:
            raise Unavailable("LiveKit does not run")
        os.kill(pid, signal.SIGKILL)
        with suppress(TimeoutError):  # it did not survive
            again_s = await _voice_again(person, time.monotonic())
            async with asyncio.timeout(_TAKEN_WITHIN_S):
                survived = await _answers(person)
    await end(product, made["id"])
    return Restart(again_s, survived)


async def _answers(person: Interviewee) -> bool:
    """Until an answer is taken: the line may be made anew once more, and the prompt repeated."""
    while await person.next_prompt() is not None:
        if (await person.status())["progress"]["answered"]:
            return True
        await person.candidate.say(ANSWERS[0])
    return False


async def _voice_again(person: Interviewee, killed_at: float) -> float:
    heard_at = await person.voice_again(killed_at + _ON_ITS_WAY_S, within_s=_AGAIN_WITHIN_S)
    return heard_at - killed_at
