"""What may cross Temporal, by its types: no signature has room for a text somebody said."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated, Any, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from temporalio import activity, workflow

from activities.conduct import ConductActivities
from activities.conversations import ConversationActivities
from activities.grading import GradingActivities
from activities.interviews import InterviewActivities
from activities.reports import ReportActivities
from contracts.interview import Snapshot, Word
from contracts.turns import Turn
from workflows.interview_session import InterviewSession

ACTIVITIES = (
    InterviewActivities.save_state,
    InterviewActivities.close_answer,
    GradingActivities.assess_answer,
    GradingActivities.grade_answer,
    ReportActivities.build_report,
    ConductActivities.measure_conduct,
    ConversationActivities.hold_conversation,
)
DEFINITION = workflow._Definition.must_from_class(InterviewSession)
CALLABLES: tuple[Callable[..., Any], ...] = (
    *ACTIVITIES,
    InterviewSession.run,
    *(update.fn for update in DEFINITION.updates.values()),
    *(signal.fn for signal in DEFINITION.signals.values()),
    *(query.fn for query in DEFINITION.queries.values()),
)
SAFE = (UUID, int, float, bool, datetime, timedelta, Enum, type(None))


def crossing(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    for name, hint in get_type_hints(function, include_extras=True).items():
        yield f"{function.__qualname__}.{name}", hint


def unsafe(where: str, hint: Any, constraints: tuple[Any, ...] = ()) -> Iterator[str]:
    """Where a free text could stand: a `str` is safe only with the pattern of a `Word`."""
    if get_origin(hint) is Annotated:
        inner, *metadata = get_args(hint)
        yield from unsafe(where, inner, (*constraints, *metadata))
    elif get_args(hint):
        for inner in get_args(hint):
            if inner is not Ellipsis:
                yield from unsafe(where, inner, constraints)
    elif inspect.isclass(hint) and issubclass(hint, BaseModel):
        for name, field in hint.model_fields.items():
            yield from unsafe(f"{hint.__name__}.{name}", field.annotation, tuple(field.metadata))
    elif inspect.isclass(hint) and issubclass(hint, SAFE):
        return
    elif not (hint is str and any(_pattern(each) == _WORD for each in constraints)):
        yield where


def _pattern(constraint: Any) -> str | None:
    if isinstance(constraint, FieldInfo):
        return next((p for each in constraint.metadata if (p := _pattern(each))), None)
    found: str | None = getattr(constraint, "pattern", None)
    return found


_WORD = _pattern(get_args(Word)[1])


@pytest.mark.parametrize("function", CALLABLES, ids=lambda function: function.__qualname__)
def test_a_signature_has_no_room_for_a_text(function: Callable[..., Any]) -> None:
    places = [place for name, hint in crossing(function) for place in unsafe(name, hint)]
    assert places == []


def test_the_walk_finds_a_text() -> None:
    assert "Turn.text" in list(unsafe("turn", Turn))
    assert list(unsafe("plain", str)) == ["plain"]
    assert list(unsafe("nested", tuple[str, ...] | None)) == ["nested"]


def test_a_word_is_no_sentence() -> None:
    for text in ("a hash map", "Ada", "x" * 65, "ada@example.org", ""):
        with pytest.raises(ValueError, match="follow_up"):
            _with_follow_up(text)


def _with_follow_up(text: str) -> None:
    from contracts.interview import Cursor

    Cursor(question_id=None, position=1, follow_up=text)


def test_registered_names_never_change() -> None:
    """A renamed activity or update breaks every interview that is running."""
    names = {_registered(each) for each in ACTIVITIES}
    assert names == {
        "save_state", "close_answer", "assess_answer", "grade_answer", "build_report",
        "measure_conduct", "hold_conversation",
    }  # fmt: skip
    assert set(DEFINITION.updates) == {
        "consent", "join", "bot_ready", "record_answer", "reopen_answer", "skip", "go_back",
        "pause", "resume", "finish", "cancel",
    }  # fmt: skip
    assert set(DEFINITION.signals) == {"give_back"}
    assert set(DEFINITION.queries) == {"snapshot"}
    assert DEFINITION.name == "InterviewSession"


def test_every_update_has_a_validator_and_returns_the_state() -> None:
    for name, update in DEFINITION.updates.items():
        assert update.validator is not None, name
        returns = get_type_hints(update.fn)["return"]
        assert returns is Snapshot or "snapshot" in returns.model_fields, name


def _registered(function: Callable[..., Any]) -> str | None:
    return activity._Definition.must_from_callable(function).name
