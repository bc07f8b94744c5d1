"""Consent and joining: what is kept in the database before the workflow is told its id."""

from __future__ import annotations

from uuid import UUID, uuid5

from api.auth import Seen
from api.bodies import JoinIn, JoinOut, LiveKitTokenIn, LiveKitTokenOut
from api.parts import Parts
from contracts.errors import InvalidInput, Unavailable, WrongState
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
    return JoinOut(epoch=joined.epoch).model_dump_json(exclude_none=True).encode()


async def call(parts: Parts, seen: Seen, purpose: JoinPurpose, sdp: str | None) -> bytes:
    """A `JoinOut`: an answer to the browser's offer, or what opens the interview's room."""
    _not_over(seen)
    in_room = seen.interview.start.transport == "livekit"
    if (sdp is None) != in_room:
        where = "in a room and takes none" if in_room else "over a line of its own and needs one"
        raise InvalidInput(f"This interview is held {where}.", field="sdp")
    if sdp is None:
        return await _into_room(parts, seen, purpose)
    return await _offered(parts, seen, purpose, sdp)


async def livekit_token(parts: Parts, seen: Seen, body: LiveKitTokenIn) -> bytes:
    """A `LiveKitTokenOut`: a join by voice, in the words of LiveKit's token endpoint."""
    if body.room_name not in (None, str(seen.interview.id)):
        raise InvalidInput("The room is the interview's own.", field="room_name")
    joined = JoinOut.model_validate_json(await call(parts, seen, JoinPurpose.INTERVIEW, None))
    token = {"server_url": joined.url, "participant_token": joined.token}
    return LiveKitTokenOut.model_validate(token).model_dump_json().encode()


async def _into_room(parts: Parts, seen: Seen, purpose: JoinPurpose) -> bytes:
    if parts.rooms is None:
        raise Unavailable("This service has no LiveKit at present")
    interview_id = seen.interview.id
    parts.offers.check(interview_id)
    joined = await parts.interviews.join(interview_id, Join(purpose=purpose))
    url, token = parts.rooms.candidates_pass(interview_id, joined.epoch)
    reply = JoinOut(epoch=joined.epoch, url=url, token=token)
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


def _not_over(seen: Seen) -> None:
    """So that nothing is kept for a call that the workflow is bound to refuse."""
    if seen.interview.status.ended:
        raise WrongState(f"The interview is {seen.interview.status.value}.")
