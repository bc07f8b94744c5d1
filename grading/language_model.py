"""The grader that asks a language model: for a verdict and a verbatim quote per key point.

What the model says is a claim. Code looks the quotes up in the answer, does the arithmetic, votes
where a verdict is doubtful, and hands what both graders see differently to a person. Nothing the
model can emit is a score.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.errors import CodeVoiceError, Ungradable
from contracts.grades import Evidence, Flag, Grade, GradeKind, PointGrade, Verdict
from contracts.language import AsksModels, Message, Said
from contracts.questions import Question
from contracts.usage import Book
from grading import reading, scoring
from grading.orders import without_orders
from grading.prompting import PROMPT_VERSION, SCHEMA, asking, repairing
from grading.quotes import Words
from grading.reading import Reading
from grading.replies import Judged, Unusable, Verdicts, read_verdicts
from grading.rubric import Rubric
from grading.words import content_stems

#: Counts the changes of method that the prompt's version does not show.
_METHOD: Final = "llm-1"
#: 400 tokens are a usual reply; models that think before they write need the rest.
MOST_TOKENS: Final = 2_000
#: Points of 10 between the graders from which a person is asked.
FAR_APART: Final = 4.0
_CREDITS: Final = {
    Verdict.COVERED: 1.0,
    Verdict.PARTIAL: 0.5,
    Verdict.MISSED: 0.0,
    Verdict.CONTRADICTED: 0.0,
}
_DOUBTFUL: Final = frozenset({Verdict.PARTIAL, Verdict.CONTRADICTED})
#: The reading of an answer, and the answer: the reading that is shown.
Guard = Callable[[Reading, str], Reading]
#: Asked for beside the first opinion where that is doubtful.
_MORE_OPINIONS: Final = 2


class LanguageModelGrader:
    """Safe to call from many tasks at once; each grade takes one to four calls.

    Raises Ungradable where the model's replies are of no use, and where its host refuses us for
    good; Unavailable and TooMany where trying again may help. No message holds a text.
    """

    def __init__(self, model: AsksModels, guard: Guard = without_orders) -> None:
        """Nothing is sent before the first grade. `guard` takes out of an answer what the model is
        not to see."""
        self._model = model
        self._guard = guard
        self.version: Final = f"{_METHOD} {model.model} {PROMPT_VERSION}"

    async def grade(
        self,
        question: Question,
        answer: str,
        beside: Grade | None = None,
        book: Book = lambda usage: None,
    ) -> Grade:
        """`beside` is the embedded grade of the same answer; `book` is told of each call's usage,
        of a failed grade's too."""
        case = _Case.of(question, answer, self._guard)
        if case.answered.nothing:
            return self._grade(case, _Opinion(case.all_missed()), beside)
        first = await self._first_opinion(case, book)
        if _doubtful(first, _score(case, first.points), beside):
            first = _voted(first, await self._more_opinions(case, book))
        return self._grade(case, first, beside)

    async def _first_opinion(self, case: _Case, book: Book) -> _Opinion:
        """With one repair; a quote that is not there after it leaves its point missed."""
        messages, opinion = case.asking(0), None
        said = await self._ask(messages, book)
        try:
            opinion = case.opinion(said)
            if not opinion.unproven:
                return opinion
            why = f"The evidence for {', '.join(opinion.unproven)} is not in the transcript."
        except Unusable as fault:
            why = str(fault)
        said = await self._ask([*messages, *repairing(said.text, why)], book)
        try:
            return case.opinion(said)
        except Unusable as fault:
            if opinion is not None:
                return opinion
            raise Ungradable(f"The language model gave no usable verdicts. {fault}") from None

    async def _more_opinions(self, case: _Case, book: Book) -> list[_Opinion]:
        """None at all where one fails: two opinions make no majority."""

        async def another(ballot: int) -> _Opinion:
            return case.opinion(await self._ask(case.asking(ballot), book))

        ballots = range(1, 1 + _MORE_OPINIONS)
        found = await asyncio.gather(*map(another, ballots), return_exceptions=True)
        for each in found:
            if isinstance(each, BaseException) and not isinstance(each, Unusable | CodeVoiceError):
                raise each
        opinions = [each for each in found if isinstance(each, _Opinion)]
        return opinions if len(opinions) == _MORE_OPINIONS else []

    async def _ask(self, messages: Sequence[Message], book: Book) -> Said:
        said = await self._model.ask(messages, SCHEMA, MOST_TOKENS)
        book(said.usage)
        if said.refused:
            raise Ungradable("The language model refused to grade this answer")
        return said

    def _grade(self, case: _Case, opinion: _Opinion, beside: Grade | None) -> Grade:
        score, flags = _score(case, opinion.points), set(case.answered.flags)
        if opinion.instruction_like:
            flags.add(Flag.INSTRUCTION_LIKE_TEXT)
        if _far_apart(score, beside):
            flags.add(Flag.GRADERS_DISAGREE)
        return Grade(
            kind=GradeKind.LLM,
            grader_version=self.version,
            score=score,
            points=opinion.points,
            flags=tuple(sorted(flags)),
        )


@dataclass(frozen=True)
class _Opinion:
    """One call's verdicts, checked. `unproven`: ids of points whose quote was nowhere to be found;
    they are missed."""

    points: tuple[PointGrade, ...]
    unproven: tuple[str, ...] = ()
    instruction_like: bool = False


@dataclass(frozen=True)
class _Case:
    """One answer to one question, as it is read and as it is searched."""

    rubric: Rubric
    answered: Reading
    said: Words
    asked: Words
    seed: str

    @classmethod
    def of(cls, question: Question, answer: str, guard: Guard) -> _Case:
        read = reading.read(answer, frozenset(content_stems(question.prompt)))
        answered = guard(read, answer)
        seed = hashlib.sha256(answer.encode(errors="replace")).hexdigest()
        said, asked = Words(answered.text), Words(question.prompt)
        return cls(Rubric.of(question), answered, said, asked, seed)

    def asking(self, ballot: int) -> list[Message]:
        return asking(self.rubric, self.answered.text, f"{self.seed}-{ballot}")

    def all_missed(self) -> tuple[PointGrade, ...]:
        return tuple(_missed(point.id) for point in self.rubric.points)

    def opinion(self, said: Said) -> _Opinion:
        """Raises Unusable."""
        if said.cut:
            raise Unusable("The reply was cut off; it has to be shorter.")
        ids = [point.id for point in self.rubric.points]
        verdicts = read_verdicts(said.text, ids)
        judged = {point.id: point for point in verdicts.points}
        return self._checked([judged[each] for each in ids], verdicts)

    def _checked(self, judged: Sequence[Judged], verdicts: Verdicts) -> _Opinion:
        points, unproven = [], []
        for point in judged:
            evidence = None
            if point.verdict is not Verdict.MISSED:
                evidence = self._evidence(point.evidence or "")
                if evidence is None:
                    unproven.append(point.id)
            points.append(_graded(point, evidence))
        return _Opinion(tuple(points), tuple(unproven), verdicts.instruction_like_text)

    def _evidence(self, quote: str) -> Evidence | None:
        """The quote's place in the answer. Words of the question prove nothing, nor do function
        words; what spoke to the grader was taken out of the answer before."""
        if not content_stems(quote) or self.asked.holds(quote):
            return None
        found = self.said.find(quote)
        start, end = self.answered.quotable(*found) if found else (0, 0)
        if start == end:
            return None
        return Evidence(start=start, end=end, text=self.answered.marked[start:end])


def _missed(key_point_id: str) -> PointGrade:
    return PointGrade(key_point_id=key_point_id, verdict=Verdict.MISSED, credit=0.0)


def _graded(judged: Judged, evidence: Evidence | None) -> PointGrade:
    if evidence is None:
        return _missed(judged.id)
    return PointGrade(
        key_point_id=judged.id,
        verdict=judged.verdict,
        credit=_CREDITS[judged.verdict],
        evidence=evidence,
    )


def _score(case: _Case, points: Sequence[PointGrade]) -> float:
    weights = [point.weight for point in case.rubric.points]
    return scoring.score([point.credit for point in points], weights)


def _far_apart(score: float, beside: Grade | None) -> bool:
    return beside is not None and abs(score - beside.score) > FAR_APART


def _doubtful(opinion: _Opinion, score: float, beside: Grade | None) -> bool:
    unsure = any(point.verdict in _DOUBTFUL for point in opinion.points)
    return unsure or bool(opinion.unproven) or _far_apart(score, beside)


def _voted(first: _Opinion, others: Sequence[_Opinion]) -> _Opinion:
    """Each point as most opinions have it; where all differ, as the one in the middle has it."""
    if not others:
        return first
    opinions = [first, *others]
    votes = zip(*(opinion.points for opinion in opinions), strict=True)
    return _Opinion(
        points=tuple(_chosen(each) for each in votes),
        instruction_like=any(opinion.instruction_like for opinion in opinions),
    )


def _chosen(votes: Sequence[PointGrade]) -> PointGrade:
    verdict, count = Counter(vote.verdict for vote in votes).most_common(1)[0]
    if count == 1:
        return sorted(votes, key=lambda vote: vote.credit)[len(votes) // 2]
    return next(vote for vote in votes if vote.verdict is verdict)
