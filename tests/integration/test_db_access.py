"""Keys, repeated requests, and the bank's versions."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from contracts.errors import Conflict, IdempotencyMismatch, NotAuthenticated, NotFound
from contracts.questions import Difficulty
from db.ids import new_id
from db.rows import Organisation, Reply
from db.store import Store
from tests.builders import a_question


@pytest.fixture
async def organisation(store: Store) -> Organisation:
    return await store.access.default_organisation()


async def test_the_default_organisation_is_made_once(store: Store) -> None:
    made = await asyncio.gather(*(store.access.default_organisation() for _ in range(10)))

    assert len({each.id for each in made}) == 1


async def test_a_key_opens_its_organisation(store: Store, organisation: Organisation) -> None:
    for _ in range(2):
        await store.access.add_key(organisation.id, "cv_secret", "server")

    assert (await store.access.owner_of("cv_secret")).organisation_id == organisation.id


async def test_unknown_expired_and_revoked_keys_open_nothing(
    store: Store, organisation: Organisation
) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    await store.access.add_key(organisation.id, "expired", "old", expires_at=past)
    await store.access.add_key(organisation.id, "revoked", "lost")
    await store.access.revoke_key((await store.access.owner_of("revoked")).id)

    for key in ("expired", "revoked", "unknown", "", "\x00\ud800"):
        with pytest.raises(NotAuthenticated):
            await store.access.owner_of(key)


async def test_no_key_is_stored_readably(store: Store, organisation: Organisation) -> None:
    await store.access.add_key(organisation.id, "cv_secret", "server")

    row = await store.database.row(text("SELECT api_keys::text AS words FROM api_keys"))

    assert row is not None
    assert "cv_secret" not in row["words"]


async def test_a_key_for_no_organisation_is_refused(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.access.add_key(new_id(), "k", "n")


async def test_a_repeated_request_gets_the_first_reply(
    store: Store, organisation: Organisation
) -> None:
    claim = await store.idempotency.claim(organisation.id, "k1", b"start")
    assert claim.reply is None
    await store.idempotency.finish(claim, 201, b'{"id":1}', {"location": "/x"})

    again = await store.idempotency.claim(organisation.id, "k1", b"start")

    assert again.reply == Reply(status=201, body=b'{"id":1}', headers={"location": "/x"})


async def test_a_failure_is_given_again_too(store: Store, organisation: Organisation) -> None:
    claim = await store.idempotency.claim(organisation.id, "k1", b"start")
    await store.idempotency.finish(claim, 500, b"{}")

    again = await store.idempotency.claim(organisation.id, "k1", b"start")

    assert again.reply is not None
    assert again.reply.status == 500


async def test_a_key_used_for_another_request_is_refused(
    store: Store, organisation: Organisation
) -> None:
    await store.idempotency.claim(organisation.id, "k1", b"start")

    with pytest.raises(IdempotencyMismatch):
        await store.idempotency.claim(organisation.id, "k1", b"other")


async def test_of_twenty_twins_one_runs(store: Store, organisation: Organisation) -> None:
    tries = await asyncio.gather(
        *(store.idempotency.claim(organisation.id, "k1", b"start") for _ in range(20)),
        return_exceptions=True,
    )

    assert sum(isinstance(each, Conflict) for each in tries) == 19


async def test_an_abandoned_key_is_free_again(store: Store, organisation: Organisation) -> None:
    await store.idempotency.abandon(await store.idempotency.claim(organisation.id, "k", b"bad"))

    assert (await store.idempotency.claim(organisation.id, "k", b"good")).reply is None


async def test_keys_of_two_organisations_do_not_meet(
    store: Store, organisation: Organisation
) -> None:
    other = await store.access.add_organisation(new_id(), "Other")
    await store.idempotency.claim(organisation.id, "k", b"one")

    assert (await store.idempotency.claim(other.id, "k", b"two")).reply is None


async def test_a_try_that_died_is_taken_over_and_can_no_longer_finish(
    store: Store, organisation: Organisation
) -> None:
    dead = await store.idempotency.claim(organisation.id, "k", b"start")
    await store.database.run(
        text("UPDATE idempotency_keys SET claimed_at = now() - interval '5 seconds'")
    )

    heir = await store.idempotency.claim(organisation.id, "k", b"start")
    await store.idempotency.finish(dead, 500, b"late")
    await store.idempotency.finish(heir, 201, b"made")

    again = await store.idempotency.claim(organisation.id, "k", b"start")
    assert again.reply == Reply(status=201, body=b"made")


async def test_a_try_that_runs_on_keeps_its_claim(store: Store, organisation: Organisation) -> None:
    running = await store.idempotency.claim(organisation.id, "k", b"start")
    await store.database.run(
        text("UPDATE idempotency_keys SET claimed_at = now() - interval '5 seconds'")
    )
    await store.idempotency.renew(running)

    with pytest.raises(Conflict):
        await store.idempotency.claim(organisation.id, "k", b"start")


async def test_keys_are_kept_for_a_day_at_least(store: Store, organisation: Organisation) -> None:
    for key, age in (("young", "24 hours"), ("old", "49 hours")):
        await store.idempotency.claim(organisation.id, key, b"start")
        await store.database.run(
            text(
                "UPDATE idempotency_keys SET created_at = now() - CAST(:age AS interval)"
                " WHERE key = :key"
            ).bindparams(age=age, key=key)
        )

    assert await store.idempotency.purge() == 1


async def test_loading_the_same_bank_again_changes_nothing(store: Store) -> None:
    bank = [a_question(), a_question("locks", difficulty=Difficulty.HARD)]

    assert await store.questions.load(bank) == 2
    assert await store.questions.load(bank) == 0


async def test_an_edited_question_becomes_a_version_and_the_old_one_stays(store: Store) -> None:
    await store.questions.load([a_question(), a_question("locks")])
    (old, _) = await store.questions.current()

    edited = a_question(prompt="How does a hash map look a key up?")
    assert await store.questions.load([edited]) == 1

    (new, other) = await store.questions.current()
    assert (new.question.version, new.question.prompt) == (2, edited.prompt)
    assert other.question.slug == "locks"
    assert new.id != old.id
    assert await store.questions.by_ids([old.id, new.id, new_id()]) == {
        old.id: old.question,
        new.id: new.question,
    }


async def test_two_loads_at_once_make_one_version(store: Store) -> None:
    changed = await asyncio.gather(*(store.questions.load([a_question()]) for _ in range(5)))

    assert sum(changed) == 1
