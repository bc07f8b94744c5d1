"""Consent and joining: what is kept in the database before the workflow is told its id.

A join by voice is kept, for its `Idempotency-Key`, as its epoch and its number or its offer's id.
What it opens is put into each reply anew (`told`): no token is ever stored and a repeat brings one
that serves, and an answer's addresses are kept no longer than its offer.
"""

from __future__ import annotations

from uuid import UUID, uuid5

from pydantic import BaseModel

from api import passes
from api.auth import Seen
from api.bodies import JoinIn, JoinOut, LiveKitTokenIn, LiveKitTokenOut
from api.parts import Parts
from contracts.errors import Conflict, InvalidInput, NotFound, Unavailable, WrongState
from contracts.interview import Join, JoinPurpose
from contracts.sdp import admitted


class KeptJoin(BaseModel):
    """A join by voice as it is kept: over a line of its own by its offer, into a room by number."""

    epoch: int
    offer_id: UUID | None = None
    admission: int | None = None


async def keep_consent(parts: Parts, seen: Seen, text_version: str) -> UUID:
    """The id of the consent's row: one per interview and version, however often told."""
    _not_over(seen)
    consent_id = uuid5(seen.interview.id, f"consent:{text_version}")
    await parts.store.interviews.set_consent(consent_id, seen.interview.id, text_version)
    return consent_id


async def join(parts: Parts, seen: Seen, body: JoinIn) -> bytes:
    """A `KeptJoin` by voice, a `JoinOut` by typing."""
    if body.purpose is not JoinPurpose.TYPING:
        return await call(parts, seen, body.purpose, body.sdp)
    _not_over(seen)
    typing = Join(purpose=body.purpose, tab=body.tab)
    joined = await parts.interviews.join(seen.interview.id, typing)
    admission = None
    if body.tab is not None and _in_room(seen):
        admission = await parts.store.interviews.admit(seen.interview.id)
    reply = JoinOut(epoch=joined.epoch, admission=admission)
    return reply.model_dump_json(exclude_none=True).encode()


async def call(parts: Parts, seen: Seen, purpose: JoinPurpose, sdp: str | None) -> bytes:
    """A `KeptJoin`, of which `told` makes what the caller gets."""
    _not_over(seen)
    in_room = _in_room(seen)
    if (sdp is None) != in_room:
        where = "in a room and takes none" if in_room else "over a line of its own and needs one"
        raise InvalidInput(f"This interview is held {where}.", field="sdp")
    if sdp is None:
        return await _into_room(parts, seen, purpose)
    return await _offered(parts, seen, purpose, sdp)


async def livekit_token(parts: Parts, seen: Seen, body: LiveKitTokenIn) -> bytes:
    """A join by voice, asked in the words of LiveKit's token endpoint."""
    if body.room_name not in (None, str(seen.interview.id)):
        raise InvalidInput("The room is the interview's own.", field="room_name")
    return await call(parts, seen, JoinPurpose.INTERVIEW, None)


async def told(
    parts: Parts, seen: Seen, kept: bytes, purpose: JoinPurpose = JoinPurpose.INTERVIEW
) -> JoinOut:
    """The bot's answer to the offer of a kept join, or what opens its room.

    Raises WrongState, Unavailable, and Conflict when another join holds the interview by now or the
    offer is no longer kept.
    """
    join = KeptJoin.model_validate_json(kept)
    if join.offer_id is not None:
        answer = await _answer_to(parts, join.offer_id)
        return JoinOut(epoch=join.epoch, sdp=answer, type="answer")
    if join.admission is None:
        return JoinOut(epoch=join.epoch)
    _still_held(seen, join.epoch, join.admission)
    url, token = await passes.opening(parts, seen.interview, join.epoch, join.admission, purpose)
    return JoinOut(epoch=join.epoch, admission=join.admission, url=url, token=token)


async def told_for_livekit(parts: Parts, seen: Seen, kept: bytes) -> LiveKitTokenOut:
    """The same as LiveKit's token endpoint tells it. Raises as `told`."""
    joined = await told(parts, seen, kept)
    token = {"server_url": joined.url, "participant_token": joined.token}
    return LiveKitTokenOut.model_validate(token)


def _still_held(seen: Seen, epoch: int, admission: int) -> None:
    """Raises WrongState, Conflict. `seen` may be older than the join itself, not than a join that
    came after it."""
    _not_over(seen)
    interview = seen.interview
    if interview.admissions > admission or interview.snapshot.joined_epoch > epoch:
        raise Conflict("A newer join holds the interview.")


async def _into_room(parts: Parts, seen: Seen, purpose: JoinPurpose) -> bytes:
    if parts.rooms is None:
        raise Unavailable("This service has no LiveKit at present")
    interview_id = seen.interview.id
    parts.offers.check(interview_id)
    joined = await parts.interviews.join(interview_id, Join(purpose=purpose))
    admission = await parts.store.interviews.admit(interview_id)
    return _kept(KeptJoin(epoch=joined.epoch, admission=admission))


async def _offered(parts: Parts, seen: Seen, purpose: JoinPurpose, sdp: str) -> bytes:
    """The offer's id follows from its text, so a repeat is the same join."""
    offer_id = await _keep_offer(parts, seen, purpose, sdp)
    joined = await parts.interviews.join(
        seen.interview.id, Join(purpose=purpose, offer_id=offer_id)
    )
    return _kept(KeptJoin(epoch=joined.epoch, offer_id=offer_id))


async def _keep_offer(parts: Parts, seen: Seen, purpose: JoinPurpose, sdp: str) -> UUID:
    offer = admitted(sdp)
    parts.offers.check(seen.interview.id)
    offer_id = uuid5(seen.interview.id, f"{purpose.value}:{sdp}")
    await parts.store.offers.put(offer_id, seen.interview.id, offer)
    return offer_id


async def _answer_to(parts: Parts, offer_id: UUID) -> str:
    """The bot keeps its answer before it reports ready, and `join` returns after that."""
    try:
        answer = await parts.store.offers.answer_sdp(offer_id)
    except NotFound:
        raise Conflict("The line of this join is long closed; join anew.") from None
    if answer is None:
        raise Unavailable("The interviewer did not answer the offer; offer again", retry_after_s=1)
    return answer


def _kept(join: KeptJoin) -> bytes:
    return join.model_dump_json(exclude_none=True).encode()


def _in_room(seen: Seen) -> bool:
    return seen.interview.start.transport == "livekit"


def _not_over(seen: Seen) -> None:
    """So that nothing is kept for a call that the workflow is bound to refuse."""
    if seen.interview.status.ended:
        raise WrongState(f"The interview is {seen.interview.status.value}.")
