"""Offers that come while one is pending, that name places they should not, and by the thousand."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID, uuid5

import psutil
import pytest
from sqlalchemy import text

from contracts.interview import JoinPurpose
from tests.integration.test_api.service import CONSENT, Desk, Service
from tests.integration.test_api.test_conduct import OFFER
from tests.integration.test_api.test_edges import problem
from tests.waiting import eventually
from workflows.line import JOINS_A_MINUTE

#: Tokens that flood, and how often each offers.
FLOODERS, EACH = 20, 50
#: Of these tokens: all of them begin in this one process, with their bots and workflows.
AT_ONCE = 8


async def _agreed(service: Service) -> tuple[Desk, UUID]:
    made = await service.start()
    candidate = await service.candidate_of(made)
    await candidate.post("consent", **CONSENT)
    return candidate, UUID(made["id"])


def _offer(number: int) -> str:
    return OFFER.replace("54321", str(10_000 + number))


async def _flood(candidate: Desk, offers: int) -> Counter[int]:
    """The statuses of so many offers, five at a time."""
    statuses: Counter[int] = Counter()

    async def some(numbers: range) -> None:
        for number in numbers:
            reply = await candidate.post("join", sdp=_offer(number))
            statuses[reply.status_code] += 1
            if reply.status_code in (429, 503):  # 503: this process bears no more at once
                problem(reply, reply.status_code)
                assert int(reply.headers["retry-after"]) > 0

    await asyncio.gather(*(some(range(first, offers, 5)) for first in range(5)))
    return statuses


async def _kept(service: Service, interview_id: UUID) -> int:
    rows = text("SELECT count(*) AS n FROM offers WHERE interview_id = :id")
    row: Any = await service.store.database.row(rows, {"id": interview_id})
    return int(row["n"])


def _memory_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


async def test_a_newer_offer_supersedes_the_pending_one(service: Service) -> None:
    candidate, _ = await _agreed(service)
    service.bot.answers.clear()
    first = asyncio.create_task(candidate.post("join", sdp=_offer(1)))
    await eventually(lambda: service.bot.heard == 1)
    second = asyncio.create_task(candidate.post("join", sdp=_offer(2)))
    problem(await first, 409)
    assert not second.done()
    service.bot.answers.set()
    reply = await second
    assert reply.status_code == 200
    assert (await candidate.shows(lambda told: told["status"] == "in_progress"))["consented"]
    repeated = await candidate.post("join", sdp=_offer(2))
    assert repeated.content == reply.content


KEPT = text("SELECT body FROM idempotency_keys WHERE key LIKE '%again'")
AGED = text("UPDATE offers SET created_at = created_at - interval '11 minutes'")


async def test_a_repeated_join_gets_the_same_answer_while_its_offer_is_kept(
    service: Service,
) -> None:
    candidate, _ = await _agreed(service)
    first = await candidate.post("join", key="again", sdp=OFFER)
    assert first.json()["type"] == "answer"
    kept = await service.store.database.row(KEPT)
    assert kept is not None
    assert b"v=0" not in bytes(kept["body"])
    second = await candidate.post("join", key="again", sdp=OFFER)
    assert second.headers["idempotent-replayed"] == "true"
    assert second.json() == first.json()

    await service.store.database.run(AGED)
    other, _ = await _agreed(service)
    await other.post("join", sdp=_offer(1))  # whose keeping purges
    problem(await candidate.post("join", key="again", sdp=OFFER), 409)


async def test_an_offer_is_kept_without_the_places_nobody_should_send_to(service: Service) -> None:
    candidate, interview_id = await _agreed(service)
    sdp = OFFER + "a=candidate:2 1 udp 1 169.254.169.254 4000 typ host\r\n"
    assert (await candidate.post("join", sdp=sdp)).status_code == 200
    offer_id = uuid5(interview_id, f"{JoinPurpose.INTERVIEW.value}:{sdp}")
    assert await service.store.offers.sdp(offer_id) == OFFER


async def test_a_thousand_offers_of_one_token_leave_others_alone(service: Service) -> None:
    neighbour, _ = await _agreed(service)
    assert (await neighbour.post("join", sdp=OFFER)).status_code == 200
    candidate, interview_id = await _agreed(service)
    before_mb = _memory_mb()
    statuses = await _flood(candidate, 1_000)
    assert statuses[200] <= JOINS_A_MINUTE
    assert set(statuses) <= {200, 409, 429}  # 409: superseded by the next one
    assert statuses[429] >= 1_000 - service.parts.offers.limit
    assert service.bot.heard <= 1 + JOINS_A_MINUTE
    assert await _kept(service, interview_id) <= service.parts.offers.limit
    assert _memory_mb() - before_mb < 40
    assert service.bot.live == 2
    assert (await neighbour.status())["status"] == "in_progress"


@pytest.mark.timeout(400)
async def test_a_thousand_offers_of_many_tokens_are_counted_for_each(service: Service) -> None:
    neighbour, _ = await _agreed(service)
    assert (await neighbour.post("join", sdp=OFFER)).status_code == 200
    candidates = [(await _agreed(service))[0] for _ in range(FLOODERS)]
    before_mb = _memory_mb()
    places = asyncio.Semaphore(AT_ONCE)

    async def flood(candidate: Desk) -> Counter[int]:
        async with places:
            return await _flood(candidate, EACH)

    floods = await asyncio.gather(*map(flood, candidates))
    for statuses in floods:
        assert 0 < statuses[200] <= JOINS_A_MINUTE
        assert set(statuses) <= {200, 409, 429, 503}
    assert service.bot.heard <= 1 + FLOODERS * JOINS_A_MINUTE
    await eventually(lambda: service.bot.live == 1 + FLOODERS)
    assert _memory_mb() - before_mb < 80
    assert (await neighbour.status())["status"] == "in_progress"
