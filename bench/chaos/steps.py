"""Which step of an interview a crash point belongs to."""

from __future__ import annotations

import re
from typing import Final

#: In the order of an interview; the first that matches.
_STEPS: Final = (
    ("keys", r"idempotency_keys"),
    ("start", r"http\.start|candidates|insert\.interviews|start_workflow|workflow_started_at"),
    ("consent", r"consent"),
    ("join", r"\.join|offers"),
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


def step_of(point: str) -> str:
    return next((step for step, found in _STEPS if re.search(found, point)), "housekeeping")
