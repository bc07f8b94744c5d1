"""What was said, in words and in sound."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path
from starlette.responses import Response, StreamingResponse

from api.auth import Hearer, Ours
from api.bodies import TranscriptOut, TurnOut
from api.clips import cut, partial
from api.openapi import READ_REFUSALS, refusals
from api.parts import OurParts
from contracts.interview import InterviewStatus
from contracts.turns import Turn, in_spoken_order

router = APIRouter(
    prefix="/api/v1/interviews/{interview_id}", tags=["transcript"], responses=READ_REFUSALS
)


@router.get("/transcript", response_model=TranscriptOut)
async def transcript(seen: Ours, parts: OurParts) -> Response:
    """Everything said and typed so far, of both sides, in the order in which it was begun."""
    turns = in_spoken_order(await parts.store.turns.of_interview(seen.interview.id))
    status = seen.interview.status
    told = TranscriptOut(
        interview_id=seen.interview.id,
        complete=status.ended or status is InterviewStatus.GRADING,
        turns=[turn_out(turn) for turn in turns],
    )
    return Response(told.model_dump_json(), media_type="application/json")


@router.get(
    "/turns/{number}/audio",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The turn's sound.", "content": {"audio/wav": {}}},
        206: {"description": "The part that `Range` asked for.", "content": {"audio/wav": {}}},
        **refusals(416),
    },
)
async def audio(
    number: Annotated[int, Path(ge=1, le=2**31 - 1)],
    seen: Hearer,
    parts: OurParts,
    wanted: Annotated[str | None, Header(alias="Range", max_length=200)] = None,
) -> Response:
    """The turn as it was spoken; 404 for a typed one, or when nothing was recorded."""
    turn = await parts.store.turns.numbered(seen.interview.id, number)
    recordings = await parts.store.recordings.of_interview(seen.interview.id)
    return partial(await cut(turn, recordings), wanted)


def turn_out(turn: Turn) -> TurnOut:
    heard = turn.recording_id is not None
    place = f"/api/v1/interviews/{turn.interview_id}/turns/{turn.number}/audio"
    return TurnOut(**turn.model_dump(include=_SHOWN), audio_url=place if heard else None)


_SHOWN = {*TurnOut.model_fields} - {"audio_url"}
