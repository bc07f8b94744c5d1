"""`codevoice bench-turns`: thinkers before three detectors, then page, JSON and picture."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from loguru import logger
from rich.console import Console

from bench.figures import Machine, this_machine
from bench.turns.ahead import run_ahead
from bench.turns.deciding import Detector, Scores, Table
from bench.turns.hearing import Heard, Hearing
from bench.turns.lines import Sound, spoken
from bench.turns.outcomes import Outcome, outcome_of, point_of
from bench.turns.report import Curve, Report, Setting, report_of, write
from bench.turns.thinkers import Part, Thinker, thinkers, voices
from bench.voices import VOICES, Samples, Voice
from questions.loader import starter_bank
from voice.engines import SpeechToText
from voice.models import SpeechModels
from voice.pauses import (
    FINISHED,
    NEITHER_S,
    PROMISED_S,
    QUICKEST,
    SLOWEST,
    UNFINISHED_S,
    Pace,
    Patience,
)

WAITS_S: Final = (0.0, 1.0, 1.25, 1.5, 1.8, 2.0, 3.0, 4.0)
#: Tried together on the fitted part: the wait, from which score a voice has finished (0: always),
#: the waits when the words promise more and when the voice has not finished either, and how far the
#: wait follows the thinker's own pace.
GRID: Final = (
    (1.25, 1.5, 1.8),
    (0.0, FINISHED),
    ((UNFINISHED_S, UNFINISHED_S), (PROMISED_S, NEITHER_S)),
    ((1.0, 1.0), (QUICKEST, SLOWEST)),
)


class KeptVoice:
    """A voice whose words are kept on disk."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._folder = folder / name
        self._folder.mkdir(parents=True, exist_ok=True)
        self._voice: Voice | None = None

    def say(self, text: str) -> Samples:
        kept = self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npy"
        if kept.exists():
            known: Samples = np.load(kept)
            return known
        self._voice = self._voice or VOICES[self._name]()
        said = self._voice.say(text)
        np.save(kept, said)
        return said


@dataclass(frozen=True)
class Interview:
    """A thinker with all that is heard of them."""

    thinker: Thinker
    answers: tuple[tuple[Sound, Heard], ...]


class Bench:
    """Models and the folder in which everything that costs is kept."""

    def __init__(self, folder: Path) -> None:
        self._models = SpeechModels()
        self._recogniser = SpeechToText()
        self._hearing = Hearing(self._models, self._recogniser, folder / "heard")
        self._scores = Scores(self._models.score, folder / "scores.txt")
        self._voice = cache(lambda name: KeptVoice(name, folder / "spoken"))

    def close(self) -> None:
        self._models.close()
        self._recogniser.close()

    async def interview(self, thinker: Thinker) -> Interview:
        voice = self._voice(thinker.voice)
        answers = []
        for at, answer in enumerate(thinker.answers):
            chance = random.Random(f"{thinker.number}:{at}")
            sound = spoken(answer, voice, thinker.line, chance)
            answers.append((sound, await self._hearing.heard(sound)))
        return Interview(thinker, tuple(answers))

    def put(
        self, interviews: Iterable[Interview], detector: Detector, patience: Patience
    ) -> list[Outcome]:
        """The interviews, each with a pace of its own, before the detector."""
        return run_ahead(self._put(interviews, Table(detector, self._scores, patience)))

    async def _put(self, interviews: Iterable[Interview], table: Table) -> list[Outcome]:
        found = []
        for interview in interviews:
            pace = Pace()
            asked = zip(interview.thinker.answers, interview.answers, strict=True)
            for answer, (sound, heard) in asked:
                ends = await table.ends(sound, heard, pace, answer.kind)
                found.append(outcome_of(interview.thinker, sound, ends))
        return found


def run_bench_turns(talk: Console, *, answers: int, seed: int, folder: Path) -> Report:
    """Writes the report into `folder`. What was synthesised, heard and scored stays there as well,
    for a second run with the same seed.
    """
    logger.remove()  # Pipecat's own lines, thousands of them
    machine, began = this_machine(), time.monotonic()
    bench = Bench(folder / "kept")
    try:
        people = thinkers(starter_bank(), answers, seed)
        interviews = asyncio.run(_heard(bench, people, talk))
        report = _measured(bench, interviews, talk, seed=seed, machine=machine, began=began)
    finally:
        bench.close()
    for path in write(report, folder):
        talk.print(f"written to {path}")
    return report


async def _heard(bench: Bench, people: Sequence[Thinker], talk: Console) -> list[Interview]:
    talk.print(f"{len(people)} thinkers speak, and are heard", highlight=False)
    return [await bench.interview(one) for one in people]


def _measured(
    bench: Bench,
    interviews: Sequence[Interview],
    talk: Console,
    *,
    seed: int,
    machine: Machine,
    began: float,
) -> Report:
    by_part = {part: [one for one in interviews if one.thinker.part is part] for part in Part}
    talk.print("thresholds are tried on the fitted part", highlight=False)
    settings = tried(bench, by_part[Part.FITTED])
    talk.print("three detectors hear the reported part", highlight=False)
    kept = by_part[Part.REPORTED]
    curves = [
        Curve(
            detector=detector,
            points=tuple(
                point_of(wait_s, bench.put(kept, detector, Patience(wait_s))) for wait_s in WAITS_S
            ),
        )
        for detector in Detector
    ]
    known = {part: voices(part) for part in Part}
    return report_of(
        bench.put(kept, Detector.OURS, Patience()),
        settings[0].point,
        curves,
        settings,
        Patience().wait_s,
        seed=seed,
        machine=machine,
        version=version("codevoice"),
        took_s=round(time.monotonic() - began, 1),
        thinkers={part: len(some) for part, some in by_part.items()},
        voices={part: names for part, (names, _) in known.items()},
        notes=tuple(note for _, note in known.values() if note),
    )


def tried(bench: Bench, interviews: Sequence[Interview]) -> list[Setting]:
    """The product's thresholds, then the best ten others: those that are bearable come first."""
    policies = [
        Patience(wait_s, finished, UNFINISHED_S, *promised_s, *pace)
        for wait_s, finished, promised_s, pace in product(*GRID)
    ]
    own, *others = [_setting(bench, interviews, policy) for policy in (Patience(), *policies)]
    others.sort(key=lambda one: (not one.bearable, one.point.answers.hits, one.point.mean_s))
    return [own, *others[:10]]


def _setting(bench: Bench, interviews: Sequence[Interview], patience: Patience) -> Setting:
    return Setting(
        finished=patience.finished,
        promised_s=patience.promised_s,
        neither_s=patience.neither_s,
        pace=(patience.quickest, patience.slowest),
        point=point_of(patience.wait_s, bench.put(interviews, Detector.OURS, patience)),
    )
