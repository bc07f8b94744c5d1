"""The whole interview as it was spoken, and how the interviewer conducted it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response, StreamingResponse

from api.auth import ReportReader, Seen
from api.bodies import ConductOut
from api.clips import partial, stored
from api.openapi import READ_REFUSALS, refusals
from api.parts import OurParts, Parts
from contracts.errors import NotFound
from db.rows import WholeRecording

router = APIRouter(
    prefix="/api/v1/interviews/{interview_id}", tags=["recording"], responses=READ_REFUSALS
)


@router.get(
    "/recording",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Two channels: left the candidate, right the interviewer.",
            "content": {"audio/flac": {}},
        },
        206: {"description": "The part that `Range` asked for.", "content": {"audio/flac": {}}},
        **refusals(416),
    },
)
async def recording(
    seen: ReportReader,
    parts: OurParts,
    wanted: Annotated[str | None, Header(alias="Range", max_length=200)] = None,
) -> Response:
    """The whole interview in one file, made when it is over; 404 before, and when nobody spoke."""
    return partial(await stored((await _whole(parts, seen)).url), wanted)


@router.get("/conduct", response_model=ConductOut)
async def conduct(seen: ReportReader, parts: OurParts) -> Response:
    """Who waited, spoke over whom, and who yielded, taken from the recording when it is made."""
    whole = await _whole(parts, seen)
    told = ConductOut(
        interview_id=seen.interview.id,
        recording_url=f"/api/v1/interviews/{seen.interview.id}/recording",
        **whole.model_dump(include={"duration_ms", "complete", "parts", "conduct"}),
    )
    return Response(told.model_dump_json(), media_type="application/json")


async def _whole(parts: Parts, seen: Seen) -> WholeRecording:
    whole = await parts.store.recordings.whole(seen.interview.id)
    if whole is None:
        raise NotFound("There is no recording of this whole interview.")
    return whole
