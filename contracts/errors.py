"""The exception family. A message names ids and settings, never a transcript, a name or an address.

CodeVoiceError
 x InvalidInput        the caller's data is wrong (422)
    · InvalidBank      a question file is wrong; carries line numbers
 x NotAuthenticated    who asks is unknown (401)
 x NotAllowed          who asks may not (403)
 x NotFound            no such thing, or not yours: told alike (404)
 x Conflict            right data at the wrong moment (409)
    · WrongState       the interview's state forbids the call
    · StaleFence       a newer bot holds the interview
 x IdempotencyMismatch the key was used with another request (422)
 x TooMany             asked too often (429)
 x Unavailable         a part is down or full; try again (503)
    · NoCapacity       every voice slot is taken
 x GradingFailed       this grade could not be made; the answer is "ungraded"
    · Ungradable       nor can it be by trying again
 x SettingError        a setting is wrong; names it and the remedy (exit 2)
"""

from __future__ import annotations

from typing import ClassVar


class CodeVoiceError(Exception):
    """A failure the product knows: `kind` is stable and crosses Temporal and HTTP unchanged.

    `field` names the offending input field, if one is to blame. `retry_after_s` is the least wait
    before the same call can succeed.
    """

    kind: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something failed on our side"

    def __init__(
        self, detail: str = "", *, field: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.field = field
        self.retry_after_s = retry_after_s


class InvalidInput(CodeVoiceError):
    kind, status, title = "invalid-input", 422, "The input is not valid"


class InvalidBank(InvalidInput):
    kind, title = "invalid-bank", "The question file is not valid"


class NotAuthenticated(CodeVoiceError):
    kind, status, title = "not-authenticated", 401, "Sign in with a valid key or link"


class NotAllowed(CodeVoiceError):
    kind, status, title = "not-allowed", 403, "This key or link does not allow that"


class NotFound(CodeVoiceError):
    kind, status, title = "not-found", 404, "There is no such thing here"


class Conflict(CodeVoiceError):
    kind, status, title = "conflict", 409, "That does not fit the present state"


class WrongState(Conflict):
    kind, title = "wrong-state", "The interview's state does not allow that"


class StaleFence(Conflict):
    kind, title = "stale-fence", "A newer conversation holds this interview"


class IdempotencyMismatch(CodeVoiceError):
    kind, status = "idempotency-mismatch", 422
    title = "This Idempotency-Key was used with another request"


class TooMany(CodeVoiceError):
    kind, status, title = "too-many", 429, "Too many requests"


class Unavailable(CodeVoiceError):
    kind, status, title = "unavailable", 503, "A part of the service cannot be reached"


class NoCapacity(Unavailable):
    kind, title = "no-capacity", "Every interviewer is busy"


class GradingFailed(CodeVoiceError):
    kind, title = "grading-failed", "The answer could not be graded"


class Ungradable(GradingFailed):
    kind, title = "ungradable", "The answer cannot be graded, however often it is tried"


class SettingError(CodeVoiceError):
    """`setting` is the environment variable to change and `remedy` says how."""

    kind, title = "setting", "A setting is wrong"

    def __init__(self, setting: str, problem: str, remedy: str) -> None:
        super().__init__(f"{setting}: {problem}. {remedy}", field=setting)
        self.setting, self.problem, self.remedy = setting, problem, remedy


def _family(root: type[CodeVoiceError]) -> dict[str, type[CodeVoiceError]]:
    found = {root.kind: root}
    for child in root.__subclasses__():
        found |= _family(child)
    return found


#: Every error by its `kind`, to turn a kind that crossed Temporal back into its class.
ERRORS: dict[str, type[CodeVoiceError]] = _family(CodeVoiceError)
