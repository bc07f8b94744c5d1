"""Recorded interviews run again through today's workflow, and none of them holds a text."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from contracts import conversation, interview, questions
from tests.replay.changed import ChangedSession
from tests.replay.plans import POINTS
from tests.replay.record import HISTORIES, SCENARIOS
from workflows.interview_session import InterviewSession

RECORDED = sorted(HISTORIES.glob("*.json"))

#: What calls are labelled with. Static, so a history may show it in clear.
LABELS = {
    "conversation", "device check", "save the state", "keep an unfinished answer",
    "look for a follow-up", "grade an answer", "build the report", "the first report is due",
    "the next thing due", "the last answer may be taken back", "the bot says goodbye",
    "the last words are written down", "lost time may be given back", "one interview",
    "measure the conduct", "open the room", "close the room",
}  # fmt: skip
#: What may stand in a payload besides ids, numbers and times.
WORDS = {
    *(
        member.value
        for module in (interview, conversation, questions)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Enum)
        for member in kind
    ),
    *POINTS,
    *("direct", "livekit"),
    *("answered", "finished", "deadline", "expired", "declined", "cancelled"),
    *(
        "last-words",
        "last-words-at-finish",
        "never-alive",
        "late-deadline",
        "conduct",
        "rooms",
    ),  # patches
}


def replayer(workflow: type) -> Replayer:
    return Replayer(workflows=[workflow], data_converter=pydantic_data_converter)


def recorded(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json("interview-recorded", path.read_text())


def test_every_scenario_has_its_history() -> None:
    assert {path.stem for path in RECORDED} == {scenario.__name__ for scenario in SCENARIOS}


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_a_recorded_interview_replays(path: Path) -> None:
    await replayer(InterviewSession).replay_workflow(recorded(path))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_one_timer_more_is_noticed(path: Path) -> None:
    with pytest.raises(NondeterminismError):
        await replayer(ChangedSession).replay_workflow(recorded(path))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_history_holds_ids_words_numbers_and_times_alone(path: Path) -> None:
    payloads = list(_payloads(json.loads(path.read_text())))
    assert len(payloads) > 20
    strange = [
        value for payload in payloads for value in _leaves(payload) if not _is_harmless(value)
    ]
    assert strange == []


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_history_names_no_machine_and_quotes_nobody(path: Path) -> None:
    history = path.read_text()
    decoded = json.dumps(list(_payloads(json.loads(history))))
    for text in (history, decoded):
        assert "CANARY" not in text
        assert not re.search(r"\"(/[a-z]+){2,}|\d+@", text)


def test_the_walk_finds_a_text_that_should_not_be_there() -> None:
    said = base64.b64encode(json.dumps({"text": "a hash map"}).encode()).decode()
    planted = {"events": [{"input": {"payloads": [{"metadata": {}, "data": said}]}}]}
    (payload,) = _payloads(planted)
    assert [value for value in _leaves(payload) if not _is_harmless(value)] == ["a hash map"]


def _payloads(value: Any) -> Iterator[Any]:
    """Every payload of a history, decoded, wherever it stands."""
    if isinstance(value, dict):
        if "metadata" in value and "data" in value:
            yield json.loads(base64.b64decode(value["data"]))
            return
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _payloads(each)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, each in value.items():
            assert re.fullmatch(r"[a-z_]+", name), name
            yield from _leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


def _is_harmless(value: Any) -> bool:
    if value is None or isinstance(value, bool | int | float):
        return True
    return value in WORDS | LABELS or _is_id_or_time(value)


def _is_id_or_time(value: str) -> bool:
    if re.fullmatch(r"-?P[0-9DTHMS.]+", value):  # a duration
        return True
    for kind in (UUID, datetime):
        try:
            TypeAdapter(kind).validate_python(value)
        except ValidationError:
            continue
        return True
    return False
