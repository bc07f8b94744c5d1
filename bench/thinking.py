"""Thinkers who are cut off: how soon the interviewer is silent again, and that nothing is lost."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

from bench.edge import yields
from bench.figures import Figure, spread
from bench.interviewee import Interviewee, interviewee
from bench.talking import end
from bench.turns.thinkers import Part, Thinker, Where, thinkers, voices
from bench.voices import VOICES, Samples, Voice
from local.product import Product
from local.run import new_interview
from questions.loader import starter_bank

#: A thinker goes on so long after the interviewer's first sound in the ear, at most. Above 0.3 s
#: later the bot's edge has half a second of it behind it.
GOES_ON_WITHIN_S: Final = 0.9
#: Of the words of one half, those that the record holds where the half counts as kept: the
#: recogniser gets one in five wrong of the synthetic voices.
KEPT_SHARE: Final = 0.5
CASES_EACH: Final = 6
_WORDS: Final = range(6, 26)
_SEED: Final = 1


@dataclass(frozen=True)
class Halves:
    """An answer with one pause, at a clause's end: the pause that is cut off most."""

    first: str
    second: str


@dataclass(frozen=True)
class Told:
    """Halves said to one question."""

    question_id: str
    halves: Halves


async def measure_thinkers(product: Product, recordings: Path, *, cases: int) -> list[Figure]:
    """Thinkers of the reported part (`docs/turn-taking.md`) who go on when the reply has begun."""
    names, _ = voices(Part.REPORTED)
    halves = answers_in_halves(thinkers(starter_bank(), 60, _SEED))
    delays = (GOES_ON_WITHIN_S * (at % CASES_EACH) / CASES_EACH for at in range(cases))
    silent: list[float] = []
    told: list[bool] = []
    for name in cycle(names):
        if len(told) >= cases:
            break
        made = await new_interview(product, question_count=CASES_EACH, duration_minutes=60)
        said = await _interview(
            made["join_url"], VOICES[name](), list(islice(halves, CASES_EACH)), delays
        )
        turns = product.call("GET", f"/interviews/{made['id']}/transcript")["turns"]
        told += [kept(each, turns) for each in said]
        await end(product, made["id"])
        files = recordings.glob(f"{made['id']}/*.wav")
        silent += [each for file in files for each in yields(file)]
    return _figures(silent, told)


def _figures(silent: list[float], told: list[bool]) -> list[Figure]:
    name = "taken back from a thinker, at the bot's edge"
    found = spread(name, silent, p95_at_most=0.3)
    if silent:
        worst = Figure(name=f"{name}, max", value=max(silent), unit="s", at_most=0.3)
        found.append(worst.model_copy(update={"count": len(silent)}))
    lost = Figure(
        name="answers taken back of which a half is lost",
        value=told.count(False),
        unit="",
        at_most=0,
        count=len(told),
    )
    return [*found, lost]


def answers_in_halves(people: tuple[Thinker, ...]) -> Iterator[Halves]:
    """What the reported thinkers say around their first pause at a clause's end, for ever."""
    found = []
    for answer in (one for who in people if who.part is Part.REPORTED for one in who.answers):
        said = [piece.text for piece in answer.pieces]
        ends = [at for at, piece in enumerate(answer.pieces) if piece.where is Where.CLAUSE_END]
        for at in ends[:1]:
            first, second = " ".join(said[: at + 1]), " ".join(said[at + 1 :])
            if len(first.split()) in _WORDS and len(second.split()) in _WORDS:
                found.append(Halves(first, second))
    return cycle(found)


async def _interview(
    join_url: str, voice: Voice, halves: Sequence[Halves], delays: Iterator[float]
) -> list[Told]:
    """Answers the prompts of one interview with these halves, while there are delays left. All is
    synthesised before the line is up: it would miss the bot's pulse meanwhile.
    """
    said = []
    sounds = [(voice.say(each.first), voice.say(each.second)) for each in halves]
    async with interviewee(join_url, voice) as person:
        for each, sound, delay_s in zip(halves, sounds, delays, strict=False):
            if await person.next_prompt() is None:
                break
            said.append(Told(await _cut_off(person, *sound, delay_s), each))
        await person.next_prompt()  # the last answer is stored by then
    return said


async def _cut_off(person: Interviewee, first: Samples, second: Samples, delay_s: float) -> str:
    """Says the first half, lets the interviewer begin, and goes on over it. Returns the question's
    id.
    """
    question = (await person.status())["current_question"]
    said = await person.candidate.say(first)
    await person.voice_again(said.ended_at)
    await asyncio.sleep(delay_s)
    said = await person.candidate.say(second)
    await person.voice_again(said.ended_at)  # the answer is complete only now
    return str(question["question_id"])


def kept(told: Told, turns: list[dict[str, Any]]) -> bool:
    """Both halves stand in the answer to their question, the second in a later revision."""
    answer = [
        turn
        for turn in turns
        if turn["question_id"] == told.question_id and turn["purpose"] == "answer"
    ]
    text = " ".join(turn["text"] for turn in answer)
    both = all(_share(half, text) >= KEPT_SHARE for half in (told.halves.first, told.halves.second))
    return both and len({turn["revision"] for turn in answer}) > 1


def _share(said: str, text: str) -> float:
    """How many of the words said stand in the text, in their order."""
    words, heard = (re.findall(r"[a-z']+", each.lower()) for each in (said, text))
    matched = SequenceMatcher(None, words, heard, autojunk=False).get_matching_blocks()
    return sum(block.size for block in matched) / max(1, len(words))
