"""Draws an interview's questions: the same arguments always give the same questions."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Final

from contracts.errors import InvalidInput
from contracts.questions import Difficulty, Question

_EASIEST_FIRST: Final = tuple(Difficulty)


def draw(
    bank: Iterable[Question],
    topics: Collection[str] | None,
    difficulties: Collection[Difficulty] | None,
    count: int,
    seed: int | str,
) -> tuple[Question, ...]:
    """`count` different questions, spread evenly over topics and difficulties, easiest first.

    None or nothing for `topics` or `difficulties` means all. The order of `bank` does not matter,
    and a question added to it moves few others. Raises InvalidInput naming `topics`,
    `difficulties` or `question_count`.
    """
    pool = _pool(tuple(bank), topics, difficulties)
    if not 1 <= count <= len(pool):
        raise InvalidInput(
            f"{count} questions were asked for; between 1 and {len(pool)} can be drawn",
            field="question_count",
        )
    taken: list[Question] = []
    rest = sorted(pool, key=lambda question: _lot(seed, question.slug))
    while len(taken) < count:
        taken.append(rest.pop(_least_like(taken, rest, seed)))
    return tuple(sorted(taken, key=lambda question: _EASIEST_FIRST.index(question.difficulty)))


def _pool(
    bank: tuple[Question, ...],
    topics: Collection[str] | None,
    difficulties: Collection[Difficulty] | None,
) -> list[Question]:
    known = {question.topic.casefold() for question in bank}
    wanted = {topic.strip().casefold() for topic in topics or known}
    if wanted - known:
        raise InvalidInput("the bank has no such topic", field="topics")
    levels = set(difficulties or Difficulty)
    pool = [q for q in bank if q.topic.casefold() in wanted and q.difficulty in levels]
    if not pool:
        raise InvalidInput("the topics have no question of that difficulty", field="difficulties")
    return pool


def _lot(seed: int | str, name: str) -> bytes:
    """A place in a shuffled order that does not depend on what else is shuffled."""
    return hashlib.sha256(f"{seed}/{name}".encode()).digest()


def _least_like(taken: list[Question], rest: list[Question], seed: int | str) -> int:
    """Position of the question whose topic, then difficulty, then both were taken least so far."""
    topics = Counter(question.topic.casefold() for question in taken)
    levels = Counter(question.difficulty for question in taken)

    def likeness(at: int) -> tuple[int, int, bytes, bytes]:
        question = rest[at]
        topic = question.topic.casefold()
        return (
            topics[topic],
            levels[question.difficulty],
            _lot(seed, topic),
            _lot(seed, question.slug),
        )

    return min(range(len(rest)), key=likeness)
