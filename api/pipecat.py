"""The two calls of Pipecat's own clients, for front ends that are built on them.

`startBot` asks `.../start`; the transport makes the address of its offer from that one and the
session it is told, which is the interview's id. Both are what `POST .../join` is by other names.
"""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from api import joining
from api.auth import Ours
from api.idempotency import OnceHere
from api.openapi import WRITE_REFUSALS
from api.parts import OurParts
from contracts.errors import InvalidInput, NotFound
from contracts.ice import ice_server
from contracts.interview import JoinPurpose


class PipecatIce(BaseModel):
    iceServers: list[dict[str, str]]


class PipecatSession(BaseModel):
    """What `PipecatClient.startBot` makes its transport's parameters of."""

    sessionId: str
    iceConfig: PipecatIce


class PipecatOffer(BaseModel):
    """As Pipecat's SmallWebRTCTransport sends it; what it says beside the offer is not used."""

    sdp: str = Field(max_length=100_000)
    type: Literal["offer"]


class PipecatAnswer(BaseModel):
    sdp: str
    type: Literal["answer"]
    pc_id: str


router = APIRouter(
    prefix="/api/v1/interviews/{interview_id}", tags=["pipecat"], responses=WRITE_REFUSALS
)


@router.post("/start", response_model=PipecatSession)
async def start_session(seen: Ours, parts: OurParts) -> PipecatSession:
    """Starts nothing: the offer does. Whatever else a client sends here is ignored."""
    if seen.interview.start.transport == "livekit":
        raise InvalidInput("This interview is held in a LiveKit room.", field="transport")
    servers = [ice_server(each) for each in parts.ice_servers]
    return PipecatSession(
        sessionId=str(seen.interview.id), iceConfig=PipecatIce(iceServers=servers)
    )


@router.post("/sessions/{session_id}/api/offer", response_model=PipecatAnswer)
async def answer_offer(
    session_id: str, body: PipecatOffer, seen: Ours, parts: OurParts, once: OnceHere
) -> Response:
    """The interviewer's answer to an offer, with or without its candidates."""
    _same(session_id, seen)

    async def told(kept: bytes) -> PipecatAnswer:
        joined = await joining.told(parts, seen, kept)
        pc_id = f"epoch-{joined.epoch}"
        return PipecatAnswer.model_validate(
            {"sdp": joined.sdp, "type": joined.type, "pc_id": pc_id}
        )

    return await once(
        lambda: joining.call(parts, seen, JoinPurpose.INTERVIEW, body.sdp), finish=told
    )


@router.patch("/sessions/{session_id}/api/offer", status_code=204)
async def take_candidates(session_id: str, seen: Ours) -> Response:
    """Takes a client's candidates and needs none: the bot finds it by the checks that it sends."""
    _same(session_id, seen)
    return Response(status_code=204)


def _same(session_id: str, seen: Ours) -> None:
    if session_id != str(seen.interview.id):
        raise NotFound("There is no such session.")
