"""Which message is allowed when. Each rule raises the refusal, or returns when all is well.

Rules only look: Temporal runs them as validators, where a change of state would be lost on replay.
A message that was carried out before is recognised from the state (`repeats_...`), is allowed, and
has no second effect, because update ids are remembered for one run only.
"""

from __future__ import annotations

from datetime import datetime

from contracts.errors import Conflict, InvalidInput, StaleFence, TooMany, WrongState
from contracts.interview import (
    BotReady,
    Consent,
    Fence,
    InterviewStatus,
    Join,
    JoinPurpose,
    Move,
    RecordAnswer,
    ReopenAnswer,
)
from workflows.interview import Interview
from workflows.line import Phase

S = InterviewStatus
_NOT_BEGUN = (S.SCHEDULED, S.WAITING)
_ANSWERABLE = (S.IN_PROGRESS, S.INTERRUPTED)
_OPEN_TO_VOICE = (S.WAITING, S.IN_PROGRESS, S.INTERRUPTED)


# ---------------------------------------------------------------------- repeats


def repeats_consent(interview: Interview, consent: Consent) -> bool:
    if consent.consent_id is None:
        return interview.status is S.DECLINED
    return interview.consented and not interview.status.ended


def repeats_join(interview: Interview, join: Join) -> bool:
    return interview.line.of_offer(join.offer_id) is not None


def repeats_ready(interview: Interview, ready: BotReady) -> bool:
    return interview.line.held == ready.fence


def repeats_answer(interview: Interview, answer: RecordAnswer) -> bool:
    question = interview.progress.questions.get(answer.question_id)
    return question is not None and question.recorded.get(answer.revision) == answer.answer_id


def repeats_reopening(interview: Interview, reopen: ReopenAnswer) -> bool:
    return interview.progress.last_reopened == (reopen.question_id, reopen.revision)


def repeats_move(interview: Interview, verb: str, move: Move) -> bool:
    """`skip` and `go_back` again, by a caller that still believes the old question current."""
    return move.question_id is not None and interview.progress.last_move == (verb, move.question_id)


def repeats_finish(interview: Interview) -> bool:
    return interview.status in (S.GRADING, S.COMPLETED)


# ---------------------------------------------------------------------- rules


def consent(interview: Interview, message: Consent, now: datetime) -> None:
    if not repeats_consent(interview, message):
        _within(interview, *_NOT_BEGUN)


def join(interview: Interview, message: Join, now: datetime) -> None:
    if repeats_join(interview, message):
        return
    if not interview.consented:
        raise WrongState("the candidate has not agreed yet")
    if message.purpose is JoinPurpose.CHECK:
        _within(interview, *_NOT_BEGUN, S.IN_PROGRESS, S.INTERRUPTED, S.PAUSED)
        if interview.line.busy_with(JoinPurpose.INTERVIEW):
            raise WrongState("a conversation is live; the check would end it")
    else:
        _within(interview, *_OPEN_TO_VOICE)
    if message.purpose is JoinPurpose.TYPING:
        return
    if interview.start.transport == "direct" and message.offer_id is None:
        raise InvalidInput("an offer is needed", field="offer_id")
    if interview.line.crowded(now):
        raise TooMany("too many joins within a minute", retry_after_s=60)
    if interview.line.worn_out:
        raise TooMany("this interview was joined by voice too often; it goes on by typing")


def bot_ready(interview: Interview, message: BotReady, now: datetime) -> None:
    if repeats_ready(interview, message):
        return
    newest, held = interview.line.newest, interview.line.held
    if newest is None or message.fence.epoch != newest.epoch or newest.phase is Phase.OVER:
        raise StaleFence
    if held is not None and message.fence.older_than(held):
        raise StaleFence
    if message.purpose is JoinPurpose.CHECK:
        _within(interview, *_NOT_BEGUN, S.IN_PROGRESS, S.INTERRUPTED, S.PAUSED)
    else:
        _within(interview, *_OPEN_TO_VOICE)


def record_answer(interview: Interview, message: RecordAnswer, now: datetime) -> None:
    _holds_fence(interview, message.fence)
    if repeats_answer(interview, message):
        return
    question = interview.progress.questions.get(message.question_id)
    if question is not None and message.revision in question.recorded:
        raise Conflict("another answer stands under this revision")
    _within(interview, *_ANSWERABLE)
    _believes_current(interview, message.question_id)
    if question is not None and message.revision != question.gathering:
        raise Conflict(f"the revision being gathered is {question.gathering}", field="revision")


def reopen_answer(interview: Interview, message: ReopenAnswer, now: datetime) -> None:
    _holds_fence(interview, message.fence)
    if repeats_reopening(interview, message):
        return
    _within(interview, *_ANSWERABLE)
    last = interview.progress.last_answer
    if last is None or (last.question_id, last.revision) != (message.question_id, message.revision):
        raise Conflict("that is not the newest answer")


def skip(interview: Interview, message: Move, now: datetime) -> None:
    _holds_fence(interview, message.fence)
    if repeats_move(interview, "skip", message):
        return
    _within(interview, *_ANSWERABLE)
    _believes_current(interview, message.question_id)
    if interview.progress.current is None:
        raise Conflict("there is no question to skip")


def go_back(interview: Interview, message: Move, now: datetime) -> None:
    _holds_fence(interview, message.fence)
    if repeats_move(interview, "go_back", message):
        return
    _within(interview, *_ANSWERABLE)
    _believes_current(interview, message.question_id)
    if interview.progress.previous_id() is None:
        raise Conflict("this is the first question")


def pause(interview: Interview, message: Move, now: datetime) -> None:
    _holds_fence(interview, message.fence)
    _within(interview, *_ANSWERABLE, S.PAUSED)
    _believes_current(interview, message.question_id)


def resume(interview: Interview, message: Move, now: datetime) -> None:
    _holds_fence(interview, message.fence)
    _within(interview, *_ANSWERABLE, S.PAUSED)
    _believes_current(interview, message.question_id)


def finish(interview: Interview, message: Move, now: datetime) -> None:
    _holds_fence(interview, message.fence)
    if repeats_finish(interview):
        return
    _within(interview, *_ANSWERABLE, S.PAUSED)
    _believes_current(interview, message.question_id)


def cancel(interview: Interview, message: Move, now: datetime) -> None:
    _holds_fence(interview, message.fence)
    if interview.status is not S.CANCELLED and interview.status.ended:
        raise WrongState(f"the interview is {interview.status}")


# ---------------------------------------------------------------------- what they share


def _within(interview: Interview, *allowed: InterviewStatus) -> None:
    if interview.status not in allowed:
        raise WrongState(f"the interview is {interview.status}")


def _holds_fence(interview: Interview, fence: Fence | None) -> None:
    """None is a person over HTTP, whom no bot supersedes."""
    if fence is not None and fence != interview.line.held:
        raise StaleFence


def _believes_current(interview: Interview, question_id: object) -> None:
    if question_id is not None and question_id != interview.progress.current_id:
        raise Conflict("that is not the current question", field="question_id")
