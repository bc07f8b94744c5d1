"""What moves an interview: consent, joining, answering, and the verbs. Each is a durable update.

A reply shows the state the update itself returned, not the row, which follows a moment later.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api import joining, typed
from api.auth import Ours, ServersOwn
from api.bodies import (
    AnswerIn,
    AnswerOut,
    CheckIn,
    ConsentIn,
    InterviewOut,
    JoinIn,
    JoinOut,
    LiveKitTokenIn,
    LiveKitTokenOut,
    MoveIn,
)
from api.idempotency import OnceHere
from api.openapi import WRITE_REFUSALS
from api.parts import OurParts
from api.status import status_bytes, with_snapshot
from contracts.interview import Consent, JoinPurpose, Move, Snapshot

router = APIRouter(
    prefix="/api/v1/interviews/{interview_id}", tags=["conduct"], responses=WRITE_REFUSALS
)


def _wanted(body: MoveIn | None = None) -> Move:
    """A verb may come without a body: then it means whatever question is current."""
    return Move(question_id=body.question_id if body else None)


Wanted = Annotated[Move, Depends(_wanted)]


async def _moved(parts: OurParts, seen: Ours, update: Awaitable[Snapshot]) -> bytes:
    interview = with_snapshot(seen.interview, await update)
    return await status_bytes(parts, seen.of(interview))


@router.post("/consent", response_model=InterviewOut)
async def consent(body: ConsentIn, seen: Ours, parts: OurParts, once: OnceHere) -> Response:
    """Agrees to the text of that version. Without it nobody can join."""

    async def agree() -> bytes:
        consent_id = await joining.keep_consent(parts, seen, body.text_version)
        agreed = parts.interviews.consent(seen.interview.id, Consent(consent_id=consent_id))
        return await _moved(parts, seen, agreed)

    return await once(agree)


@router.post("/decline", response_model=InterviewOut)
async def decline(_: Wanted, seen: Ours, parts: OurParts, once: OnceHere) -> Response:
    """Ends the interview before it began: the candidate does not want it."""
    update = Consent(consent_id=None)
    return await once(
        lambda: _moved(parts, seen, parts.interviews.consent(seen.interview.id, update))
    )


@router.post("/join", response_model=JoinOut, response_model_exclude_none=True)
async def join(body: JoinIn, seen: Ours, parts: OurParts, once: OnceHere) -> Response:
    """Brings the candidate in. By voice: an SDP offer in, the interviewer's answer out; or, where
    interviews are held in LiveKit rooms, the server's address and a token.

    The whole offer is sent, with its candidates. A newer offer supersedes an older one; the same
    offer again gets the same answer. A repeat under the same `Idempotency-Key` gets the same answer
    or another token for the same join, and 409 once the offer is ten minutes old or a newer join
    holds the room.
    """
    typing = body.purpose is JoinPurpose.TYPING
    return await once(
        lambda: joining.join(parts, seen, body),
        finish=None if typing else lambda kept: joining.told(parts, seen, kept),
    )


@router.post("/livekit-token", status_code=201, response_model=LiveKitTokenOut)
async def livekit_token(
    body: LiveKitTokenIn, seen: Ours, parts: OurParts, once: OnceHere
) -> Response:
    """A join by voice where interviews are held in LiveKit rooms, in the form of LiveKit's token
    endpoint, so that every LiveKit SDK's `TokenSource` can ask here."""
    return await once(
        lambda: joining.livekit_token(parts, seen, body),
        status=201,
        finish=lambda kept: joining.told_for_livekit(parts, seen, kept),
    )


@router.post("/check", response_model=JoinOut, response_model_exclude_none=True)
async def check(body: CheckIn, seen: Ours, parts: OurParts, once: OnceHere) -> Response:
    """A short conversation that shows what the recogniser heard. Nothing of it is stored."""
    return await once(
        lambda: joining.call(parts, seen, JoinPurpose.CHECK, body.sdp),
        finish=lambda kept: joining.told(parts, seen, kept, JoinPurpose.CHECK),
    )


@router.post("/answers", response_model=AnswerOut)
async def answers(body: AnswerIn, seen: Ours, parts: OurParts, once: OnceHere) -> Response:
    """Records a typed answer; the next prompt follows as an event.

    It is joined after what was already said for this question, and closes the answer.
    """
    return await once(lambda: typed.record(parts, seen, body))


@router.post("/skip", response_model=InterviewOut)
async def skip(move: Wanted, seen: Ours, parts: OurParts, once: OnceHere) -> Response:
    """Leaves the present question; skipped, it counts 0."""
    return await once(lambda: _moved(parts, seen, parts.interviews.skip(seen.interview.id, move)))


@router.post("/back", response_model=InterviewOut)
async def back(move: Wanted, seen: Ours, parts: OurParts, once: OnceHere) -> Response:
    """Returns to the question before; a new answer there makes a revision of the old one."""
    return await once(
        lambda: _moved(parts, seen, parts.interviews.go_back(seen.interview.id, move))
    )


@router.post("/pause", response_model=InterviewOut)
async def pause(move: Wanted, seen: Ours, parts: OurParts, once: OnceHere) -> Response:
    """Stops the clock. What was said of the present answer is kept and can be continued."""
    return await once(lambda: _moved(parts, seen, parts.interviews.pause(seen.interview.id, move)))


@router.post("/resume", response_model=InterviewOut)
async def resume(move: Wanted, seen: Ours, parts: OurParts, once: OnceHere) -> Response:
    """Ends a pause; the clock runs again once the candidate has joined or types."""
    return await once(lambda: _moved(parts, seen, parts.interviews.resume(seen.interview.id, move)))


@router.post("/finish", response_model=InterviewOut)
async def finish(move: Wanted, seen: Ours, parts: OurParts, once: OnceHere) -> Response:
    """Ends the asking early. What was said of the present answer is graded, outside the total."""
    return await once(lambda: _moved(parts, seen, parts.interviews.finish(seen.interview.id, move)))


@router.post("/cancel", response_model=InterviewOut)
async def cancel(move: Wanted, seen: ServersOwn, parts: OurParts, once: OnceHere) -> Response:
    """Calls the interview off, at any time before it has ended. Only for the organisation."""
    return await once(lambda: _moved(parts, seen, parts.interviews.cancel(seen.interview.id, move)))
