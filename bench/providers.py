"""Providers outside the process: what the interviewer adds to their delays, and what a fault costs.

They are stand-ins with stated delays (`bench.stand_ins`): Deepgram hears and speaks, a language
model interviews. The grader stays the embedded one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Final

from bench.edge import silences
from bench.figures import Figure, spread
from bench.interviewee import interviewee
from bench.stand_ins import DELAYS_S, Faults, StandIns, stand_ins
from bench.talking import ANSWERS, Waits, answer, end, waits
from bench.voices import Rehearsed, ShiftedHeart
from contracts.errors import Unavailable
from local.product import Product
from local.run import new_interview
from local.stack import CONVERSATIONS, Stack
from voice.models import VOICE

#: With patience off: the silence by which the voice detector knows the end of speech.
WAIT_S: Final = VOICE.stop_secs
#: From a fault to the next word, at most.
GOES_ON_WITHIN_S: Final = 3.0
#: Faults of the same provider are apart: after two in a row it is left alone for a while.
IN_MID_ANSWER: Final = {
    "Deepgram closes with 1011": Faults(listening="closes once"),
    "the language model breaks off": Faults(model="cuts"),
    "Deepgram's connection breaks": Faults(listening="drops once"),
    "the language model hangs": Faults(model="hangs"),
}
IN_MID_SENTENCE: Final = Faults(speaking="cut once")
_NOTHING: Final = Faults()


async def measure_providers(
    stack: Stack, product: Product, *, answers: int, rounds: int
) -> list[Figure]:
    """`answers` without a fault, then `rounds` of each fault; a new worker for all of it."""
    voice = Rehearsed(ShiftedHeart(), ANSWERS)
    recordings = Path(stack.settings.recordings_url)
    async with stand_ins() as providers:
        await stack.renew_worker(CONVERSATIONS, providers.settings)
        try:
            well = await waits(product, voice, answers=answers, patience_s=0, recordings=recordings)
            answered = await _mid_answer(product, voice, providers, rounds)
            silent, broken = await _mid_sentence(product, voice, providers, recordings, rounds)
        finally:
            await stack.renew_conversations_worker()
    return [*reply_figures(well), *fault_figures(answered, silent, broken)]


def reply_figures(well: Waits) -> list[Figure]:
    name = "reply with providers"
    above = [seconds - DELAYS_S - WAIT_S for seconds in well.at_edge]
    return [
        *spread(f"{name}, patience off, in the ear", well.heard),
        *spread(f"{name}, patience off, at the bot's edge", well.at_edge),
        *spread(
            f"{name}, above the stated {DELAYS_S:.2f} s and the wait of {WAIT_S:.1f} s",
            above,
            p50_at_most=0.15,
            p95_at_most=0.4,
        ),
    ]


def fault_figures(
    answered: Mapping[str, Sequence[float]], silent: Sequence[float], broken: int
) -> list[Figure]:
    """The longest of each. Raises Unavailable for a fault that never happened."""
    untried = [name for name, heard in answered.items() if not heard]
    if untried or not silent or not broken:
        raise Unavailable(f"these faults did not happen: {', '.join(untried) or 'in mid-sentence'}")
    figures = [
        _longest(f"{name} in mid-answer: its end to the next word", heard, len(heard))
        for name, heard in answered.items()
    ]
    name = "Deepgram's voice breaks off in mid-sentence: the interviewer's silence"
    return [*figures, _longest(name, silent, broken)]


def _longest(name: str, seconds: Sequence[float], count: int) -> Figure:
    value = round(max(seconds), 2)
    return Figure(
        name=f"{name}, longest", value=value, unit="s", at_most=GOES_ON_WITHIN_S, count=count
    )


async def _mid_answer(
    product: Product, voice: Rehearsed, providers: StandIns, rounds: int
) -> dict[str, list[float]]:
    """By fault, the seconds from the end of each answer it fell into to the next word in the ear.
    Nobody is to speak before that end, however early the fault came."""
    found: dict[str, list[float]] = {name: [] for name in IN_MID_ANSWER}
    planned = list(IN_MID_ANSWER.items()) * rounds
    texts = cycle(ANSWERS)
    while planned:
        made = await new_interview(product, question_count=10, duration_minutes=60, patience_s=0)
        async with interviewee(made["join_url"], voice) as person:
            while planned and await person.next_prompt() is not None:
                name, faults = planned.pop(0)
                await providers.fail(faults)
                took_s = await answer(person, next(texts))
                if await providers.left() == _NOTHING:
                    found[name].append(took_s)
        await end(product, made["id"])
    await providers.fail(_NOTHING)
    return found


async def _mid_sentence(
    product: Product, voice: Rehearsed, providers: StandIns, recordings: Path, rounds: int
) -> tuple[list[float], int]:
    """The interviewer's silences, at the bot's edge, in interviews in which each reply broke off;
    and how many did. All count: its pauses between sentences, and while the answer is assessed."""
    silent: list[float] = []
    tried = broken = 0
    texts = cycle(ANSWERS)
    while tried < rounds:
        made = await new_interview(product, question_count=10, duration_minutes=60, patience_s=0)
        async with interviewee(made["join_url"], voice) as person:
            asked = await person.next_prompt()
            while tried < rounds and asked is not None:
                tried += 1
                await providers.fail(IN_MID_SENTENCE)
                await answer(person, next(texts))
                asked = await person.next_prompt()
                broken += await providers.left() == _NOTHING
        await end(product, made["id"])
        silent += [
            each for file in recordings.glob(f"{made['id']}/*.wav") for each in silences(file)
        ]
    return silent, broken
