"""The judge on what was spoken: silent where an answer's word stands once, under its question."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from temporalio.client import Client

from bench.chaos.evidence import ANSWERS, Evidence, Told
from bench.chaos.invariants import check
from contracts.interview import Outage
from tests.integration.trial import Trial
from tests.replay.rehearsal import local_temporal

WORDS = ("kangaroo", "elephant")


@pytest.fixture(scope="module")
async def temporal() -> AsyncIterator[Client]:
    async with local_temporal() as client:
        yield client


async def spoken(trial: Trial) -> Evidence:
    """An interview whose answers count as spoken, each known by its word."""
    await trial.open(1)
    await trial.answer(f"The {WORDS[0]} has only ever used it.")
    await trial.answer(f"The {WORDS[1]} has a bucket and a collision.")
    await trial.finish()
    words = iter(WORDS)
    evidence = await trial.evidence()
    ledger = tuple(
        replace(each, word=next(words), sha256=None) if each.verb == ANSWERS else each
        for each in evidence.ledger
    )
    return replace(evidence, ledger=ledger)


async def found(evidence: Evidence) -> set[str]:
    return {each.invariant for each in await check(evidence, timedelta(seconds=0.5))}


async def test_what_was_taken_and_stands_once_breaks_nothing(trial: Trial) -> None:
    assert await check(await spoken(trial)) == []


@pytest.mark.parametrize(
    ("invariant", "planted"),
    [
        ("I1", "DELETE FROM turns WHERE text LIKE '%kangaroo%'"),
        ("I1", "UPDATE answers SET text = replace(text, 'kangaroo', '')"),
        ("I1", "UPDATE turns SET question_id = NULL WHERE text LIKE '%elephant%'"),
        ("I3", "UPDATE answers SET text = text || ' kangaroo'"),
        ("I3", "UPDATE turns SET text = text || ' elephant' WHERE text LIKE '%kangaroo%'"),
    ],
)
async def test_a_spoken_answer_that_is_lost_or_doubled_is_found(
    trial: Trial, invariant: str, planted: str
) -> None:
    evidence = await spoken(trial)
    assert await trial.judge.database.run(text(planted)) > 0
    assert invariant in await found(evidence)


async def test_what_was_under_way_when_the_line_was_lost_may_be_missing(trial: Trial) -> None:
    evidence = await spoken(trial)
    unsure = tuple(
        replace(each, outcome=Told.UNKNOWN) if each.word == WORDS[0] else each
        for each in evidence.ledger
    )
    gone = "UPDATE turns SET text = replace(text, 'kangaroo', '')"
    await trial.judge.database.run(text(gone))
    await trial.judge.database.run(text(gone.replace("turns", "answers")))
    assert await found(replace(evidence, ledger=unsure)) == set()


async def test_time_given_back_at_the_word_of_the_pulse_needs_a_fault(trial: Trial) -> None:
    """A fault may take long to be over; what no fault took is not given back."""
    await trial.open(1)
    await trial.answer("I have only ever used it.")
    now = datetime.now(UTC)
    outage = Outage(began_at=now - timedelta(minutes=1), ended_at=now + timedelta(minutes=1))
    await trial.api.interviews.give_back(trial.interview_id, outage)
    await trial.finish()
    assert "I11" in await found(await trial.evidence())
