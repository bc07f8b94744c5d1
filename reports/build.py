"""Makes a report from loaded rows. The arithmetic of the whole interview stands here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from contracts.grades import Grade, GradeKind, PointGrade, Verdict
from contracts.interview import Outcome
from contracts.questions import KeyPoint
from contracts.report import (
    Audio,
    BesideGrade,
    Coverage,
    GradeRow,
    GraderUsed,
    Outside,
    OutsideQuestion,
    PlannedRow,
    ProducedBy,
    Quote,
    Report,
    ReportedPoint,
    ReportedQuestion,
    ReportedTurn,
    ReportInputs,
    TopicScore,
    Total,
)
from contracts.turns import Speaker, Turn, TurnPurpose, in_spoken_order
from reports.legible import legible

#: A person's grade stands before a model's, a model's before the embedded one.
_TRUST: Final = (GradeKind.EMBEDDED, GradeKind.LLM, GradeKind.HUMAN)


def build_report(inputs: ReportInputs) -> Report:
    """Pure and total: the same inputs give the same report, and no text makes it fail."""
    turns = in_spoken_order(inputs.turns)
    start = min((turn.started_at for turn in turns), default=None)
    questions = tuple(
        _Asked(row, inputs, turns, start).reported(position)
        for position, row in enumerate(inputs.questions, start=1)
    )
    planned = {row.question_id for row in inputs.questions}
    return Report(
        interview_id=inputs.interview_id,
        version=inputs.version,
        built_at=inputs.built_at,
        complete=inputs.complete,
        indicative=any(q.grader is not None and q.grader.indicative for q in questions),
        candidate_name=legible(inputs.candidate_name or "").strip() or None,
        started_at=start,
        total=_total(questions),
        topics=_topics(questions),
        questions=questions,
        other_turns=tuple(
            _turn(turn, inputs, start) for turn in turns if turn.question_id not in planned
        ),
        produced_by=_produced_by(inputs, questions),
    )


class _Asked:
    """One planned question with all that belongs to it."""

    def __init__(
        self, row: PlannedRow, inputs: ReportInputs, turns: Sequence[Turn], start: datetime | None
    ) -> None:
        self._row = row
        self._inputs = inputs
        self._turns = [turn for turn in turns if turn.question_id == row.question_id]
        self._start = start
        mine = [each for each in inputs.grades if each.answer_id == row.answer_id]
        counting = [each for each in mine if _trust(each) >= _TRUST.index(inputs.counts)]
        if not counting and row.graded:
            counting = mine  # settled before the grader that counts now was set
        self._grade = _best_grade(counting)
        self._beside = _best_grade([each for each in mine if each not in counting])

    def reported(self, position: int) -> ReportedQuestion:
        row, question, grade = self._row, self._row.question, self._grade
        return ReportedQuestion(
            position=position,
            question_id=row.question_id,
            slug=question.slug,
            bank_version=question.version,
            topic=legible(question.topic),
            difficulty=question.difficulty,
            prompt=legible(question.prompt),
            outcome=row.outcome,
            weight=row.weight,
            score=0.0 if row.outcome is Outcome.SKIPPED else grade.score if grade else None,
            outside=self._outside(),
            grader=_grader(grade) if grade else None,
            beside=_told_beside(self._beside) if self._beside else None,
            points=self._points(),
            flags=grade.flags if grade else (),
            model_answer=legible(question.model_answer),
            turns=tuple(_turn(turn, self._inputs, self._start) for turn in self._turns),
        )

    def _outside(self) -> Outside | None:
        if self._row.outcome is Outcome.UNASKED:
            return Outside.UNASKED
        if self._row.outcome is Outcome.INTERRUPTED:
            return Outside.INTERRUPTED
        if self._row.outcome is Outcome.ANSWERED and self._grade is None:
            return Outside.UNGRADED
        return None

    def _points(self) -> tuple[ReportedPoint, ...]:
        graded = {point.key_point_id: point for point in self._grade.points} if self._grade else {}
        points = self._row.question.key_points
        return tuple(self._point(point, graded.get(point.id)) for point in points)

    def _point(self, point: KeyPoint, graded: PointGrade | None) -> ReportedPoint:
        return ReportedPoint(
            id=point.id,
            text=legible(point.text),
            weight=point.weight,
            verdict=graded.verdict if graded else None,
            credit=graded.credit if graded else None,
            quote=self._quote(graded) if graded else None,
        )

    def _quote(self, graded: PointGrade) -> Quote | None:
        """Only what stands in the answer, character for character, is shown as said."""
        evidence, answer = graded.evidence, self._row.answer_text or ""
        if evidence is None or not evidence.text.strip():
            return None
        if answer[evidence.start : evidence.end] != evidence.text:
            return None
        turn = _turn_at(evidence.start, answer, self._turns)
        return Quote(
            text=legible(evidence.text).strip(),
            turn_number=turn.number if turn else None,
            offset_s=_offset_s(turn, self._start) if turn else None,
        )


def _trust(row: GradeRow) -> int:
    return _TRUST.index(row.grade.kind)


def _best_grade(grades: Sequence[GradeRow]) -> Grade | None:
    """Of the most trusted kind, the newest."""
    if not grades:
        return None
    return max(grades, key=lambda row: (_trust(row), row.made_at)).grade


def _told_beside(grade: Grade) -> BesideGrade:
    return BesideGrade(
        grader=_grader(grade),
        score=grade.score,
        covered=sum(point.verdict is Verdict.COVERED for point in grade.points),
        points=len(grade.points),
    )


def _grader(grade: Grade) -> GraderUsed:
    return GraderUsed(
        kind=grade.kind,
        version=legible(grade.grader_version),
        indicative=grade.kind is GradeKind.EMBEDDED,
    )


def _turn_at(start: int, answer: str, turns: Iterable[Turn]) -> Turn | None:
    """The answer turn that holds position `start` of the answer's text.

    The answer is its turns' texts in order with anything between them, so each is looked for after
    the one before it.
    """
    position = 0
    for turn in turns:
        if turn.speaker is not Speaker.CANDIDATE or turn.purpose is not TurnPurpose.ANSWER:
            continue
        text = turn.text.strip()
        begin = answer.find(text, position) if text else -1
        if begin < 0:
            continue
        position = begin + len(text)
        if begin <= start < position:
            return turn
    return None


def _turn(turn: Turn, inputs: ReportInputs, start: datetime | None) -> ReportedTurn:
    shown, heard = legible(turn.text), legible(turn.raw_text or "")
    return ReportedTurn(
        number=turn.number,
        speaker=turn.speaker,
        kind=turn.kind,
        purpose=turn.purpose,
        revision=turn.revision,
        text=shown,
        raw_text=heard if heard.split() not in ([], shown.split()) else None,
        started_at=turn.started_at,
        offset_s=_offset_s(turn, start),
        audio=_audio(turn, inputs),
        interrupted=turn.interrupted,
    )


def _offset_s(turn: Turn, start: datetime | None) -> float:
    return round((turn.started_at - start).total_seconds(), 3) if start else 0.0


def _audio(turn: Turn, inputs: ReportInputs) -> Audio:
    if turn.recording_id is None or turn.recording_offset_ms is None or turn.number is None:
        return Audio.NONE
    incomplete = turn.recording_id in inputs.incomplete_recordings
    return Audio.INCOMPLETE if incomplete else Audio.WHOLE


def _mean(questions: Iterable[ReportedQuestion]) -> float | None:
    """The weighted mean of the counted scores, 0 to 10; None when nothing counts."""
    counted = [(q.score, q.weight) for q in questions if q.counted and q.score is not None]
    weight = sum(weight for _, weight in counted)
    return min(sum(score * w for score, w in counted) / weight, 10.0) if counted else None


def _total(questions: tuple[ReportedQuestion, ...]) -> Total:
    outside = (
        OutsideQuestion(position=q.position, topic=q.topic, why=q.outside)
        for q in questions
        if q.outside is not None
    )
    return Total(
        score=_mean(questions),
        counted=sum(q.counted for q in questions),
        skipped=sum(q.outcome is Outcome.SKIPPED for q in questions),
        outside=tuple(outside),
        coverage=_coverage(questions),
    )


def _topics(questions: tuple[ReportedQuestion, ...]) -> tuple[TopicScore, ...]:
    """In the order in which the topics first come up."""
    grouped: dict[str, list[ReportedQuestion]] = {}
    for question in questions:
        grouped.setdefault(question.topic, []).append(question)
    return tuple(
        TopicScore(
            topic=topic,
            score=_mean(mine),
            counted=sum(q.counted for q in mine),
            planned=len(mine),
            coverage=_coverage(mine),
        )
        for topic, mine in grouped.items()
    )


def _coverage(questions: Iterable[ReportedQuestion]) -> Coverage:
    found = Counter(point.verdict for question in questions for point in question.points)
    verdicts = {verdict.value: found[verdict] for verdict in Verdict}
    return Coverage(**verdicts, unassessed=found[None])


def _produced_by(inputs: ReportInputs, questions: Iterable[ReportedQuestion]) -> ProducedBy:
    questions = tuple(questions)
    used = [q.grader for q in questions] + [q.beside.grader for q in questions if q.beside]
    graders = {grader.version: grader for grader in used if grader}
    return ProducedBy(
        app_version=inputs.app_version,
        graders=tuple(graders[version] for version in sorted(graders)),
        questions=tuple(f"{q.slug}@{q.bank_version}" for q in questions),
        parts={legible(name): legible(part) for name, part in sorted(inputs.parts.items())},
    )
