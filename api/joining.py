"""Consent and joining: what is kept in the database before the workflow is told its id."""

from __future__ import annotations

from uuid import UUID, uuid5

from api.auth import Seen
from api.bodies import JoinIn, JoinOut
from api.parts import Parts
from contracts.errors import Unavailable, WrongState
from contracts.interview import Join, JoinPurpose
from contracts.sdp import admitted


async def keep_consent(parts: Parts, seen: Seen, text_version: str) -> UUID:
    """The id of the consent's row: one per interview and version, however often told."""
    _not_over(seen)
    consent_id = uuid5(seen.interview.id, f"consent:{text_version}")
    await parts.store.interviews.set_consent(consent_id, seen.interview.id, text_version)
    return consent_id


async def join(parts: Parts, seen: Seen, body: JoinIn) -> bytes:
    """A `JoinOut`, by voice when there is an offer."""
    if body.sdp is not None:
        return await call(parts, seen, body.purpose, body.sdp)
    _not_over(seen)
    typing = Join(purpose=body.purpose, tab=body.tab)
    joined = await parts.interviews.join(seen.interview.id, typing)
    return JoinOut(epoch=joined.epoch).model_dump_json(exclude_none=True).encode()


async def call(parts: Parts, seen: Seen, purpose: JoinPurpose, sdp: str) -> bytes:
    """A `JoinOut`. The offer's id follows from its text, so a repeat is the same join."""
    _not_over(seen)
    offer_id = await _keep_offer(parts, seen, purpose, sdp)
    joined = await parts.interviews.join(
        seen.interview.id, Join(purpose=purpose, offer_id=offer_id)
    )
    answer = await _answer_to(parts, offer_id)
    reply = JoinOut(epoch=joined.epoch, sdp=answer, type="answer")
    return reply.model_dump_json(exclude_none=True).encode()


async def _keep_offer(parts: Parts, seen: Seen, purpose: JoinPurpose, sdp: str) -> UUID:
    offer = admitted(sdp)
    parts.offers.check(seen.interview.id)
    offer_id = uuid5(seen.interview.id, f"{purpose.value}:{sdp}")
    await parts.store.offers.put(offer_id, seen.interview.id, offer)
    return offer_id


async def _answer_to(parts: Parts, offer_id: UUID) -> str:
    """The bot keeps its answer before it reports ready, and `join` returns after that."""
    answer = await parts.store.offers.answer_sdp(offer_id)
    if answer is None:
        raise Unavailable("The interviewer did not answer the offer; offer again", retry_after_s=1)
    return answer


def _not_over(seen: Seen) -> None:
    """So that nothing is kept for a call that the workflow is bound to refuse."""
    if seen.interview.status.ended:
        raise WrongState(f"The interview is {seen.interview.status.value}.")
