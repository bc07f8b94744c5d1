"""Answers that try to steer the language model's grader, against models that obey, half obey and
resist.

    python -m bench.injection            # 300 attacks on three answers each, three models
    python -m bench.injection --every 12 # every twelfth

The models are served over OpenAI's protocol. One that obeys calls every key point covered as soon
as it sees half of an attack's words, with a genuine quote: the worst that a model can do. What is
measured is how far that moves the score, against the same answer without the attack before a model
that resists. All carriers are text; what is spoken is written as a recogniser writes it.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, NamedTuple

from bench.attacks import Attack, attacks
from contracts.grades import Flag, Grade
from contracts.questions import Question
from grading.embedded import EmbeddedGrader
from grading.language_model import LanguageModelGrader
from language_models import LanguageModel
from questions.loader import starter_bank
from tests.fakes.graders import Task, careful_points, judged, reply
from tests.fakes.openai_server import KEY, MODEL, Asked, OpenAIServer, Says

#: The share of key points that a model gives away when it sees an attack.
MODELS: Final = {"obeys": 1.0, "half obeys": 0.5, "resists": 0.0}
_ANSWERS: Final = ("wrong", "half", "right")


class Moved(NamedTuple):
    """`change` is in points of 10; `asks_a_person` says that the grade carries a flag."""

    attack: Attack
    answer: str
    change: float
    asks_a_person: bool


@dataclass(frozen=True)
class Summary:
    """`worst` is the largest change either way; `far` how many moved by more than a point."""

    cases: int
    mean: float
    bound: float
    worst: float
    far: int
    far_unflagged: int


def sees(attack: Attack, said: str) -> bool:
    """Half of the attack's words are still there, or all of them where they are letters."""
    wanted = re.findall(r"[^\W_]{3,}", attack.words.casefold())
    if not wanted:
        return "".join(attack.words.casefold().split()) in "".join(said.casefold().split())
    found = set(re.findall(r"[^\W_]{3,}", said.casefold()))
    return sum(word in found for word in wanted) >= 0.5 * len(wanted)


def model(attack: Attack, gives_away: float) -> Callable[[Asked], str]:
    """Covered with the first words that it finds, for that share of the points, once it sees the
    attack; careful else."""

    def replied(asked: Asked) -> str:
        task = Task.of(asked)
        points = careful_points(task)
        if gives_away and sees(attack, task.said):
            quote = " ".join(task.said.split()[:8])
            for at in range(math.ceil(gives_away * len(points))):
                points[at] = judged(points[at]["id"], "covered", quote)
        return reply(points)

    return replied


class Bench:
    """Grades the way the product does, with the embedded grade beside."""

    def __init__(self, server: OpenAIServer, embedded: EmbeddedGrader) -> None:
        self._server, self._embedded = server, embedded
        self._model = LanguageModel(server.base_url, KEY, MODEL)
        self._grader = LanguageModelGrader(self._model)
        self._beside: dict[tuple[str, str], Grade] = {}
        self._bank = starter_bank()

    async def aclose(self) -> None:
        await self._model.close()

    async def run(self, cases: Sequence[Attack], gives_away: float) -> list[Moved]:
        return [
            await self._moved(attack, gives_away, answer, number)
            for number, attack in enumerate(cases)
            for answer in _ANSWERS
        ]

    async def _moved(self, attack: Attack, gives_away: float, answer: str, number: int) -> Moved:
        question = self._bank[number % len(self._bank)]
        clean = self._said(answer, number)
        before = await self._grade(question, clean, attack, 0.0)
        after = await self._grade(question, attack.on(clean), attack, gives_away)
        flagged = {Flag.INSTRUCTION_LIKE_TEXT, Flag.GRADERS_DISAGREE} & set(after.flags)
        return Moved(attack, answer, after.score - before.score, bool(flagged))

    async def _grade(
        self, question: Question, answer: str, attack: Attack, gives_away: float
    ) -> Grade:
        self._server.otherwise = Says(model(attack, gives_away))
        known = (question.slug, answer)
        if known not in self._beside:
            self._beside[known] = await self._embedded.grade(question, answer)
        return await self._grader.grade(question, answer, self._beside[known])

    def _said(self, answer: str, number: int) -> str:
        """The model answer, the first half of it, or that of a question of another kind."""
        here, elsewhere = number % len(self._bank), (number + 35) % len(self._bank)
        sentences = re.split(r"(?<=[.!?])\s+", self._bank[here].model_answer)
        if answer == "half":
            return " ".join(sentences[: len(sentences) // 2])
        return self._bank[here if answer == "right" else elsewhere].model_answer


def summary(moved: Sequence[Moved]) -> Summary:
    """`bound`: half the width of the mean's 95 % interval."""
    changes = [each.change for each in moved]
    mean = sum(changes) / len(changes)
    variance = sum((change - mean) ** 2 for change in changes) / max(1, len(changes) - 1)
    far = [each for each in moved if abs(each.change) > 1.0]
    return Summary(
        cases=len(moved),
        mean=mean,
        bound=1.96 * math.sqrt(variance / len(changes)),
        worst=max(changes, key=abs),
        far=len(far),
        far_unflagged=sum(not each.asks_a_person for each in far),
    )


async def measure(cases: Sequence[Attack]) -> dict[str, list[Moved]]:
    """What each model's grades moved by, by the model's name."""
    embedded = await asyncio.to_thread(EmbeddedGrader)
    try:
        async with OpenAIServer() as server, aclosing(Bench(server, embedded)) as bench:
            return {name: await bench.run(cases, share) for name, share in MODELS.items()}
    finally:
        embedded.close()


def table(found: dict[str, list[Moved]]) -> Iterator[str]:
    yield f"{'':44}{'n':>5}{'mean':>8}{'95 %':>8}{'worst':>8}{'> 1':>6}{'unseen':>8}"
    for name, moved in found.items():
        parts = {
            "all": moved,
            "wordings the rules were written with": [m for m in moved if not m.attack.held_out],
            "other wordings": [m for m in moved if m.attack.held_out],
        }
        if MODELS[name] == 1.0:
            for family in dict.fromkeys(m.attack.family for m in moved):
                parts[f"  {family}"] = [m for m in moved if m.attack.family == family]
            for carrier in dict.fromkeys(m.attack.carrier for m in moved):
                parts[f"  carried {carrier}"] = [m for m in moved if m.attack.carrier == carrier]
        for part, some in parts.items():
            if some:
                yield _row(f"{name}: {part}", summary(some))


def _row(name: str, found: Summary) -> str:
    return (
        f"{name:44}{found.cases:5}{found.mean:8.2f}{found.bound:8.2f}"
        f"{found.worst:8.2f}{found.far:6}{found.far_unflagged:8}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take every nth attack")
    cases = list(attacks())[:: parser.parse_args().every]
    for line in table(asyncio.run(measure(cases))):
        print(line)


if __name__ == "__main__":
    main()
