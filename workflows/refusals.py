"""The error family on its way through Temporal, inside a workflow."""

from __future__ import annotations

from temporalio.exceptions import ActivityError, ApplicationError, TimeoutError, TimeoutType

from contracts.errors import ERRORS, CodeVoiceError, NoCapacity, SettingError, Unavailable


def refusal(error: CodeVoiceError) -> ApplicationError:
    """What an update fails with: the kind crosses unchanged, and nothing retries it."""
    return ApplicationError(
        error.detail, error.field, error.retry_after_s, type=error.kind, non_retryable=True
    )


def named_error(failure: ApplicationError) -> CodeVoiceError | None:
    """The error that crossed as `failure`; None when it is none of the family's that cross."""
    kind = ERRORS.get(failure.type or "")
    if kind is None or issubclass(kind, SettingError):
        return None
    field, retry_after_s = (*failure.details, None, None)[:2]
    return kind(failure.message, field=field, retry_after_s=retry_after_s)


def why_no_bot(failure: ActivityError) -> CodeVoiceError:
    """What a waiting join is told when `hold_conversation` ended without a result."""
    cause = failure.cause
    if isinstance(cause, TimeoutError) and cause.type is TimeoutType.SCHEDULE_TO_START:
        return NoCapacity()
    known = isinstance(cause, ApplicationError) and named_error(cause)
    return known or Unavailable("the interviewer could not be started")
