"""The error family on its way out of an activity: into the history, and into the log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.failures import say_briefly, told_to_temporal
from contracts.errors import (
    CodeVoiceError,
    GradingFailed,
    InvalidInput,
    NoCapacity,
    NotFound,
    StaleFence,
    TooMany,
    Unavailable,
)


@pytest.mark.parametrize(
    ("error", "retried"),
    [
        (Unavailable("down", retry_after_s=3), True),
        (NoCapacity(), True),
        (TooMany("slower", retry_after_s=20), True),
        (GradingFailed("the model is away"), True),
        (InvalidInput("bad", field="sdp"), False),
        (NotFound(), False),
        (StaleFence(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_known_error_keeps_its_kind_and_says_whether_to_try_again(
    error: CodeVoiceError, retried: bool
) -> None:
    with pytest.raises(ApplicationError) as raised, told_to_temporal():
        raise error
    told = raised.value
    assert (told.type, told.message, told.non_retryable) == (error.kind, error.detail, not retried)
    delay = error.retry_after_s
    assert told.next_retry_delay == (timedelta(seconds=delay) if delay else None)


def test_an_unforeseen_failure_is_retried_and_loses_every_word() -> None:
    with pytest.raises(ApplicationError) as raised, told_to_temporal():
        raise ValueError("CANARY: what somebody said") from KeyError("CANARY")
    told = raised.value
    assert (told.type, told.non_retryable, told.__cause__) == ("ValueError", False, None)
    assert "CANARY" not in str(told)


def test_the_log_says_a_foreseen_failure_in_a_word_and_another_with_its_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    say_briefly()

    for error in (GradingFailed("the model said nothing"), ZeroDivisionError("a secret")):
        try:
            with told_to_temporal():
                raise error
        except ApplicationError:
            activity.logger.warning("Completing activity as failed", exc_info=True)

    foreseen, other = caplog.records
    assert foreseen.getMessage().endswith("failed: grading-failed: the model said nothing")
    assert foreseen.exc_info is None
    assert other.exc_info is not None
