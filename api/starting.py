"""Starting an interview: the row first, then its workflow."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from api import bodies
from api.auth import Seen, Server
from api.links import join_url, report_url
from api.parts import Parts
from api.status import status_of
from contracts.errors import InvalidInput
from contracts.interview import FollowUp, InterviewStart, PlannedQuestion
from contracts.questions import Question
from db.ids import new_id
from db.rows import Candidate, Interview, NewInterview, StoredQuestion
from questions.draw import draw

#: A bot that is not heard of for so long is dead. Over a line of its own the page has another one
#: long before; in a room nobody else starts the next, and its voice is due six seconds after.
_MISSED: Final = timedelta(seconds=5)
_MISSED_IN_A_ROOM: Final = timedelta(seconds=4)
#: How long a link can be used when the caller does not say.
OPEN_FOR: Final = timedelta(days=14)


async def start(parts: Parts, server: Server, body: bodies.NewInterview, key: str | None) -> bytes:
    """A `NewInterviewOut`. May be repeated under `key`: the row made first is found again.

    A row whose workflow could not be started is started by the next try, or by the reconciler.
    """
    if body.live_listening and parts.rooms is None:
        raise InvalidInput("Live listening needs LiveKit.", field="live_listening")
    if body.camera and not body.live_listening:
        detail = "A camera is for staff who listen live: it needs live_listening too."
        raise InvalidInput(detail, field="camera")
    seed = body.seed if body.seed is not None else secrets.randbelow(2**31)
    pinned = choose(await parts.store.questions.current(), body, seed)
    row = _row(parts, server, body, pinned, seed)
    interview = await parts.store.interviews.create(row.model_copy(update={"idempotency_key": key}))
    await parts.interviews.start(interview.start)
    await parts.store.interviews.mark_started(interview.id)
    return json.dumps(await _told(parts, server, interview)).encode()


def choose(
    bank: tuple[StoredQuestion, ...], body: bodies.NewInterview, seed: int
) -> tuple[StoredQuestion, ...]:
    """Raises InvalidInput naming the field that cannot be met."""
    by_slug = {stored.question.slug: stored for stored in bank}
    if body.questions is not None:
        if any(slug not in by_slug for slug in body.questions):
            raise InvalidInput("The bank has no question of that name.", field="questions")
        return tuple(by_slug[slug] for slug in body.questions)
    drawn = draw(
        [stored.question for stored in bank],
        body.topics,
        body.difficulties,
        body.question_count,
        seed,
    )
    return tuple(by_slug[question.slug] for question in drawn)


def _row(
    parts: Parts,
    server: Server,
    body: bodies.NewInterview,
    pinned: tuple[StoredQuestion, ...],
    seed: int,
) -> NewInterview:
    begin = InterviewStart(
        interview_id=new_id(),
        organisation_id=server.organisation_id,
        questions=tuple(planned(each.id, each.question) for each in pinned),
        duration=body.duration,
        starts_at=body.starts_at,
        expires_at=_expiry(body),
        transport=parts.transport,
        heartbeat_timeout=_MISSED_IN_A_ROOM if parts.rooms else _MISSED,
    )
    return NewInterview(
        start=begin,
        candidate=Candidate(name=body.candidate.name, email=body.candidate.email),
        patience_s=parts.patience_s if body.patience_s is None else body.patience_s,
        voice=body.voice,
        language=body.language,
        report_to_candidate=body.report_to_candidate,
        live_listening=body.live_listening,
        camera=body.camera,
        seed=seed,
    )


def planned(question_id: UUID, question: Question) -> PlannedQuestion:
    """The question as the workflow knows it: no word of it."""
    asked = (point for point in question.key_points if point.follow_up)
    return PlannedQuestion(
        question_id=question_id,
        difficulty=question.difficulty,
        time_limit=question.time_limit,
        follow_ups=tuple(FollowUp(key_point_id=point.id) for point in asked),
    )


def _expiry(body: bodies.NewInterview) -> datetime:
    now = datetime.now(UTC)
    expires_at = body.expires_at or max(now, body.starts_at or now) + OPEN_FOR
    if expires_at <= now:
        raise InvalidInput("expires_at has passed.", field="expires_at")
    return expires_at


async def _told(parts: Parts, server: Server, interview: Interview) -> dict[str, object]:
    return {
        **await status_of(parts, Seen(interview, server)),
        "join_url": join_url(parts, interview),
        "report_url": report_url(parts, interview),
    }
