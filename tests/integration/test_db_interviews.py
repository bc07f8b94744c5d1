"""The interview's row: made once, saved forwards only, written by the newest bot alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from contracts.errors import NotFound, StaleFence
from contracts.interview import Fence, InterviewStatus
from db.ids import new_id
from db.rows import Candidate, NewInterview
from db.store import Store
from tests.builders import a_new_interview, an_interview


async def test_a_new_interview_can_be_read_before_its_workflow_has_spoken(store: Store) -> None:
    made = await an_interview(store, candidate=Candidate(name="Ada", email="ada@example.org"))

    found = await store.interviews.get(made.id)

    assert found == made
    assert found.status is InterviewStatus.WAITING
    assert found.snapshot.cursor.question_id == found.start.questions[0].question_id
    assert found.snapshot.remaining == timedelta(minutes=30)
    assert found.candidate == Candidate(name="Ada", email="ada@example.org")


async def test_an_interview_with_a_later_start_is_scheduled(store: Store) -> None:
    new = await a_new_interview(store)
    later = new.start.model_copy(update={"starts_at": datetime.now(UTC) + timedelta(hours=1)})

    made = await store.interviews.create(new.model_copy(update={"start": later}))

    assert made.status is InterviewStatus.SCHEDULED


async def test_twenty_starts_under_one_key_make_one_interview_and_one_candidate(
    store: Store,
) -> None:
    new = await a_new_interview(store, idempotency_key="form-1", candidate=Candidate(name="Ada"))
    tries = [
        new.model_copy(update={"start": new.start.model_copy(update={"interview_id": new_id()})})
        for _ in range(20)
    ]

    made = await asyncio.gather(*map(store.interviews.create, tries))

    assert len({interview.id for interview in made}) == 1
    assert len(await store.interviews.page(new.start.organisation_id)) == 1


async def test_the_same_start_again_finds_the_same_row(store: Store) -> None:
    new = await a_new_interview(store)

    assert await store.interviews.create(new) == await store.interviews.create(new)


async def test_another_organisations_interview_does_not_exist(store: Store) -> None:
    mine = await an_interview(store)
    other = await store.access.add_organisation(new_id(), "Other")

    assert (await store.interviews.owned(mine.id, mine.organisation_id)).id == mine.id
    with pytest.raises(NotFound) as foreign:
        await store.interviews.owned(mine.id, other.id)
    with pytest.raises(NotFound) as unknown:
        await store.interviews.owned(new_id(), other.id)
    assert str(foreign.value) == str(unknown.value)


async def test_pages_go_from_the_newest_back_and_miss_none(store: Store) -> None:
    made = [(await an_interview(store)).id for _ in range(5)]
    organisation = await store.access.default_organisation()

    first = await store.interviews.page(organisation.id, limit=3)
    second = await store.interviews.page(organisation.id, after=first[-1].id, limit=3)

    assert [each.id for each in first + second] == made[::-1]
    assert await store.interviews.page(organisation.id, InterviewStatus.COMPLETED) == ()


async def test_the_plan_holds_the_pinned_words_in_plan_order(store: Store) -> None:
    interview = await an_interview(store)

    plan = await store.interviews.plan(interview.id)

    assert list(plan) == [question.question_id for question in interview.start.questions]
    assert [question.slug for question in plan.values()] == ["hash-maps", "indexes", "locks"]


async def test_only_a_newer_state_is_saved(store: Store) -> None:
    interview = await an_interview(store)
    states = [
        interview.snapshot.model_copy(
            update={"state_version": version, "status": InterviewStatus.IN_PROGRESS}
        )
        for version in (1, 2, 3)
    ]

    assert await store.interviews.save_snapshot(states[1])
    assert not await store.interviews.save_snapshot(states[0])
    assert not await store.interviews.save_snapshot(states[1])
    assert await store.interviews.save_snapshot(states[2])

    assert await store.interviews.snapshot(interview.id) == states[2]
    assert (await store.interviews.get(interview.id)).status is InterviewStatus.IN_PROGRESS


async def test_saving_the_same_state_many_times_at_once_makes_one_event(store: Store) -> None:
    interview = await an_interview(store)
    state = interview.snapshot.model_copy(update={"state_version": 7})

    saved = await asyncio.gather(*(store.interviews.save_snapshot(state) for _ in range(20)))

    assert sum(saved) == 1
    assert [event.state_version for event in await store.events.since(interview.id, 0)] == [7]


async def test_a_newer_bot_takes_the_fence_and_an_older_one_is_refused(store: Store) -> None:
    interview = await an_interview(store)
    await store.interviews.take_fence(interview.id, Fence(epoch=1))
    await store.interviews.take_fence(interview.id, Fence(epoch=1))
    await store.interviews.take_fence(interview.id, Fence(epoch=1, attempt=2))
    await store.interviews.take_fence(interview.id, Fence(epoch=2))

    with pytest.raises(StaleFence):
        await store.interviews.take_fence(interview.id, Fence(epoch=1, attempt=9))
    with pytest.raises(StaleFence):
        await store.interviews.touch_alive(interview.id, Fence(epoch=1))
    with pytest.raises(NotFound):
        await store.interviews.take_fence(new_id(), Fence(epoch=1))


async def test_the_last_sign_of_life_is_kept(store: Store) -> None:
    interview = await an_interview(store)
    assert await store.interviews.last_alive_at(interview.id) is None
    assert not await store.interviews.any_bot_alive()

    await store.interviews.touch_alive(interview.id, Fence(epoch=1))

    assert await store.interviews.any_bot_alive()
    alive = await store.interviews.last_alive_at(interview.id)
    assert alive is not None
    assert abs(datetime.now(UTC) - alive) < timedelta(minutes=1)


async def test_rows_without_a_workflow_are_found_until_they_are_marked(store: Store) -> None:
    interview = await an_interview(store)
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert [each.id for each in await store.interviews.unstarted(soon)] == [interview.id]

    await store.interviews.mark_started(interview.id)

    assert await store.interviews.unstarted(soon) == ()


async def test_consent_is_kept_once_per_text(store: Store) -> None:
    interview = await an_interview(store)

    for _ in range(2):
        await store.interviews.set_consent(new_id(), interview.id, "2026-11")

    with pytest.raises(NotFound):
        await store.interviews.set_consent(new_id(), new_id(), "2026-11")


async def test_links_given_out_before_are_voided(store: Store) -> None:
    interview = await an_interview(store)

    assert await store.interviews.void_links(interview.id) == interview.token_generation + 1


async def test_names_that_postgresql_cannot_hold_are_kept_as_far_as_it_can(store: Store) -> None:
    new = await a_new_interview(store)
    odd = NewInterview.model_construct(
        **{**dict(new), "candidate": Candidate.model_construct(name="A\x00da\ud800", email=None)}
    )

    made = await store.interviews.create(odd)

    assert made.candidate.name == "A\ufffdda\ufffd"
