"""The report: what it is made of (`ReportInputs`) and what is stored and served (`Report`).

Texts: never put one of these into a Temporal payload.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.grades import Flag, Grade, GradeKind, Verdict
from contracts.interview import Outcome
from contracts.questions import Difficulty, Question
from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose


class _Text(BaseModel):
    model_config = ConfigDict(frozen=True)


class PlannedRow(_Text):
    """One planned question as the database holds it. `answer_id` is the highest revision's row.

    `answer_text` is that row's text, which the grades' evidence spans point into. `graded`: a grade
    settled it, of whatever kind. `weight` is relative within the interview.
    """

    question_id: UUID
    question: Question
    outcome: Outcome
    answer_id: UUID | None = None
    answer_text: str | None = None
    graded: bool = False
    weight: float = Field(default=1.0, gt=0)


class GradeRow(_Text):
    answer_id: UUID
    made_at: datetime
    grade: Grade


class ReportInputs(_Text):
    """Everything a report is made of, loaded. `questions` stand in plan order.

    `parts` names the parts in use ("speech to text" -> "embedded, moonshine tiny-en").
    `counts` is the least trusted kind of grade that counts; one below it stands beside, unless the
    answer was settled by it.
    `incomplete_recordings` are the recordings that miss some of what was said.
    """

    interview_id: UUID
    version: int = Field(ge=1)
    built_at: datetime
    complete: bool
    candidate_name: str | None = None
    questions: tuple[PlannedRow, ...]
    turns: tuple[Turn, ...] = ()
    grades: tuple[GradeRow, ...] = ()
    incomplete_recordings: frozenset[UUID] = frozenset()
    app_version: str
    parts: dict[str, str] = Field(default_factory=dict)
    counts: GradeKind = GradeKind.EMBEDDED


class Outside(StrEnum):
    """Why a question stands outside the total."""

    UNGRADED = "ungraded"  # answered; its grade is still to come, or was given up
    INTERRUPTED = "interrupted"  # cut off by the deadline or by `finish`
    UNASKED = "unasked"


class Audio(StrEnum):
    NONE = "none"
    WHOLE = "whole"
    INCOMPLETE = "incomplete"


class ReportedTurn(_Text):
    """`raw_text` is there only where the recogniser heard something else than `text` shows.

    `offset_s` counts from the interview's first turn.
    """

    number: int | None
    speaker: Speaker
    kind: TurnKind
    purpose: TurnPurpose
    revision: int | None
    text: str
    raw_text: str | None
    started_at: datetime
    offset_s: float = Field(ge=0)
    audio: Audio
    interrupted: bool


class Quote(_Text):
    """The candidate's own words, verbatim, and the turn in which they begin, where it is known."""

    text: str
    turn_number: int | None = None
    offset_s: float | None = None


class ReportedPoint(_Text):
    """`verdict` and `credit` (0 to 1) are None where nothing was graded."""

    id: str
    text: str
    weight: float
    verdict: Verdict | None = None
    credit: float | None = None
    quote: Quote | None = None


class GraderUsed(_Text):
    """`indicative`: the embedded grader measures likeness in words; a person should confirm it."""

    kind: GradeKind
    version: str
    indicative: bool


class BesideGrade(_Text):
    """A grade that does not count: told so that a person sees it beside the one that does, or in
    the place of one that could not be made. `covered` key points of `points` were found."""

    grader: GraderUsed
    score: float
    covered: int
    points: int


class ReportedQuestion(_Text):
    """`score` is 0 to 10, None where there is none; `outside` says why it is not in the total."""

    position: int = Field(ge=1)
    question_id: UUID
    slug: str
    bank_version: int
    topic: str
    difficulty: Difficulty
    prompt: str
    outcome: Outcome
    weight: float
    score: float | None
    outside: Outside | None
    grader: GraderUsed | None
    beside: BesideGrade | None = None
    points: tuple[ReportedPoint, ...]
    flags: tuple[Flag, ...]
    model_answer: str
    turns: tuple[ReportedTurn, ...]

    @property
    def counted(self) -> bool:
        return self.outside is None


class Coverage(_Text):
    """Key points by verdict. `unassessed` are those of questions without a grade."""

    covered: int = 0
    partial: int = 0
    missed: int = 0
    contradicted: int = 0
    unassessed: int = 0


class OutsideQuestion(_Text):
    position: int
    topic: str
    why: Outside


class Total(_Text):
    """`score`: 0 to 10, the mean over the counted questions by their weights; None without any.

    A skipped question counts 0. What stands outside is named, never a zero.
    """

    score: float | None
    counted: int
    skipped: int
    outside: tuple[OutsideQuestion, ...]
    coverage: Coverage


class TopicScore(_Text):
    """`score` as in `Total`, over the topic's `counted` questions of its `planned` ones."""

    topic: str
    score: float | None
    counted: int
    planned: int
    coverage: Coverage


class ProducedBy(_Text):
    """What made this report, so that it can be made again or doubted."""

    app_version: str
    graders: tuple[GraderUsed, ...]
    questions: tuple[str, ...]  # "slug@version"
    parts: dict[str, str]


class Report(_Text):
    """One immutable version. `complete`: every grade is settled; a later version may still follow
    when a person grades. Every text is free of control characters and lone surrogates.
    """

    interview_id: UUID
    version: int
    built_at: datetime
    complete: bool
    indicative: bool  # a counted score comes from the embedded grader
    candidate_name: str | None
    started_at: datetime | None
    total: Total
    topics: tuple[TopicScore, ...]
    questions: tuple[ReportedQuestion, ...]
    other_turns: tuple[ReportedTurn, ...]  # greeting, closing: what belongs to no question
    produced_by: ProducedBy
