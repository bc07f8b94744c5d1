"""The interview on real Temporal: whole courses, by typing and by voice."""

from __future__ import annotations

from contracts.interview import GradeState, InterviewStatus, Outcome
from tests.replay.rehearsal import Stage


async def test_a_typed_interview_runs_from_consent_to_a_complete_report(stage: Stage) -> None:
    room = await stage.open()
    assert (await room.type_on()).status is InterviewStatus.IN_PROGRESS
    await room.answer_all()
    done = await room.result()
    assert done.status is InterviewStatus.COMPLETED
    assert done.ends_reason == "answered"
    assert [q.outcome for q in done.questions] == [Outcome.ANSWERED] * 3
    assert [q.grade for q in done.questions] == [GradeState.GRADED] * 3
    assert room.reports[-1].complete
    assert room.saved[-1] == done.model_copy(update={"as_of": room.saved[-1].as_of})
