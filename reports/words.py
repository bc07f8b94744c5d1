"""How the report says its values: one wording for page, paper and charts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from contracts.conduct import Conduct, Spread
from contracts.grades import Flag, GradeKind, Verdict
from contracts.interview import Outcome
from contracts.questions import Difficulty
from contracts.report import Audio, Outside, Report, ReportedQuestion
from contracts.turns import Speaker, TurnPurpose

VERDICTS: Final[dict[Verdict | None, str]] = {
    Verdict.COVERED: "covered",
    Verdict.PARTIAL: "partly covered",
    Verdict.MISSED: "missed",
    Verdict.CONTRADICTED: "contradicted",
    None: "not assessed",
}
OUTCOMES: Final = {
    Outcome.ANSWERED: "answered",
    Outcome.SKIPPED: "skipped",
    Outcome.INTERRUPTED: "cut off",
    Outcome.UNASKED: "not asked",
}
OUTSIDE: Final = {
    Outside.UNGRADED: "answered, no grade yet",
    Outside.INTERRUPTED: "cut off before the answer was finished",
    Outside.UNASKED: "not asked",
}
DIFFICULTIES: Final = {
    Difficulty.EASY: "easy",
    Difficulty.MEDIUM: "medium",
    Difficulty.HARD: "hard",
}
GRADERS: Final = {
    GradeKind.EMBEDDED: "embedded grader",
    GradeKind.LLM: "language model",
    GradeKind.HUMAN: "a person",
}
SPEAKERS: Final = {Speaker.INTERVIEWER: "Interviewer", Speaker.CANDIDATE: "Candidate"}
FLAGS: Final = {
    Flag.EMPTY: "Nothing was said.",
    Flag.NO_ANSWER: "The candidate said that they do not know.",
    Flag.QUESTION_ECHO: "Parts of the answer repeat the question; those parts earned nothing.",
    Flag.KEYWORD_LIST: "The answer is close to a list of keywords. Please check it.",
    Flag.NEAR_VERBATIM_NEGATION: "A key point may have been denied, not stated. Please check.",
    Flag.INSTRUCTION_LIKE_TEXT: (
        "Part of the answer reads like an instruction to the grader. It was not followed."
    ),
    Flag.UNREADABLE_SCRIPT: (
        "Part of the answer is in a script that the grader cannot read. A person should grade it."
    ),
    Flag.TRUNCATED: "The answer was longer than the grader reads; its end was not graded.",
    Flag.GRADERS_DISAGREE: (
        "The language model and the embedded grader are more than 4 points apart. "
        "A person should grade this answer."
    ),
    Flag.UNSUPPORTED_CREDIT: (
        "The language model gave points that no words of the answer bear out; they earned nothing. "
        "Please check."
    ),
}
#: Turns that are neither question nor answer say in the transcript why they exist.
PURPOSES: Final = {
    TurnPurpose.FOLLOW_UP: "follow-up",
    TurnPurpose.CONTROL: "control",
    TurnPurpose.PROMPT: "prompt",
    TurnPurpose.RESUME: "after a break",
    TurnPurpose.ACKNOWLEDGEMENT: "acknowledgement",
    TurnPurpose.GREETING: "greeting",
    TurnPurpose.CLOSING: "closing",
}
INDICATIVE: Final = (
    "Scores marked “indicative” come from the embedded grader. It measures how closely the words "
    "of an answer match each key point, and it can miss a negation. Read them as a guide to where "
    "to look, not as a verdict."
)
DECIDES: Final = (
    "A machine made these grades. A person decides, and every grade can be checked against the "
    "quote beside it."
)

MANNERS: Final = (
    "These figures are about the interviewer, not about the candidate, and count in no grade. They "
    "show whether the candidate was given time to speak."
)
NOT_MEASURED: Final = (
    "The conversation as a whole was not measured. This is done within minutes after an interview."
)


def score(value: float | None) -> str:
    """One decimal, as everywhere in the report; a dash where there is none."""
    return "–" if value is None else f"{value:.1f}"


def clock(offset_s: float | None) -> str:
    """Minutes and seconds since the interview's first word, "12:05"; empty when unknown."""
    if offset_s is None:
        return ""
    minutes, seconds = divmod(int(offset_s), 60)
    return f"{minutes}:{seconds:02d}"


def moment(at: datetime | None) -> str:
    """A date and time in UTC for people."""
    return f"{at.astimezone(UTC):%-d %B %Y, %H:%M} UTC" if at else "not begun"


def questions(count: int) -> str:
    return "1 question" if count == 1 else f"{count} questions"


def standing(question: ReportedQuestion) -> str:
    """How a question stands, in a few words."""
    if question.outcome is Outcome.ANSWERED and question.outside is Outside.UNGRADED:
        return "answered, not graded"
    if question.outcome is Outcome.SKIPPED:
        return "skipped, counts 0"
    return OUTCOMES[question.outcome]


def beside(question: ReportedQuestion) -> str | None:
    """The grade that does not count, as one sentence; None without one."""
    grade = question.beside
    if grade is None:
        return None
    how = ", indicative" if grade.grader.indicative else ""
    return (
        f"Beside it and not counted: {GRADERS[grade.grader.kind]}{how}, {score(grade.score)} of 10,"
        f" {grade.covered} of {grade.points} key points covered."
    )


def title(report: Report) -> str:
    return f"Interview report: {report.candidate_name or 'unnamed candidate'}"


def pending(report: Report) -> str | None:
    """What is still to come, as one sentence; None when every answer has its grade."""
    waiting = sum(question.why is Outside.UNGRADED for question in report.total.outside)
    if not waiting:
        return None
    have = "answer has" if waiting == 1 else "answers have"
    if report.complete:
        return (
            f"{waiting} {have} no grade: grading could not be done. A person should grade by hand."
        )
    return f"{waiting} {have} no grade yet. A new version of this report follows when it comes."


def basis(report: Report) -> str:
    """What the total stands on, as one sentence."""
    total = report.total
    if total.score is None:
        return "No question counts towards a total yet."
    skipped = f", {total.skipped} of them skipped and counted as 0" if total.skipped else ""
    return f"Mean of {questions(total.counted)} out of {len(report.questions)}{skipped}."


def was_spoken(report: Report) -> bool:
    """Some of it was recorded."""
    turns = [*report.other_turns, *(turn for q in report.questions for turn in q.turns)]
    return any(turn.audio is not Audio.NONE for turn in turns)


def manners(conduct: Conduct) -> list[tuple[str, str]]:
    """What the interviewer did between the words: each figure by its name."""
    cut_in = f"{times(conduct.cut_offs)} while an answer went on" if conduct.cut_offs else "never"
    return [
        ("Pause before the interviewer spoke", within(conduct.wait) or "none"),
        ("Interviewer cut in", cut_in),
        ("Candidate spoke over the interviewer", _yielding(conduct.barge_in)),
        ("Both spoke at once", f"{conduct.talk_over_s:.1f} s in all"),
    ]


def times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def within(spread: Spread) -> str | None:
    """How long it took, and how often there was anything to take; None when never."""
    if spread.median_s is None or spread.p95_s is None:
        return None
    if spread.count == 1:
        return f"{spread.median_s:.1f} s (once)"
    most = "all" if spread.count < 20 else "95 of 100"
    return (
        f"half within {spread.median_s:.1f} s, {most} within {spread.p95_s:.1f} s"
        f" ({times(spread.count)})"
    )


def _yielding(barge_in: Spread) -> str:
    took = within(barge_in)
    return f"it fell silent: {took}" if took else "never"
