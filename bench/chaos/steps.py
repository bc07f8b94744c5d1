"""Which step of an interview a crash point belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

#: In the order of an interview; the first that matches.
_STEPS: Final = (
    ("keys", r"idempotency_keys"),
    ("start", r"http\.start|candidates|insert\.interviews|start_workflow|workflow_started_at"),
    ("consent", r"consent"),
    ("join", r"\.join|offers"),
    ("room", r"room\.|_room$"),
    ("token", r"token\."),
    ("providers", r"socket\.|provider\."),
    ("bot", r"bot_ready|fence|alive|hold_conversation"),
    ("recording", r"recording"),
    ("prompt", r"turns\.interviewer"),
    ("answer", r"answers$|record_answer|turns|insert\.answers|close_answer|reopen"),
    ("follow-up", r"assess_answer"),
    ("grade", r"grade_answer|insert\.grades|sealed_at"),
    ("skip and back", r"\.skip|\.back|go_back"),
    ("pause and resume", r"\.pause|\.resume"),
    ("finish", r"\.finish"),
    ("report", r"report"),
    ("state", r"save_state|update\.interviews\.status|interview_events"),
)


def in_order(steps: Iterable[str]) -> list[str]:
    """As they come in an interview; what is no step of it comes last."""
    places = {step: place for place, (step, _) in enumerate(_STEPS)}
    return sorted(steps, key=lambda step: (places.get(step.partition(",")[0], 99), step))


def step_of(point: str) -> str:
    return next((step for step, found in _STEPS if re.search(found, point)), "housekeeping")
