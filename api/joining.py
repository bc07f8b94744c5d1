"""Consent and joining: what is kept in the database before the workflow is told its id.

A join into a LiveKit room is kept, for its `Idempotency-Key`, as its epoch and its number. What
opens the room is made for each reply anew (`with_token`), so that no token is ever stored and a
repeat brings one that serves.
"""

from __future__ import annotations

from uuid import UUID, uuid5

from api import passes
from api.auth import Seen
from api.bodies import JoinIn, JoinOut, LiveKitTokenIn, LiveKitTokenOut
from api.parts import Parts
from contracts.errors import Conflict, InvalidInput, Unavailable, WrongState
from contracts.interview import Join, JoinPurpose
from contracts.sdp import admitted


async def keep_consent(parts: Parts, seen: Seen, text_version: str) -> UUID:
    """The id of the consent's row: one per interview and version, however often told."""
    _not_over(seen)
    consent_id = uuid5(seen.interview.id, f"consent:{text_version}")
    await parts.store.interviews.set_consent(consent_id, seen.interview.id, text_version)
    return consent_id


async def join(parts: Parts, seen: Seen, body: JoinIn) -> bytes:
    """A `JoinOut`, by voice or by typing."""
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
    """A `JoinOut`: an answer to the browser's offer, or the join that `with_token` lets in."""
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


async def with_token(
    parts: Parts, seen: Seen, kept: bytes, purpose: JoinPurpose = JoinPurpose.INTERVIEW
) -> bytes:
    """A kept `JoinOut` with what opens the room, where it was a join into one.

    Raises WrongState, Unavailable, and Conflict when another join holds the interview by now.
    """
    joined = JoinOut.model_validate_json(kept)
    if joined.admission is None:
        return kept
    _still_held(seen, joined.epoch, joined.admission)
    url, token = await passes.opening(
        parts, seen.interview, joined.epoch, joined.admission, purpose
    )
    told = joined.model_copy(update={"url": url, "token": token})
    return told.model_dump_json(exclude_none=True).encode()


async def with_livekit_token(parts: Parts, seen: Seen, kept: bytes) -> bytes:
    """The same as a `LiveKitTokenOut`."""
    joined = JoinOut.model_validate_json(await with_token(parts, seen, kept))
    token = {"server_url": joined.url, "participant_token": joined.token}
    return LiveKitTokenOut.model_validate(token).model_dump_json().encode()


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
    reply = JoinOut(epoch=joined.epoch, admission=admission)
    return reply.model_dump_json(exclude_none=True).encode()


async def _offered(parts: Parts, seen: Seen, purpose: JoinPurpose, sdp: str) -> bytes:
    """The offer's id follows from its text, so a repeat is the same join."""
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


def _in_room(seen: Seen) -> bool:
    return seen.interview.start.transport == "livekit"


def _not_over(seen: Seen) -> None:
    """So that nothing is kept for a call that the workflow is bound to refuse."""
    if seen.interview.status.ended:
        raise WrongState(f"The interview is {seen.interview.status.value}.")
