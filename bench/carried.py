"""An attack and an honest answer: how a carrier brings the one to those who read the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from pydantic import ValidationError

from api.bodies import NewInterview
from bench.attacks import WORDINGS, Attack, Carrier
from contracts.questions import Question
from questions.loader import starter_bank

ANSWERS: Final = ("wrong", "half", "right")
#: Where an organiser would put such a text, if there were a place for it.
_ROLE_FIELDS: Final = ("role", "role_description", "job_description", "position", "resume", "notes")


class Hears(Protocol):
    """`bench.heard.Hearing` is one."""

    async def of(self, question: Question, text: str) -> str:
        """What is recognised of a text that was said aloud in answer to the question."""


class Carried(NamedTuple):
    """One answer without the attack (`clean`) and with it (`said`): the same where the carrier
    leads into no answer. `name` is the candidate's."""

    attack: Attack
    question: Question
    answer: str
    clean: str
    said: str
    name: str | None = None


async def carried(attack: Attack, answer: str, hearing: Hears) -> Carried:
    """On the model answer ("right"), its first half, or that to a question of another kind.

    Raises AssertionError where the product has got a place for role or resume texts: such an
    attack is then to be carried there.
    """
    place = place_of(attack)
    question, sentences = starter_bank()[place], sentences_of(place, answer)
    clean, name = " ".join(sentences), None
    match attack.carrier:
        case Carrier.SPOKEN:
            clean = "\n".join([await hearing.of(question, each) for each in sentences])
            said = await _spoken(attack, question, sentences, hearing)
        case Carrier.TYPED:
            said = _typed(attack, sentences)
        case Carrier.CODE:
            said = _as_code(attack.words, clean)
        case Carrier.ROLE:
            assert not any(takes(field, attack.words) for field in _ROLE_FIELDS)
            said = clean
        case Carrier.NAME:
            said, name = clean, " ".join(attack.words.split())
    return Carried(attack, question, answer, clean, said, name)


def sentences_of(place: int, answer: str) -> list[str]:
    """The sentences of such an answer to the question at this place in the starter bank."""
    bank = starter_bank()
    elsewhere = (place + len(bank) // 2) % len(bank)
    sentences = re.split(
        r"(?<=[.!?])\s+", bank[elsewhere if answer == "wrong" else place].model_answer
    )
    return sentences[: len(sentences) // 2] if answer == "half" else sentences


def takes(field: str, value: object) -> bool:
    """The API lets whoever starts an interview hand this in."""
    try:
        NewInterview.model_validate({field: value})
    except ValidationError:
        return False
    return True


async def stretches(attack: Attack, question: Question, hearing: Hears) -> list[str]:
    """The attack as speech of its own: one stretch for each line in which there is a word."""
    heard = [await hearing.of(question, line) for line in attack.words.splitlines()]
    return [each for each in heard if each]


def place_of(attack: Attack) -> int:
    """Its question's place in the bank: what is spoken keeps to one question a family, the rest
    goes round."""
    bank, family = len(starter_bank()), list(WORDINGS).index(attack.family)
    if attack.carrier is Carrier.SPOKEN:
        return family * bank // len(WORDINGS)
    return (
        8 * (family * len(Carrier) + list(Carrier).index(attack.carrier)) + attack.wording
    ) % bank


async def _spoken(
    attack: Attack, question: Question, sentences: Sequence[str], hearing: Hears
) -> str:
    """Every other wording in one breath with what the answer begins with, the others by themselves
    behind it. Stretches of speech become lines."""
    heard = [await hearing.of(question, each) for each in sentences]
    if attack.wording % 2:
        breath = f"{sentences[0]} {' '.join(attack.words.split())}"
        return "\n".join([await hearing.of(question, breath), *heard[1:]])
    return "\n".join([*heard, *await stretches(attack, question, hearing)])


def _typed(attack: Attack, sentences: Sequence[str]) -> str:
    """In front, behind, or in the middle of a paragraph."""
    answer, half = " ".join(sentences), len(sentences) // 2
    return (
        f"{attack.words}\n{answer}",
        f"{answer}\n{attack.words}",
        " ".join([*sentences[:half], attack.words, *sentences[half:]]),
    )[attack.wording % 3]


def _as_code(attack: str, answer: str) -> str:
    body = "\n".join(f"    # {line}" for line in attack.splitlines())
    return f"{answer}\ndef solve(items):\n{body}\n    return sorted(items)"
