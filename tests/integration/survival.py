"""What the tests of survival do with a running product, and what must hold at the end."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from uuid import UUID

import httpx
from aiortc import RTCConfiguration, RTCPeerConnection

import connections
from bench.interviewee import OVER, Interviewee
from bench.visitor import Visitor
from contracts.errors import CodeVoiceError
from contracts.turns import Speaker, Turn, TurnPurpose
from db.rows import Answer
from db.store import Store
from local.processes import Child
from local.product import Product
from local.run import new_interview
from local.stack import API, Stack
from tests.waiting import eventually

NAME, EMAIL, SAID = "Zyxwana Canarius", "zyxwana@canary.example", "quokkatrice"
ANSWER = f"The {SAID} hashes each key to a bucket, and a collision chains within that bucket."
#: Said aloud while a part is away, in one breath. Each has a word that nobody else says.
SPOKEN = {
    "kangaroo": "The kangaroo keeps every key that it was given in a small bucket of its own.",
    "elephant": "An elephant remembers each of the answers that it gave to anybody before.",
    "umbrella": "You open an umbrella over all of the rows, so that none of them gets wet.",
    "volcano": "The volcano waits for a long time, and then it writes everything at once.",
}
#: What the interviewer says when an answer cannot be stored at once.
APOLOGY = "something went wrong on our side"
#: From the end of an answer that cannot be stored to the interviewer's word of it: less than a call
#: that nobody answers takes to fail.
TOLD_WITHIN_S: Final = 12.0
T = TypeVar("T")


async def persistently(call: Callable[[], Awaitable[T]], within_s: float = 45.0) -> T:
    """Calls again, as a page does, while the service is away or busy."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return await call()
        except (httpx.TransportError, CodeVoiceError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


async def invited(product: Product, questions: int, **how: Any) -> dict[str, Any]:
    made: dict[str, Any] = await new_interview(
        product,
        question_count=questions,
        seed=11,
        candidate={"name": NAME, "email": EMAIL},
        **how,
    )
    return made


async def answer_the_question(visitor: Visitor, answered: set[tuple[str, int]]) -> bool:
    """Types an answer at the next place; False when there is none any more."""

    async def place() -> Any:
        status = await persistently(visitor.status)
        question = status["current_question"]
        if status["status"] in OVER:
            return "over"
        if question is None or status["assessing"]:
            return None
        found = (question["question_id"], question["revision"])
        return None if found in answered else found

    where = await eventually(place, within_s=60)
    if isinstance(where, str):
        return False
    answered.add(where)
    body = {"question_id": where[0], "revision": where[1], "text": ANSWER}
    await persistently(lambda: visitor.post("answers", body))
    return True


async def completed(product: Product, interview_id: str) -> dict[str, Any]:
    async def done() -> Any:
        try:
            status = await asyncio.to_thread(product.call, "GET", f"/interviews/{interview_id}")
        except CodeVoiceError:
            return None
        return status if status["status"] == "completed" else None

    status = await eventually(done, within_s=90, every_s=0.2)
    assert isinstance(status, dict)
    return status


async def assert_nothing_lost_or_doubled(
    store: Store, interview_id: Any, answered: set[tuple[str, int]]
) -> None:
    """Database and history say the same as the candidate's own ledger."""
    answers = await store.answers.of_interview(interview_id)
    assert {(str(each.question_id), each.revision) for each in answers} == answered
    for each in answers:
        assert SAID in each.text
        assert each.text.count("collision chains") == each.revision, "an answer twice or lost"
    await assert_graded_once(store, interview_id)


async def assert_graded_once(store: Store, interview_id: Any) -> None:
    """No grade is there twice, and the newest answer to each question has one."""
    grades = await store.grades.of_interview(interview_id)
    doubled = Counter(
        (each.question_id, each.revision, each.grade.kind, each.grade.grader_version)
        for each in grades
    )
    assert set(doubled.values()) == {1}
    newest = await newest_answers(store, interview_id)
    last = {(question_id, answer.revision) for question_id, answer in newest.items()}
    assert last <= {(each.question_id, each.revision) for each in grades}


async def newest_answers(store: Store, interview_id: Any) -> dict[UUID, Answer]:
    """By question."""
    answers = await store.answers.of_interview(interview_id)
    return {each.question_id: each for each in sorted(answers, key=lambda each: each.revision)}


async def accepted_updates(stack: Stack, interview_id: str) -> Counter[str]:
    client = await connections.temporal_client(stack.settings)
    handle = client.get_workflow_handle(f"interview-{interview_id}")
    counted: Counter[str] = Counter()
    async for event in handle.fetch_history_events():
        if event.HasField("workflow_execution_update_accepted_event_attributes"):
            accepted = event.workflow_execution_update_accepted_event_attributes
            counted[accepted.accepted_request.meta.update_id] += 1
    return counted


async def said_so_far(store: Store, interview_id: Any) -> list[Turn]:
    turns = await store.turns.of_interview(interview_id)
    return [turn for turn in turns if turn.purpose is TurnPurpose.ANSWER]


async def an_offer() -> str:
    """SDP of a browser that would speak."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("audio")
    connection.createDataChannel("chat")
    await connection.setLocalDescription(await connection.createOffer())
    sdp = str(connection.localDescription.sdp)
    await connection.close()
    return sdp


@asynccontextmanager
async def killed(child: Child) -> AsyncIterator[None]:
    """Killed, and away until the block ends."""
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    await child.stop()  # before it is started again by itself
    try:
        yield
    finally:
        await child.start()


def captions(person: Interviewee, who: Speaker) -> dict[str, str]:
    """What each of this speaker's turns says so far."""
    known = person.candidate.captions
    return {turn_id: each.text for turn_id, each in known.items() if each.who == who.value}


def apologies(person: Interviewee) -> int:
    return sum(APOLOGY in text for text in captions(person, Speaker.INTERVIEWER).values())


async def answer_while_away(person: Interviewee, child: Child, sentence: str) -> None:
    """Begins to speak; the part is killed in mid-sentence, and comes back once the candidate was
    told of it, in one line. The API alone is not missed by a voice.
    """
    samples, before = person.candidate.rehearse(sentence), captions(person, Speaker.CANDIDATE)
    told = apologies(person)
    speaking = asyncio.create_task(person.candidate.say(samples))
    await eventually(lambda: captions(person, Speaker.CANDIDATE).keys() - before.keys())
    async with killed(child):
        await speaking
        if child.plan.name != API:
            await eventually(lambda: apologies(person) > told, within_s=TOLD_WITHIN_S)
    assert apologies(person) - told == (child.plan.name != API)
