"""Finished interviews to make reports of, built from the starter bank."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from contracts.grades import Evidence, Flag, Grade, GradeKind, PointGrade, Verdict
from contracts.interview import Outcome
from contracts.questions import Question
from contracts.report import GradeRow, PlannedRow, ReportInputs
from contracts.turns import Speaker, Turn, TurnKind, TurnPurpose

BEGIN = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
INTERVIEW = UUID(int=1)
RECORDING = UUID(int=2)
CREDITS = {
    Verdict.COVERED: 1.0,
    Verdict.PARTIAL: 0.5,
    Verdict.MISSED: 0.0,
    Verdict.CONTRADICTED: 0.0,
}


class Told:
    """An interview as it is told, question by question; `inputs()` is what the database holds."""

    def __init__(self) -> None:
        self.rows: list[PlannedRow] = []
        self.turns: list[Turn] = []
        self.grades: list[GradeRow] = []
        self._at = BEGIN

    def say(
        self,
        speaker: Speaker,
        purpose: TurnPurpose,
        text: str,
        question_id: UUID | None = None,
        *,
        raw: str | None = None,
        kind: TurnKind = TurnKind.SPOKEN,
    ) -> None:
        number = len(self.turns) + 1
        length = timedelta(seconds=1 + len(text) / 15)
        spoken = kind is TurnKind.SPOKEN
        self.turns.append(
            Turn(
                id=UUID(int=1000 + number),
                interview_id=INTERVIEW,
                question_id=question_id,
                revision=1 if question_id else None,
                speaker=speaker,
                kind=kind,
                purpose=purpose,
                text=text,
                raw_text=raw,
                started_at=self._at,
                ended_at=self._at + length,
                recording_id=RECORDING if spoken else None,
                recording_offset_ms=1000 * number if spoken else None,
                number=number,
            )
        )
        self._at += length + timedelta(seconds=1)

    def plan(self, question: Question, outcome: Outcome, *, weight: float = 1.0) -> UUID:
        question_id = UUID(int=100 + len(self.rows))
        self.rows.append(
            PlannedRow(question_id=question_id, question=question, outcome=outcome, weight=weight)
        )
        if outcome is not Outcome.UNASKED:
            self.say(Speaker.INTERVIEWER, TurnPurpose.QUESTION, question.prompt, question_id)
        return question_id

    def answer(
        self,
        question: Question,
        said: Sequence[str],
        verdicts: Sequence[Verdict] | None = None,
        *,
        outcome: Outcome = Outcome.ANSWERED,
        weight: float = 1.0,
        flags: tuple[Flag, ...] = (),
        kind: GradeKind = GradeKind.EMBEDDED,
        typed: bool = False,
        raw: str | None = None,
    ) -> UUID:
        """Plans, asks and answers; graded where `verdicts` are given. Returns the answer's id."""
        question_id = self.plan(question, outcome, weight=weight)
        how = TurnKind.TYPED if typed else TurnKind.SPOKEN
        for text in said:
            self.say(Speaker.CANDIDATE, TurnPurpose.ANSWER, text, question_id, raw=raw, kind=how)
        answer_id = UUID(int=5000 + len(self.rows))
        answer = "\n".join(said)
        self.rows[-1] = self.rows[-1].model_copy(
            update={"answer_id": answer_id, "answer_text": answer}
        )
        if verdicts is not None:
            grade = graded(question, answer, verdicts, flags=flags, kind=kind)
            self.grades.append(GradeRow(answer_id=answer_id, made_at=self._at, grade=grade))
        return answer_id

    def inputs(self, *, complete: bool = True, name: str | None = "Ada Example") -> ReportInputs:
        return ReportInputs(
            interview_id=INTERVIEW,
            version=1,
            built_at=self._at + timedelta(minutes=1),
            complete=complete,
            candidate_name=name,
            questions=tuple(self.rows),
            turns=tuple(self.turns),
            grades=tuple(self.grades),
            app_version="0.1.0",
            parts={"speech to text": "embedded", "interviewer": "scripted"},
        )


def graded(
    question: Question,
    answer: str,
    verdicts: Sequence[Verdict],
    *,
    flags: tuple[Flag, ...] = (),
    kind: GradeKind = GradeKind.EMBEDDED,
) -> Grade:
    """Covered and partial points quote a line of the answer, each its own as far as they go."""
    lines = answer.split("\n")
    points = []
    for at, (point, verdict) in enumerate(zip(question.key_points, verdicts, strict=True)):
        line = lines[at % len(lines)]
        start = answer.find(line)
        quoted = verdict in (Verdict.COVERED, Verdict.PARTIAL) and line
        evidence = Evidence(start=start, end=start + len(line), text=line) if quoted else None
        points.append(
            PointGrade(
                key_point_id=point.id,
                verdict=verdict,
                credit=CREDITS[verdict],
                evidence=evidence,
            )
        )
    weights = [point.weight for point in question.key_points]
    score = 10 * sum(w * p.credit for w, p in zip(weights, points, strict=True)) / sum(weights)
    return Grade(
        kind=kind, grader_version=f"{kind.value} 1", score=score, points=tuple(points), flags=flags
    )
