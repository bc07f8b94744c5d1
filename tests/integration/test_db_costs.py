"""What calls to providers used is booked once, whoever retries."""

from __future__ import annotations

import pytest

from contracts.errors import NotFound
from contracts.usage import Purpose, Usage
from db.ids import new_id
from db.store import Store
from tests.builders import an_interview


def a_call(tokens_in: int) -> Usage:
    return Usage(
        id=new_id(), purpose=Purpose.GRADER, model="m-1", tokens_in=tokens_in, tokens_out=7
    )


async def test_calls_are_booked_once_in_their_order(store: Store) -> None:
    interview, other = await an_interview(store), await an_interview(store)
    heard = Usage(id=new_id(), purpose=Purpose.SPEECH_TO_TEXT, model="n-3", audio_s=61.5)
    spoken = Usage(id=new_id(), purpose=Purpose.TEXT_TO_SPEECH, model="a-h", characters=240)
    calls = [heard, spoken, a_call(1), a_call(2)]
    for _ in range(2):
        await store.costs.book(interview.id, calls)
    await store.costs.book(other.id, [a_call(3)])
    assert await store.costs.of_interview(interview.id) == tuple(calls)


async def test_nothing_is_booked_on_no_interview(store: Store) -> None:
    await store.costs.book(new_id(), [])
    with pytest.raises(NotFound):
        await store.costs.book(new_id(), [a_call(1)])
