"""The error family on its way out of an activity."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio.exceptions import ApplicationError

from contracts.errors import ERRORS, CodeVoiceError, GradingFailed, TooMany, Unavailable, Ungradable

#: Failures that may pass by themselves. What else we know how to name is wrong for good.
_MAY_PASS = (Unavailable, TooMany, GradingFailed)
_NEVER_PASSES = Ungradable


def as_application_error(error: CodeVoiceError, *, give_up: bool = True) -> ApplicationError:
    """`kind` becomes the type; a wait the error asks for becomes the delay of the next try."""
    delay = error.retry_after_s
    passes = isinstance(error, _MAY_PASS) and not isinstance(error, _NEVER_PASSES)
    return ApplicationError(
        error.detail,
        error.field,
        delay,
        type=error.kind,
        non_retryable=give_up and not passes,
        next_retry_delay=timedelta(seconds=delay) if delay is not None else None,
    )


@contextmanager
def told_to_temporal(*, give_up: bool = True) -> Iterator[None]:
    """Raises what the body raises in a form that may stand in a history.

    Without `give_up` even what is wrong for good is retried: for work that must not be lost.

    A failure nobody foresaw keeps its class and loses its message and its cause: both may quote
    what somebody said, and a history is readable for weeks. Its traceback stays: it names lines of
    the program alone. It is retried.
    """
    try:
        yield
    except CodeVoiceError as error:
        raise as_application_error(error, give_up=give_up) from None
    except ApplicationError:
        raise
    except Exception as error:
        told = ApplicationError("unforeseen failure", type=type(error).__name__)
        raise told.with_traceback(error.__traceback__) from None


def say_briefly() -> None:
    """From now on the SDK's log says in a word what has a kind: it happens, and is no fault of the
    program's. What nobody foresaw keeps its traceback."""
    logging.getLogger("temporalio.activity").addFilter(_in_a_word)


def _in_a_word(record: logging.LogRecord) -> bool:
    failure = record.exc_info[1] if record.exc_info else None
    if isinstance(failure, ApplicationError) and failure.type in ERRORS:
        record.msg = f"{record.getMessage()}: {failure.type}: {failure.message}"
        record.args, record.exc_info = None, None
    return True
