"""The grader that needs no key and no network: MiniLM's token alignment against each key point.

Blind to most negation and to computed values, so its scores are indicative; each verdict comes with
the words it rests on.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Final

from contracts.errors import CodeVoiceError, GradingFailed
from contracts.grades import Evidence, Flag, Grade, GradeKind, PointGrade, Verdict
from contracts.questions import Question
from grading import alignment, encoder, reading, scoring
from grading.alignment import best_match
from grading.contradiction import negated_at
from grading.encoder import Encoder
from grading.passage import Passage, read_in_steps
from grading.reading import Reading
from grading.rubric import PreparedPoint, PreparedRubric, Rubric, prepare
from grading.steps import Steps, step

#: Counts the changes of method that the constants below do not show (rules, word lists).
_METHOD: Final = "embedded-1"
_RUBRICS_KEPT: Final = 128  # about 0.2 MB each


def _version() -> str:
    constants = (
        encoder.MODEL_SHA256,
        encoder.TOKENIZER_SHA256,
        encoder.BLOCK_TOKENS,
        encoder.CONTEXT_TOKENS,
        encoder.MOST_TOKENS,
        reading.MOST_CHARACTERS,
        alignment.WINDOW_WORDS,
        alignment.STRIDE_WORDS,
        alignment.QUOTE_SHARE,
        alignment.QUOTE_MARGIN,
        scoring.CONTRAST,
        scoring.CREDIT_CURVE,
        scoring.RELEVANCE_GATE,
        scoring.COVERED,
        scoring.PARTIAL,
    )
    return f"{_METHOD}-{hashlib.sha256(json.dumps(constants).encode()).hexdigest()[:12]}"


class EmbeddedGrader:
    """Grades in a thread of its own. Safe to call from many tasks, which take turns.

    The same question and answer always get the same grade, so a retry changes nothing. 30 minutes
    of talk take 2 s of one core; a short answer waits for single steps of those beside it. What is
    cancelled stops after its step.
    """

    version: Final[str] = _version()

    def __init__(self, encoder: Encoder | None = None) -> None:
        """Loads the model (0.4 s, 155 MB). GradingFailed where its packages are missing."""
        self._encoder = encoder or Encoder()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="grading")
        self._prepared = lru_cache(maxsize=_RUBRICS_KEPT)(self._prepare)

    async def grade(self, question: Question, answer: str) -> Grade:
        """GradingFailed if no grade can be made; its message holds no text of the answer."""
        return await self.grade_against(Rubric.of(question), answer)

    async def grade_against(self, rubric: Rubric, answer: str) -> Grade:
        """The same for a rubric that is not in the bank: data graded by people, for instance."""
        loop, grading = asyncio.get_running_loop(), self._grade(rubric, answer)
        try:
            while True:
                # The thread's queue is what makes the turns fair: who had one stands behind.
                grade = await loop.run_in_executor(self._thread, step, grading)
                if grade is not None:
                    return grade
        except CodeVoiceError:
            raise
        except Exception as failure:
            # The cause may quote the answer: it stays out of the log.
            raise GradingFailed(f"embedded grader: {type(failure).__name__}") from None

    def close(self) -> None:
        """Lets the running step end; what is not graded by then is dropped."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _prepare(self, rubric: Rubric) -> PreparedRubric:
        return prepare(self._encoder, rubric)

    def _grade(self, rubric: Rubric, answer: str) -> Steps[Grade]:
        prepared = self._prepared(rubric)
        answered = reading.read(answer, prepared.question_stems)
        if answered.nothing:
            return self._result(rubric, [_missed(p.id) for p in rubric.points], answered.flags)
        passage = yield from read_in_steps(self._encoder, answered.text)
        flags = set(answered.flags) if passage.whole else {*answered.flags, Flag.TRUNCATED}
        points = self._points(prepared, answered, passage)
        if any(point.verdict is Verdict.CONTRADICTED for point in points):
            flags.add(Flag.NEAR_VERBATIM_NEGATION)
        return self._result(rubric, points, flags)

    def _points(
        self, prepared: PreparedRubric, answered: Reading, passage: Passage
    ) -> list[PointGrade]:
        directions = [float(p.target.direction @ passage.direction) for p in prepared.points]
        return [_graded(p, answered, passage, max(directions)) for p in prepared.points]

    def _result(
        self, rubric: Rubric, points: list[PointGrade], flags: set[Flag] | frozenset[Flag]
    ) -> Grade:
        weights = [point.weight for point in rubric.points]
        return Grade(
            kind=GradeKind.EMBEDDED,
            grader_version=self.version,
            score=scoring.score([point.credit for point in points], weights),
            points=tuple(points),
            flags=tuple(sorted(flags)),
        )


def _missed(key_point_id: str) -> PointGrade:
    return PointGrade(key_point_id=key_point_id, verdict=Verdict.MISSED, credit=0.0)


def _graded(
    prepared: PreparedPoint, answered: Reading, passage: Passage, subject: float
) -> PointGrade:
    """`subject`: how much the whole answer points the way of the question's key points."""
    match = best_match(prepared.target, passage)
    credit = scoring.credit(
        scoring.closeness(match.similarity, prepared.baseline), max(match.relevance, subject)
    )
    verdict, span = scoring.verdict(credit), (match.start, match.end)
    if verdict is not Verdict.MISSED:
        negated = negated_at(prepared.point.text, answered.text)
        if negated is not None:
            verdict, credit, span = Verdict.CONTRADICTED, 0.0, negated
    return PointGrade(
        key_point_id=prepared.point.id,
        verdict=verdict,
        credit=credit,
        evidence=None if verdict is Verdict.MISSED else _quote(answered, span),
    )


def _quote(answered: Reading, span: tuple[int, int]) -> Evidence | None:
    start, end = answered.quotable(*span)
    if start == end:
        return None
    return Evidence(start=start, end=end, text=answered.marked[start:end])
