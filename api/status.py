"""The status document of an interview, made from its row or from an update's own snapshot."""

from __future__ import annotations

import json
import math
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from api.auth import Seen
from api.parts import Parts
from contracts.interview import GradeState, Outcome, Snapshot
from db.rows import Interview


def etag_of(seen: Seen) -> str:
    """Weak: `remaining_s` runs on between two versions, and both ends count it down themselves."""
    interview = seen.interview
    return f'W/"{interview.state_version}.{interview.admissions}-{seen.role}"'


async def status_bytes(parts: Parts, seen: Seen) -> bytes:
    return json.dumps(await status_of(parts, seen), separators=(",", ":")).encode()


async def status_of(parts: Parts, seen: Seen) -> dict[str, Any]:
    """What `InterviewOut` says, in JSON's own types."""
    interview, snapshot = seen.interview, seen.interview.snapshot
    cursor = snapshot.cursor
    return {
        "id": str(interview.id),
        "status": snapshot.status.value,
        "state_version": snapshot.state_version,
        "current_question": await _current(parts, snapshot),
        "question_id": _text(cursor.question_id),
        "revision": cursor.revision,
        "assessing": cursor.assessing,
        "progress": _progress(snapshot),
        "grades_so_far": _grades(snapshot),
        "remaining_s": remaining_s(snapshot),
        "clock_running": snapshot.clock_running,
        "consented": snapshot.consented,
        "epoch": snapshot.joined_epoch or snapshot.epoch,
        "admission": interview.admissions,
        "live": snapshot.live_epoch is not None,
        "no_capacity": snapshot.no_capacity,
        "ends_reason": snapshot.ends_reason,
        "report_version": snapshot.report_version,
        "transport": interview.start.transport,
        "starts_at": _moment(interview.start.starts_at),
        "expires_at": _moment(interview.start.expires_at),
        "report_to_candidate": interview.report_to_candidate,
        "live_listening": interview.live_listening,
        "camera": interview.camera,
        "candidate": _candidate(interview) if seen.by_server else None,
    }


def remaining_s(snapshot: Snapshot) -> int:
    """The asking time left now: what was left at `as_of`, less what has run since."""
    left = snapshot.remaining
    if snapshot.clock_running:
        left -= datetime.now(UTC) - snapshot.as_of
    return max(0, math.floor(left.total_seconds()))


async def _current(parts: Parts, snapshot: Snapshot) -> dict[str, Any] | None:
    """None outside the asking: who has not joined does not see what will be asked."""
    cursor = snapshot.cursor
    if cursor.question_id is None or not snapshot.status.asking:
        return None
    question = await parts.questions.get(cursor.question_id)
    return {
        "question_id": str(cursor.question_id),
        "number": cursor.position,
        "total": len(snapshot.questions),
        "revision": cursor.revision,
        "topic": question.topic,
        "text": question.prompt_for(cursor.follow_up),
        "is_follow_up": cursor.follow_up is not None,
        "time_limit_s": int(question.time_limit.total_seconds()),
    }


def _progress(snapshot: Snapshot) -> dict[str, int]:
    counted = Counter(each.outcome for each in snapshot.questions)
    return {
        **{outcome.value: counted[outcome] for outcome in Outcome},
        "total": len(snapshot.questions),
    }


def _grades(snapshot: Snapshot) -> dict[str, int]:
    counted = Counter(each.grade for each in snapshot.questions)
    known = (GradeState.GRADED, GradeState.PENDING, GradeState.UNGRADED)
    return {state.value: counted[state] for state in known}


def _candidate(interview: Interview) -> dict[str, str | None]:
    return {"name": interview.candidate.name, "email": interview.candidate.email}


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat().replace("+00:00", "Z")


def with_snapshot(interview: Interview, snapshot: Snapshot) -> Interview:
    """The interview as an update's reply shows it, which the row may not yet."""
    if snapshot.state_version < interview.state_version:
        return interview
    newer = {
        "snapshot": snapshot,
        "status": snapshot.status,
        "state_version": snapshot.state_version,
    }
    return interview.model_copy(update=newer)
