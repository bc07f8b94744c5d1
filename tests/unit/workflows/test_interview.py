"""The pure state: what a bot's end costs, what expires when, what may be taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.conversation import ConversationEnd
from contracts.errors import CodeVoiceError, NoCapacity, TooMany
from contracts.interview import (
    BotReady,
    Consent,
    Fence,
    FollowUp,
    InterviewStart,
    InterviewStatus,
    Join,
    JoinPurpose,
    Move,
    Outage,
    Outcome,
    PlannedQuestion,
    RecordAnswer,
    ReopenAnswer,
)
from contracts.questions import FOLLOW_UP_BUDGET, Difficulty
from workflows import rules
from workflows.interview import RETURN_GRACE, Interview
from workflows.line import JOINS_IN_ALL

S = InterviewStatus
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
POINTS = ("one", "two", "three")


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def an_interview(**changes: object) -> Interview:
    """Three questions, half an hour, open for a day, agreed to."""
    plan = tuple(
        PlannedQuestion(
            question_id=uuid4(),
            difficulty=difficulty,
            time_limit=minutes(4),
            follow_ups=tuple(FollowUp(key_point_id=point) for point in POINTS),
        )
        for difficulty in Difficulty
    )
    fields = {
        "interview_id": uuid4(),
        "organisation_id": uuid4(),
        "questions": plan,
        "expires_at": at(24 * 60),
    }
    interview = Interview(InterviewStart.model_validate(fields | changes), START)
    interview.consent(Consent(consent_id=uuid4()), START)
    return interview


def call(interview: Interview, now: datetime) -> int:
    return interview.connect(Join(offer_id=uuid4()), now).epoch


def ready(interview: Interview, now: datetime, last_alive_at: datetime | None = None) -> Fence:
    fence = Fence(epoch=call(interview, now))
    interview.bot_is_ready(BotReady(fence=fence, last_alive_at=last_alive_at), now)
    return fence


def gone(
    interview: Interview,
    now: datetime,
    end: ConversationEnd | None = None,
    refusal: CodeVoiceError | None = None,
    *,
    connected: bool = True,
) -> None:
    interview.conversation_over(
        interview.line.epoch, now, end=end, refusal=refusal, connected=connected
    )


# ---------------------------------------------------------------- losing and giving back


def test_a_killed_bot_costs_the_candidate_no_time() -> None:
    interview = an_interview()
    ready(interview, at(0))
    gone(interview, at(10.1))
    assert interview.status is S.INTERRUPTED
    ready(interview, at(40), last_alive_at=at(10))
    assert interview.snapshot(at(40)).remaining == minutes(20)


def test_an_offer_before_the_death_is_noticed_costs_no_time_either() -> None:
    interview = an_interview()
    ready(interview, at(0))
    ready(interview, at(11), last_alive_at=at(10))
    assert interview.snapshot(at(11)).remaining == minutes(20)
    interview.conversation_over(1, at(11), end=None, refusal=None)
    assert interview.status is S.IN_PROGRESS


def test_a_failed_second_try_does_not_hide_what_the_first_death_took() -> None:
    interview = an_interview()
    ready(interview, at(0))
    call(interview, at(10.5))
    gone(interview, at(10.6), refusal=NoCapacity())
    assert (interview.status, interview.no_capacity) == (S.INTERRUPTED, True)
    ready(interview, at(20), last_alive_at=at(10))
    assert interview.snapshot(at(20)).remaining == minutes(20)
    assert not interview.no_capacity


def test_the_candidates_own_losses_are_given_back_up_to_the_cap_in_all() -> None:
    interview = an_interview(candidate_loss_cap=minutes(3))
    ready(interview, at(0))
    for lost in (10, 20):
        gone(interview, at(lost + 2), end=ConversationEnd.LEFT)
        ready(interview, at(lost + 5), last_alive_at=at(lost))
    # 0-12 and 15-22 ran; of the 4 minutes lost, 3 came back.
    assert interview.snapshot(at(25)).remaining == minutes(30 - 12 - 7 + 3)


def test_a_line_that_never_came_up_costs_nothing_however_often_it_is_tried() -> None:
    interview = an_interview(candidate_loss_cap=minutes(0))
    ready(interview, at(0))
    gone(interview, at(5), end=ConversationEnd.LEFT)
    for minute in range(5, 100):
        ready(interview, at(minute), last_alive_at=at(5))
        gone(interview, at(minute + 0.9), end=ConversationEnd.LEFT, connected=False)
    assert (interview.status, interview.clock.running) == (S.INTERRUPTED, False)
    assert interview.snapshot(at(100)).remaining == minutes(25)


def test_a_line_that_never_came_up_is_not_the_candidates_loss() -> None:
    interview = an_interview(candidate_loss_cap=minutes(0))
    ready(interview, at(0))
    gone(interview, at(1), end=ConversationEnd.LEFT, connected=False)
    ready(interview, at(2))
    gone(interview, at(3.5))
    ready(interview, at(4), last_alive_at=at(3))
    assert interview.snapshot(at(4)).remaining == minutes(29)


def test_what_is_typed_meanwhile_is_paid_for() -> None:
    interview = an_interview()
    interview.open_typing(at(0))
    ready(interview, at(2))
    gone(interview, at(3), end=ConversationEnd.LEFT, connected=False)
    assert interview.snapshot(at(3)).remaining == minutes(28)


def test_bots_of_whom_none_was_ever_alive_cost_nothing() -> None:
    interview = an_interview()
    ready(interview, at(0))
    fence = Fence(epoch=call(interview, at(8)))
    interview.bot_is_ready(BotReady(fence=fence), at(8), never_alive=True)
    assert interview.snapshot(at(8)).remaining == minutes(30)


@pytest.mark.parametrize("told_after", [11, 25])
def test_time_in_which_the_service_was_away_is_given_back_once(told_after: float) -> None:
    interview = an_interview()
    interview.open_typing(at(0))
    outage = Outage(began_at=at(8), ended_at=at(10))
    for _ in range(2):
        interview.give_back(outage, at(told_after))
        assert interview.snapshot(at(told_after)).remaining == minutes(30 - told_after + 2)
    interview.give_back(Outage(began_at=at(9), ended_at=at(11)), at(told_after))
    assert interview.snapshot(at(told_after)).remaining == minutes(30 - told_after + 3)


def test_an_outage_while_the_clock_stood_gives_nothing_back() -> None:
    interview = an_interview()
    interview.open_typing(at(0))
    interview.pause(at(5))
    version = interview.version
    interview.give_back(Outage(began_at=at(6), ended_at=at(60)), at(61))
    assert (interview.version, interview.snapshot(at(61)).remaining) == (version, minutes(25))


def test_an_outage_that_killed_the_bot_is_given_back_once_whoever_tells_first() -> None:
    outage = Outage(began_at=at(10), ended_at=at(12))
    for pulse_first in (True, False):
        interview = an_interview()
        ready(interview, at(0))
        gone(interview, at(12))
        if pulse_first:
            interview.give_back(outage, at(12))
        ready(interview, at(15), last_alive_at=at(10))
        if not pulse_first:
            interview.give_back(outage, at(15))
        assert interview.snapshot(at(15)).remaining == minutes(20)


def test_an_outage_that_the_bot_survived_is_given_back_too() -> None:
    interview = an_interview()
    ready(interview, at(0))
    interview.give_back(Outage(began_at=at(10), ended_at=at(12)), at(12))
    gone(interview, at(20))
    ready(interview, at(21), last_alive_at=at(19))
    assert interview.snapshot(at(21)).remaining == minutes(30 - 19 + 2)


def test_a_tab_that_joins_all_night_leaves_room_for_typing() -> None:
    interview = an_interview()
    for minute in range(JOINS_IN_ALL):
        rules.join(interview, Join(offer_id=uuid4()), at(minute))
        call(interview, at(minute))
        gone(interview, at(minute), refusal=NoCapacity())
    for purpose in (JoinPurpose.INTERVIEW, JoinPurpose.CHECK):
        with pytest.raises(TooMany):
            rules.join(interview, Join(purpose=purpose, offer_id=uuid4()), at(JOINS_IN_ALL + 60))
    rules.join(interview, Join(purpose=JoinPurpose.TYPING), at(JOINS_IN_ALL + 60))
    known = interview.line.connections[0].offer_id
    rules.join(interview, Join(offer_id=known), at(JOINS_IN_ALL + 60))


def test_a_pause_gives_nothing_and_costs_nothing() -> None:
    interview = an_interview()
    ready(interview, at(0))
    interview.pause(at(10))
    gone(interview, at(10.2), end=ConversationEnd.PAUSED)
    interview.resume(at(100))
    assert interview.status is S.INTERRUPTED
    ready(interview, at(101), last_alive_at=at(10))
    assert interview.snapshot(at(101)).remaining == minutes(20)


def test_a_bot_lost_while_typing_goes_on_interrupts_nothing() -> None:
    interview = an_interview()
    interview.open_typing(at(0))
    call(interview, at(1))
    gone(interview, at(2), refusal=NoCapacity())
    assert interview.status is S.IN_PROGRESS
    assert interview.clock.running


def test_a_bot_that_leaves_after_the_last_answer_interrupts_nothing() -> None:
    interview = an_interview()
    fence = ready(interview, at(0))
    for _ in range(3):
        interview.record(_answer(interview).model_copy(update={"fence": fence}), at(1))
        interview.assessed(())
    gone(interview, at(1.1), end=ConversationEnd.FINISHED)
    assert interview.status is S.IN_PROGRESS


def test_a_check_that_fails_says_nothing_about_the_interviews_own_line() -> None:
    interview = an_interview()
    interview.connect(Join(purpose=JoinPurpose.CHECK, offer_id=uuid4()), at(0))
    gone(interview, at(1), refusal=NoCapacity())
    assert not interview.no_capacity
    assert interview.status is S.WAITING


def test_a_typed_answer_while_the_line_is_lost_opens_typing() -> None:
    interview = an_interview()
    ready(interview, at(0))
    gone(interview, at(1), end=ConversationEnd.LEFT)
    interview.record(_answer(interview), at(2))
    assert (interview.status, interview.clock.running) == (S.IN_PROGRESS, True)


# ---------------------------------------------------------------- what is due when


def test_who_pauses_as_the_invitation_runs_out_may_still_come_back() -> None:
    interview = an_interview(expires_at=at(10))
    interview.open_typing(at(0))
    interview.pause(at(15))
    assert interview.due_at() == at(15) + RETURN_GRACE
    interview.tick(at(20))
    assert interview.status is S.PAUSED
    interview.tick(at(25))
    assert (interview.status, interview.called_off) == (S.EXPIRED, False)


def test_nothing_is_due_before_its_time() -> None:
    interview = an_interview()
    interview.open_typing(at(0))
    version = interview.version
    interview.tick(at(29.9))
    assert interview.version == version
    interview.tick(at(30))
    assert (interview.status, interview.ends_reason) == (S.GRADING, "deadline")


# ---------------------------------------------------------------- in whatever order


def _answer(interview: Interview) -> RecordAnswer:
    cursor = interview.cursor()
    return RecordAnswer(
        question_id=cursor.question_id or uuid4(), revision=cursor.revision, answer_id=uuid4()
    )


def _reopening(interview: Interview) -> ReopenAnswer:
    last = interview.progress.last_answer
    return ReopenAnswer(
        question_id=last.question_id if last else uuid4(), revision=last.revision if last else 1
    )


def _do(interview: Interview, verb: str, now: datetime) -> None:
    """Sends a message as Temporal would: through its rule, and not if that refuses."""
    try:
        if verb == "record":
            answer = _answer(interview)
            rules.record_answer(interview, answer, now)
            interview.record(answer, now)
        elif verb in {"covered", "missed"}:
            if interview.progress.assessing:
                interview.assessed(POINTS if verb == "missed" else ())
        elif verb == "reopen":
            reopening = _reopening(interview)
            rules.reopen_answer(interview, reopening, now)
            interview.reopen(reopening, now)
        else:
            getattr(rules, verb)(interview, Move(), now)
            getattr(interview, verb)(Move(), now)
    except CodeVoiceError:
        pass


_VERBS = st.lists(
    st.sampled_from(["record", "covered", "missed", "reopen", "skip", "go_back"]), max_size=40
)


@given(_VERBS)
def test_whatever_is_done_the_answers_add_up(verbs: list[str]) -> None:
    interview = an_interview()
    interview.open_typing(at(0))
    recorded: dict[UUID, int] = {}
    for verb in verbs:
        version = interview.version
        _do(interview, verb, at(1))
        snapshot = interview.snapshot(at(1))
        assert snapshot.state_version >= version
        for question, state in zip(
            interview.progress.questions.values(), snapshot.questions, strict=True
        ):
            # No answer is ever lost, budgets hold, and what counts is a recorded answer.
            assert len(question.recorded) >= recorded.get(question.question_id, 0)
            recorded[question.question_id] = len(question.recorded)
            assert sorted(question.recorded) == list(range(1, len(question.recorded) + 1))
            assert len(question.follow_ups) <= FOLLOW_UP_BUDGET[question.plan.difficulty]
            assert len(set(question.follow_ups)) == len(question.follow_ups)
            assert (state.answer_id is None) == (state.revision == 0)
            assert (state.outcome is Outcome.ANSWERED) == (state.revision > 0)
        if interview.progress.finished:
            assert all(s.outcome is not Outcome.UNASKED for s in snapshot.questions)


@given(_VERBS)
def test_whatever_is_done_the_interview_can_be_brought_to_its_end(verbs: list[str]) -> None:
    interview = an_interview()
    interview.open_typing(at(0))
    for verb in [*verbs, *["record", "covered"] * 3]:
        _do(interview, verb, at(1))
    assert interview.progress.finished


@pytest.mark.parametrize("verb", ["skip", "go_back", "reopen"])
def test_leaving_an_answer_ends_its_assessment(verb: str) -> None:
    interview = an_interview()
    interview.open_typing(at(0))
    interview.record(_answer(interview), at(0))
    interview.assessed(())
    interview.record(_answer(interview), at(0))
    assert interview.progress.assessing
    _do(interview, verb, at(0))
    assert not interview.progress.assessing
