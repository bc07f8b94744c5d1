"""Soak: what a worker holds after hundreds of interviews, and after as many joins cut short."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final

import connections
from bench.candidate import SimulatedCandidate
from bench.figures import Figure
from bench.footprint import Holding, Watched, growth, left
from bench.interviewee import interviewee
from bench.rooms import product_with_rooms
from bench.stand_ins import StandIns, stand_ins
from bench.talking import ANSWERS, end, type_answer
from bench.typed import Driver
from bench.visitor import Visitor
from bench.voices import Samples, ShiftedHeart
from contracts.errors import Unavailable
from local.ports import settle
from local.product import Product
from local.run import new_interview
from local.stack import CONVERSATIONS, INTERVIEWS, Stack
from worker import WORKFLOW_TASKS
from workflows.interview_client import InterviewClient

#: Two a core of the smallest machine: with six on two cores the worker has 0.86 of its one core to
#: do, and what is measured is its overload. Slots are twice that: one who has left holds the place
#: until the bot has put everything away.
SPOKEN_AT_ONCE: Final = 4
TYPED_AT_ONCE: Final = 8
_SAMPLES: Final = 20
#: One join in so many hears the whole greeting and its question: 20 s more.
_PATIENT: Final = 5
#: What is cut short is so after 0, 50, ... 2,000 ms.
_DELAYS: Final = 41
#: Neighbours in the order are far apart, so that each batch has its share of all.
_STRIDE: Final = 17
#: A line that does not close is the bench's own fault; the round says so and goes on.
_LEFT_WITHIN_S: Final = 10
_NOTHING_MORE: Final[Mapping[str, str]] = {}

Hold = Callable[[Sequence[int]], Awaitable[None]]


async def measure_soak(stack: Stack, product: Product, *, interviews: int) -> list[Figure]:
    """Typed interviews from start to report, then joins by voice with an answer each; a new worker
    for either. A tenth of as many go ahead: what fills once is full then.
    """
    typed = await _typed(stack, interviews)
    spoken = await _spoken(stack, product, interviews, what="conversations worker")
    return [*typed, *spoken]


async def measure_soak_rooms(*, interviews: int) -> list[Figure]:
    """The same joins in LiveKit's rooms, with stand-ins of Deepgram and of a language model, on a
    product of its own; and what is left at LiveKit and at Deepgram when all have left."""
    async with product_with_rooms() as stack, stand_ins() as providers:
        product = Product(stack.url, stack.api_key)
        what = "conversations worker with rooms and providers"
        found = await _spoken(stack, product, interviews, what=what, said=providers.settings)
        return [*found, *await _left_outside(stack, providers)]


async def _left_outside(stack: Stack, providers: StandIns) -> list[Figure]:
    from livekit_rooms import LiveKitRooms

    server = connections.livekit(stack.settings)
    if server is None:
        raise Unavailable("LiveKit is not set")
    rooms = len(await LiveKitRooms(*server).standing())
    sockets = await providers.sockets()
    return [
        Figure(name="rooms left at LiveKit", value=rooms, unit="", at_most=0),
        Figure(name="sockets left at Deepgram", value=sockets, unit="", at_most=0),
    ]


async def measure_cancelled(stack: Stack, product: Product, *, joins: int) -> list[Figure]:
    """Joins of a whole bot, each cancelled 0 to 2,000 ms after its offer was sent."""
    watched = await _watched(stack, CONVERSATIONS, slots=2 * SPOKEN_AT_ONCE)
    failed: list[str] = []

    async def hold(numbers: Sequence[int]) -> None:
        await each_of(numbers, SPOKEN_AT_ONCE, lambda n: _cut_short(product, n), failed)

    done, held = await sampled(watched, hold, joins, warm_up=_warm_up(joins))
    what = "cancelled joins"
    return [
        *growth(what, "each", done, held),
        *left(what, held[0], held[-1]),
        _failures(what, failed, joins),
    ]


async def _typed(stack: Stack, interviews: int) -> list[Figure]:
    watched = await _watched(stack, INTERVIEWS)
    async with AsyncExitStack() as closing:
        store = connections.open_store(stack.settings)
        closing.push_async_callback(store.close)
        temporal = await connections.temporal_client(stack.settings)
        driver = Driver(InterviewClient(temporal), temporal, store)
        await driver.open()

        async def hold(numbers: Sequence[int]) -> None:
            await driver.hold(numbers, TYPED_AT_ONCE)

        # The SDK makes a thread for each workflow task at once, and keeps it: all that it may make,
        # for which it takes more interviews at once than there are threads.
        await driver.hold(range(3 * WORKFLOW_TASKS), 3 * WORKFLOW_TASKS)
        done, held = await sampled(watched, hold, interviews, warm_up=_warm_up(interviews))
    return growth("interviews and grading worker", "an interview", done, held)


async def _spoken(
    stack: Stack,
    product: Product,
    interviews: int,
    *,
    what: str,
    said: Mapping[str, str] = _NOTHING_MORE,
) -> list[Figure]:
    """`said` are further settings of the worker."""
    watched = await _watched(stack, CONVERSATIONS, slots=2 * SPOKEN_AT_ONCE, said=said)
    voice, failed = ShiftedHeart(), list[str]()
    answers = [voice.say(text) for text in ANSWERS]

    async def hold(numbers: Sequence[int]) -> None:
        def one(number: int) -> Awaitable[None]:
            answer, patient = answers[number % len(answers)], number % _PATIENT == 0
            return _answered_once(product, voice, answer, patient=patient)

        await each_of(numbers, SPOKEN_AT_ONCE, one, failed)

    done, held = await sampled(watched, hold, interviews, warm_up=_warm_up(interviews))
    return [*growth(what, "a join", done, held), _failures(what, failed, interviews)]


def _warm_up(count: int) -> int:
    return max(6, count // 10)


def _failures(what: str, failed: Sequence[str], count: int) -> Figure:
    name = f"{what}: that failed" + (f" ({', '.join(sorted(set(failed)))})" if failed else "")
    return Figure(name=name, value=len(failed), unit="", at_most=0, count=count)


async def _watched(
    stack: Stack, name: str, *, slots: int | None = None, said: Mapping[str, str] = _NOTHING_MORE
) -> Watched:
    """A new worker of that name that tells its figures."""
    port = settle("METRICS_PORT", "127.0.0.1", 9700, configured=False)
    settings = {**said, "METRICS_PORT": str(port)}
    if slots is not None:
        settings["CONVERSATION_SLOTS"] = str(slots)
    return Watched(await stack.renew_worker(name, settings), port)


async def sampled(
    watched: Watched, hold: Hold, count: int, *, warm_up: int
) -> tuple[list[int], list[Holding]]:
    """What is held after the warm-up and after each batch, and how many had been held by then."""
    await hold(range(count, count + warm_up))
    done, held = [0], [await watched.quiet()]
    batch = max(3, count // _SAMPLES)
    for first in range(0, count, batch):
        last = min(first + batch, count)
        await hold(range(first, last))
        done.append(last)
        held.append(await watched.quiet())
    return done, held


async def each_of(
    numbers: Sequence[int], at_once: int, one: Callable[[int], Awaitable[None]], failed: list[str]
) -> None:
    """`one` for each number, so many at a time. A failure is noted by its kind, and costs a run of
    many minutes nothing else."""
    waiting = iter(numbers)

    async def lane() -> None:
        for number in waiting:
            try:
                await one(number)
            except Exception as failure:  # whatever it is, the others are wanted
                failed.append(type(failure).__name__)

    async with asyncio.TaskGroup() as lanes:
        for _ in range(at_once):
            lanes.create_task(lane())


async def _answered_once(
    product: Product, voice: ShiftedHeart, answer: Samples, *, patient: bool
) -> None:
    """Joins, says something, gives an answer that is taken, and hangs up.

    Who is patient hears the question first and answers aloud. The others speak over the greeting
    and type, which takes a third of the time.
    """
    made = await new_interview(product, question_count=2, duration_minutes=60, patience_s=0)
    began_at = time.monotonic()
    try:
        async with interviewee(made["join_url"], voice) as person:
            await person.voice_again(began_at, within_s=20)
            if patient:
                await person.next_prompt()
            await person.candidate.say(answer)
            if not patient:
                await type_answer(person)
            await person.visitor.answer_taken()
    finally:
        await end(product, made["id"])


async def _cut_short(product: Product, number: int) -> None:
    made = await new_interview(product, question_count=2, duration_minutes=60)
    visitor = await Visitor.open(made["join_url"])
    offered = asyncio.Event()

    async def signal(sdp: str) -> str:
        offered.set()
        return await visitor.join(sdp)

    candidate = SimulatedCandidate(signal, ShiftedHeart())
    try:
        await visitor.agree()
        joining = asyncio.create_task(candidate.join())
        await asyncio.wait_for(offered.wait(), 30)
        await asyncio.sleep(0.05 * (number * _STRIDE % _DELAYS))
        await end(product, made["id"])
        joining.cancel()
        await asyncio.wait([joining])
    finally:
        try:
            async with asyncio.timeout(_LEFT_WITHIN_S):
                await candidate.leave()
        finally:
            await visitor.close()
