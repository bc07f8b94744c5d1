"""The grader that asks a language model: for a verdict and a verbatim quote per key point.

What the model says is a claim. Code looks the quotes up in the answer, does the arithmetic, votes
where a verdict is doubtful, and hands what both graders see differently to a person. Nothing the
model can emit is a score.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

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
_METHOD: Final = "llm-2"
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
#: Credit by the embedded grader from which a quote plainly holds its point. Of points that answers
#: leave out, the likeliest sentence has it for none of 329 where the answer is to another question
#: and for 2 % of 180 where it is to this one (starter bank); of those in answers that people gave
#: full marks, the best sentence for 72 % of 218 (Mohler).
_PLAIN: Final = 0.9
#: With less than this it is about something else: so are 98.7 % of the bench's attacks, sentence by
#: sentence, for the key points of their questions, and 0.9 % of those best sentences.
_ABOUT_IT: Final = 0.15
_DOUBTFUL: Final = frozenset({Verdict.PARTIAL, Verdict.CONTRADICTED})
#: The reading of an answer, and the answer: the reading that is shown.
Guard = Callable[[Reading, str], Reading]
#: Asked for beside the first opinion where that is doubtful.
_MORE_OPINIONS: Final = 2


class Compares(Protocol):
    """`grading.embedded.EmbeddedGrader` does."""

    async def grade_against(self, rubric: Rubric, answer: str) -> Grade: ...


class LanguageModelGrader:
    """Safe to call from many tasks at once; each grade takes one to four calls, and one or two more
    for each quote that is doubted.

    Raises Ungradable where the model's replies are of no use, and where its host refuses us for
    good; Unavailable and TooMany where trying again may help. No message holds a text.
    """

    def __init__(
        self, model: AsksModels, compares: Compares, guard: Guard = without_orders
    ) -> None:
        """Nothing is sent before the first grade. `compares` reads quotes by themselves; `guard`
        takes out of an answer what the model is not to see."""
        self._model = model
        self._compares = compares
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
        return self._grade(case, await self._upheld(case, first, book), beside)

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

    async def _upheld(self, case: _Case, opinion: _Opinion, book: Book) -> _Opinion:
        """Without the points that no words of the answer hold. Whoever obeys an order gives points
        away on words that say nothing of them; beside a quote alone stands no order.

        Where the model's quote does not hold a point, the place counts that the embedded grader
        finds for it.
        """
        claimed = [point for point in opinion.points if point.credit]
        held = await self._held(case, claimed, book)
        if len(held) < len(claimed):
            found = await self._compares.grade_against(case.rubric, case.answered.text)
            places = {
                point.key_point_id: case.quotable(point.evidence.start, point.evidence.end)
                for point in found.points
                if point.evidence
            }
            lost = (point for point in claimed if point.key_point_id not in held)
            held |= await self._held(case, _moved(lost, places), book)
        return opinion.with_credit_for(held)

    async def _held(
        self, case: _Case, points: Iterable[PointGrade], book: Book
    ) -> dict[str, PointGrade]:
        """Those of the points whose evidence holds them, by their ids. The nearest sentence of it
        does where the embedded grader finds the point plainly there, and does not where it is not
        about it; between, the model is asked again, as if that were the whole answer."""
        held, doubted = dict[str, PointGrade](), defaultdict[str, dict[str, PointGrade]](dict)
        for point in points:
            sentence, credit = await self._nearest(case.rubric, point)
            if credit >= _PLAIN:
                held[point.key_point_id] = point
            elif credit >= _ABOUT_IT:
                doubted[sentence][point.key_point_id] = point
        looks = (
            self._first_opinion(case.alone(sentence, by_id), book)
            for sentence, by_id in doubted.items()
        )
        again = await asyncio.gather(*looks, return_exceptions=True)
        for opinion, by_id in zip(again, doubted.values(), strict=True):
            if isinstance(opinion, BaseException):
                raise opinion
            held |= {p.key_point_id: by_id[p.key_point_id] for p in opinion.points if p.credit}
        return held

    async def _nearest(self, rubric: Rubric, point: PointGrade) -> tuple[str, float]:
        """The sentence of the evidence with most credit for the point, and that credit."""
        best = ("", 0.0)
        for sentence in reading.sentences(point.evidence.text if point.evidence else ""):
            grade = await self._compares.grade_against(rubric, sentence)
            credit = next(p.credit for p in grade.points if p.key_point_id == point.key_point_id)
            best = max(best, (sentence, credit), key=lambda each: each[1])
        return best

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
        if opinion.unsupported:
            flags.add(Flag.UNSUPPORTED_CREDIT)
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
    they are missed. `unsupported`: credit was taken back."""

    points: tuple[PointGrade, ...]
    unproven: tuple[str, ...] = ()
    instruction_like: bool = False
    unsupported: bool = False

    def with_credit_for(self, held: Mapping[str, PointGrade]) -> _Opinion:
        """These points as they are there; no other gets any."""
        points = [
            held.get(point.key_point_id, _missed(point.key_point_id)) if point.credit else point
            for point in self.points
        ]
        lost = any(was.credit > now.credit for was, now in zip(self.points, points, strict=True))
        return replace(self, points=tuple(points), unsupported=lost)


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

    def alone(self, quote: str, ids: Collection[str]) -> _Case:
        """As if nothing but the quote had been said, and nothing but these points asked for."""
        points = tuple(point for point in self.rubric.points if point.id in ids)
        return replace(
            self,
            rubric=replace(self.rubric, points=points),
            answered=Reading(quote, frozenset(), nothing=False),
            said=Words(quote),
        )

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
        return self.quotable(*found) if found else None

    def quotable(self, start: int, end: int) -> Evidence | None:
        """The longest part of the span that stands in the answer word for word."""
        start, end = self.answered.quotable(start, end)
        if start == end:
            return None
        return Evidence(start=start, end=end, text=self.answered.marked[start:end])


def _moved(points: Iterable[PointGrade], places: Mapping[str, Evidence | None]) -> list[PointGrade]:
    """Those points that have a place with other words than their evidence, with it for that."""
    moved = []
    for point in points:
        before, place = point.evidence, places.get(point.key_point_id)
        if place and before and not Words(before.text).holds(place.text):
            moved.append(point.model_copy(update={"evidence": place}))
    return moved


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
