"""A grade: a verdict and a verbatim quote per key point, and what code computes from them."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Verdict(StrEnum):
    COVERED = "covered"
    PARTIAL = "partial"
    MISSED = "missed"
    CONTRADICTED = "contradicted"


class GradeKind(StrEnum):
    EMBEDDED = "embedded"
    LLM = "llm"
    HUMAN = "human"


class Flag(StrEnum):
    """Why a person should look. A flag never changes another point's credit."""

    EMPTY = "empty"
    NO_ANSWER = "no_answer"
    QUESTION_ECHO = "question_echo"
    KEYWORD_LIST = "keyword_list"
    NEAR_VERBATIM_NEGATION = "near_verbatim_negation"
    INSTRUCTION_LIKE_TEXT = "instruction_like_text"
    UNREADABLE_SCRIPT = "unreadable_script"
    TRUNCATED = "truncated"
    GRADERS_DISAGREE = "graders_disagree"
    UNSUPPORTED_CREDIT = "unsupported_credit"


class Evidence(BaseModel):
    """A quote: `text == answer_text[start:end]`, character for character, checked by code."""

    model_config = ConfigDict(frozen=True)

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    text: str


class PointGrade(BaseModel):
    """The verdict on one key point. `credit` is 0 to 1, higher is better."""

    model_config = ConfigDict(frozen=True)

    key_point_id: str
    verdict: Verdict
    credit: float = Field(ge=0, le=1)
    evidence: Evidence | None = None


class Grade(BaseModel):
    """The verdict on one answer. `score` is 0 to 10: 10 x the weighted mean of the credits.

    `grader_version` names everything that shaped it (model, rubric method, constants): one row is
    kept for (interview, question, revision, grader version), whatever is retried.
    """

    model_config = ConfigDict(frozen=True)

    kind: GradeKind
    grader_version: str
    score: float = Field(ge=0, le=10)
    points: tuple[PointGrade, ...]
    flags: tuple[Flag, ...] = ()

    @property
    def lacking(self) -> tuple[str, ...]:
        """Ids of the key points that are missed or partial, the least covered first.

        A contradicted point is not lacking: something was said about it.
        """
        open_still = (Verdict.MISSED, Verdict.PARTIAL)
        found = (point for point in self.points if point.verdict in open_still)
        return tuple(point.key_point_id for point in sorted(found, key=lambda each: each.credit))
