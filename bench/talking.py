"""Speech: how soon the interviewer answers, joins, and falls silent, in the candidate's ear."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from bench.edge import replies, yields
from bench.figures import Figure, median, spread
from bench.interviewee import Interviewee, interviewee
from bench.voices import Joe, ShiftedHeart, Voice
from contracts.errors import CodeVoiceError
from local.product import Product
from local.run import new_interview

#: Spoken in turn as answers. Short, so that many fit; whole, so that each ends once.
ANSWERS: Final = (
    "A hash table stores each key in a bucket that its hash selects.",
    "You put an index on the column that the query filters by.",
    "The lock is released in a finally block, so an exception cannot keep it.",
    "Each request carries a key, and the server does the work for a key once.",
    "The consumer commits its offset only after the message was processed.",
    "I would measure first, and then change the slowest part.",
)


class Waits(NamedTuple):
    """Seconds: from the end of each answer to the interviewer's first sound, in the candidate's ear
    and at the bot's edge; of joining."""

    heard: list[float]
    at_edge: list[float]
    joins: list[float]


async def waits(
    product: Product,
    voice: Voice,
    *,
    answers: int,
    patience_s: float,
    recordings: Path | None = None,
) -> Waits:
    """`at_edge` is read from `recordings`, and empty without them."""
    found = Waits([], [], [])
    while len(found.heard) < answers:
        made = await new_interview(
            product, question_count=min(10, answers), duration_minutes=60, patience_s=patience_s
        )
        async with interviewee(made["join_url"], voice) as person:
            found.heard.extend(await answer_all(person, answers - len(found.heard)))
            if recordings:
                await person.next_prompt()  # all of the last reply is in its recording by then
            if person.candidate.joined_in_s is not None:
                found.joins.append(person.candidate.joined_in_s)
        await end(product, made["id"])
        for file in recordings.glob(f"{made['id']}/*.wav") if recordings else ():
            found.at_edge.extend(replies(file))
    return found


async def answer_all(person: Interviewee, at_most: int) -> list[float]:
    """Answers prompt after prompt; the seconds from the end of each to the first sound again."""
    for text in ANSWERS:
        person.candidate.rehearse(text)
    heard: list[float] = []
    while len(heard) < at_most and await person.next_prompt() is not None:
        heard.append(await answer(person, ANSWERS[len(heard) % len(ANSWERS)]))
    return heard


async def answer(person: Interviewee, text: str) -> float:
    """Seconds from the end of the words to the interviewer's first sound, in the ear."""
    said = await person.candidate.say(text)
    return await person.voice_again(said.ended_at - 0.05) - said.ended_at


async def end(product: Product, interview_id: str) -> None:
    """Whatever is left of it: the next one wants the whole machine."""
    try:
        await asyncio.to_thread(product.call, "POST", f"/interviews/{interview_id}/cancel")
    except CodeVoiceError:
        return  # it has ended by itself


async def barge_ins(
    product: Product, voice: Voice, recordings: Path, *, count: int
) -> tuple[list[float], list[float]]:
    """Seconds from the candidate's first sound over the interviewer to its silence: in the ear, and
    at the bot's edge, from the first voiced sample received to the last one written.
    """
    silences: list[float] = []
    made = await new_interview(product, question_count=min(10, count), duration_minutes=60)
    async with interviewee(made["join_url"], voice) as person:
        words = "Sorry, may I ask you to repeat the question please?"
        person.candidate.rehearse(words)
        deadline = time.monotonic() + 30 * count
        while len(silences) < count and time.monotonic() < deadline:
            await _until_speaking(person)
            silences.append(await person.candidate.interrupt(words))
            await person.candidate.listen(after=time.monotonic())
    await end(product, made["id"])
    edge = [each for file in recordings.glob(f"{made['id']}/*.wav") for each in yields(file)]
    return silences, edge


async def _until_speaking(person: Interviewee) -> None:
    """The interviewer has been audible for half a second, with more to come."""
    async with asyncio.timeout(30):
        while person.candidate.state != "speaking":
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)


async def http_to_bot(product: Product, voice: Voice, *, count: int) -> list[float]:
    """Seconds from sending a typed answer over HTTP to the live bot's word that it has followed."""
    took: list[float] = []
    while len(took) < count:
        made = await new_interview(product, question_count=10, duration_minutes=60)
        async with interviewee(made["join_url"], voice) as person:
            while len(took) < count and await person.next_prompt() is not None:
                took.append(await type_answer(person))
        await end(product, made["id"])
    return took


async def type_answer(person: Interviewee) -> float:
    """To the present question; the seconds until the live bot has told that it has followed."""
    question = (await person.status())["current_question"]
    known = _followed(person)
    began = time.monotonic()
    place = {"question_id": question["question_id"], "revision": question["revision"]}
    await person.visitor.post("answers", {**place, "text": ANSWERS[0]})
    async with asyncio.timeout(15):
        while _followed(person) == known:
            await asyncio.sleep(0.005)
    return time.monotonic() - began


def _followed(person: Interviewee) -> int:
    """How often the bot has told of a new place in the interview."""
    told = (message.get("data", {}).get("type") for message in person.candidate.messages)
    return sum(kind == "cursor" for kind in told)


async def measure_talk(
    product: Product, recordings: Path, *, answers: int, barges: int
) -> list[Figure]:
    """`answers` are shared between two voices, for each patience."""
    voices: Sequence[Voice] = (ShiftedHeart(), Joe())
    half = answers // 2
    eager, patient, joins, at_edge = [], [], [], []
    for voice in voices:
        off = await waits(product, voice, answers=half, patience_s=0)
        on = await waits(product, voice, answers=half, patience_s=1.0, recordings=recordings)
        eager += off.heard
        patient += on.heard
        at_edge += on.at_edge
        joins += off.joins + on.joins
    figures = spread("reply, patience off", eager, p50_at_most=0.8, p95_at_most=1.2)
    figures += spread("reply, patience 1 s", patient, p50_at_most=1.4)
    figures += spread("reply at the bot's edge, patience 1 s", at_edge, p50_at_most=1.15)
    if joins:
        joined_in = median(joins)
        figures.append(
            Figure(
                name="joining to first audio, p50",
                value=joined_in,
                unit="s",
                at_most=1.5,
                count=len(joins),
            )
        )
    ear, edge = await barge_ins(product, voices[0], recordings, count=barges)
    figures += spread("barge-in, in the ear", ear)
    figures += spread("barge-in, at the bot's edge", edge, p95_at_most=0.3)
    typed = await http_to_bot(product, voices[0], count=barges)
    return figures + spread("typed answer over HTTP to the live bot", typed, p50_at_most=0.3)
