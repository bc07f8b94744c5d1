"""Arguments and results of the short activities. Ids, counters and enums alone."""

from __future__ import annotations

from uuid import UUID

from contracts.interview import Contract, Outcome, Word


class AnswerRef(Contract):
    interview_id: UUID
    question_id: UUID
    revision: int
    answer_id: UUID


class Assessment(Contract):
    """Key points the answer does not cover, the least covered first: what to follow up on."""

    missed: tuple[Word, ...] = ()


class GradeRef(Contract):
    """The settled grade's row; None means no grade could be made ("ungraded")."""

    answer_id: UUID
    grade_id: UUID | None


class CloseAnswer(Contract):
    """Make an `interrupted` answer row of what was said so far. Result: `ClosedAnswer`."""

    interview_id: UUID
    question_id: UUID
    revision: int


class ClosedAnswer(Contract):
    """`answer_id` is None when nothing had been said."""

    answer_id: UUID | None


class RoomOf(Contract):
    """Open or close the LiveKit room of this interview."""

    interview_id: UUID


class MeasureConduct(Contract):
    """Join the recordings of an interview that is over, and score them. Result: `Measured`."""

    interview_id: UUID


class Measured(Contract):
    """`recorded`: there is a recording of the whole interview; `scored`: its figures stand too."""

    recorded: bool
    scored: bool


class ReportQuestion(Contract):
    """`graded`: a grade has settled this answer, by whichever grader was set then."""

    question_id: UUID
    outcome: Outcome
    answer_id: UUID | None
    graded: bool = False


class BuildReport(Contract):
    interview_id: UUID
    version: int
    questions: tuple[ReportQuestion, ...]
    complete: bool  # every grade is settled


class BuiltReport(Contract):
    report_id: UUID
    version: int
