"""What a report says is what code computed from the rows, and nothing is lost or invented."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.grades import Evidence, Flag, GradeKind, Verdict
from contracts.interview import Outcome
from contracts.questions import Question
from contracts.report import Audio, GradeRow, Outside, Report, ReportedQuestion
from contracts.turns import Speaker, TurnPurpose
from questions.loader import starter_bank
from reports import words
from reports.build import build_report
from reports.legible import legible
from tests.unit.reports.interviews import BEGIN, RECORDING, Told, graded

BANK = {question.slug: question for question in starter_bank()}
HASH = BANK["hash-table-lookup"]  # weights 2, 1, 2, 1
SEARCH = BANK["binary-search"]  # weights 2, 2, 2, 1
ACID = BANK["transaction-acid"]  # weights 2, 1, 2, 2
E = GradeKind.EMBEDDED
ALL, HALF, NO = Verdict.COVERED, Verdict.PARTIAL, Verdict.MISSED


def test_the_total_is_the_mean_of_the_counted_questions() -> None:
    told = Told()
    told.answer(HASH, ["a"], [ALL, NO, ALL, NO])  # 4 of 6
    told.answer(SEARCH, ["b"], [ALL, ALL, NO, NO])  # 4 of 7
    report = build_report(told.inputs())
    assert report.questions[0].score == pytest.approx(10 * 4 / 6)
    assert report.questions[1].score == pytest.approx(10 * 4 / 7)
    assert report.total.score == pytest.approx((10 * 4 / 6 + 10 * 4 / 7) / 2)
    assert (report.total.counted, report.total.skipped, report.total.outside) == (2, 0, ())


def test_questions_count_by_their_weight() -> None:
    told = Told()
    told.answer(HASH, ["a"], [ALL] * 4, weight=3)
    told.answer(SEARCH, ["b"], [NO] * 4, weight=1)
    assert build_report(told.inputs()).total.score == pytest.approx(7.5)


def test_a_skipped_question_counts_nought() -> None:
    told = Told()
    told.answer(HASH, ["a"], [ALL] * 4)
    told.plan(SEARCH, Outcome.SKIPPED)
    report = build_report(told.inputs())
    assert report.questions[1].score == 0
    assert report.total.score == pytest.approx(5)
    assert report.total.skipped == 1


def test_cut_off_unasked_and_ungraded_questions_are_named_and_left_out() -> None:
    told = Told()
    told.answer(HASH, ["a"], [ALL] * 4)
    told.answer(SEARCH, ["b"], [HALF] * 4, outcome=Outcome.INTERRUPTED)
    told.answer(ACID, ["c"], None)
    told.plan(BANK["mvcc"], Outcome.UNASKED)
    report = build_report(told.inputs(complete=False))
    assert report.total.score == pytest.approx(10)
    assert [(one.position, one.why) for one in report.total.outside] == [
        (2, Outside.INTERRUPTED),
        (3, Outside.UNGRADED),
        (4, Outside.UNASKED),
    ]
    assert report.questions[1].score == pytest.approx(5), "a cut-off answer is graded and shown"
    assert [q.score for q in report.questions[2:]] == [None, None]


def test_without_a_counted_question_there_is_no_total() -> None:
    told = Told()
    told.answer(HASH, ["a"], None)
    report = build_report(told.inputs(complete=False))
    assert report.total.score is None
    assert report.topics[0].score is None


def test_topics_have_their_own_mean_in_the_order_they_came_up() -> None:
    told = Told()
    told.answer(SEARCH, ["a"], [ALL] * 4)
    told.answer(HASH, ["b"], [ALL] * 4)
    told.plan(BANK["big-o-meaning"], Outcome.SKIPPED)
    topics = build_report(told.inputs()).topics
    assert [(t.topic, t.score, t.counted, t.planned) for t in topics] == [
        ("Algorithms", 5.0, 2, 2),
        ("Data structures", 10.0, 1, 1),
    ]


def test_key_points_are_counted_by_verdict() -> None:
    told = Told()
    told.answer(HASH, ["a"], [ALL, HALF, NO, Verdict.CONTRADICTED])
    told.plan(SEARCH, Outcome.UNASKED)
    coverage = build_report(told.inputs()).total.coverage
    assert coverage.model_dump() == {
        "covered": 1,
        "partial": 1,
        "missed": 1,
        "contradicted": 1,
        "unassessed": 4,
    }


verdicts = st.lists(st.sampled_from([ALL, HALF, NO, Verdict.CONTRADICTED]), min_size=4, max_size=4)
asked = st.tuples(
    st.sampled_from([HASH, SEARCH, ACID]),
    st.sampled_from(list(Outcome)),
    st.one_of(st.none(), verdicts),
    st.floats(0.1, 10),
)


@settings(max_examples=60)
@given(st.lists(asked, min_size=1, max_size=6))
def test_whatever_happened_the_sums_hold(
    plan: list[tuple[Question, Outcome, list[Verdict] | None, float]],
) -> None:
    told = Told()
    for question, outcome, found, weight in plan:
        if outcome in (Outcome.ANSWERED, Outcome.INTERRUPTED):
            told.answer(question, ["said"], found, outcome=outcome, weight=weight)
        else:
            told.plan(question, outcome, weight=weight)
    report = build_report(told.inputs())
    total = report.total
    assert total.counted + len(total.outside) == len(plan)
    assert (total.score is None) == (total.counted == 0)
    scores = [q.score for q in report.questions if q.counted and q.score is not None]
    assert len(scores) == total.counted, "what counts has a score"
    if total.score is not None:
        assert min(scores) - 1e-9 <= total.score <= max(scores) + 1e-9
    assert sum(topic.counted for topic in report.topics) == total.counted
    assert Report.model_validate(json.loads(report.model_dump_json())) == report


def test_the_most_trusted_grade_of_this_revision_counts() -> None:
    told = Told()
    answer_id = told.answer(HASH, ["a"], [NO] * 4)
    later = told.grades[0].made_at + timedelta(hours=1)
    for kind, verdict in ((GradeKind.LLM, HALF), (GradeKind.EMBEDDED, ALL)):
        grade = graded(HASH, "a", [verdict] * 4, kind=kind)
        told.grades.append(GradeRow(answer_id=answer_id, made_at=later, grade=grade))
    superseded = graded(HASH, "old", [ALL] * 4, kind=GradeKind.HUMAN)
    told.grades.append(GradeRow(answer_id=UUID(int=9), made_at=later, grade=superseded))
    (question,) = build_report(told.inputs()).questions
    assert question.score == pytest.approx(5)
    assert question.grader is not None
    assert (question.grader.kind, question.grader.indicative) == (GradeKind.LLM, False)


def beside_a_language_model(told: Told) -> ReportedQuestion:
    inputs = told.inputs().model_copy(update={"counts": GradeKind.LLM})
    (question,) = build_report(inputs).questions
    return question


def test_where_a_language_model_grades_the_embedded_grade_stands_beside() -> None:
    told = Told()
    answer_id = told.answer(HASH, ["a"], [ALL, ALL, ALL, NO])
    question = beside_a_language_model(told)
    assert (question.score, question.outside, question.grader) == (None, Outside.UNGRADED, None)
    assert [point.verdict for point in question.points] == [None] * 4
    assert question.beside is not None
    assert (question.beside.grader.kind, question.beside.grader.indicative) == (E, True)
    assert (question.beside.covered, question.beside.points) == (3, 4)
    assert words.beside(question) == (
        "Beside it and not counted: embedded grader, indicative, 8.3 of 10,"
        " 3 of 4 key points covered."
    )

    grade = graded(HASH, "a", [HALF] * 4, kind=GradeKind.LLM)
    told.grades.append(GradeRow(answer_id=answer_id, made_at=BEGIN, grade=grade))
    question = beside_a_language_model(told)
    assert question.score == pytest.approx(5)
    assert question.outside is None
    assert question.beside is not None
    assert question.beside.grader.kind is E


def test_an_answer_that_was_settled_before_the_model_was_set_keeps_its_grade() -> None:
    told = Told()
    answer_id = told.answer(HASH, ["a"], [ALL, ALL, ALL, NO])
    told.rows = [row.model_copy(update={"graded": True}) for row in told.rows]
    question = beside_a_language_model(told)
    assert (question.outside, question.beside) == (None, None)
    assert question.grader is not None
    assert (question.grader.kind, question.grader.indicative) == (E, True)

    grade = graded(HASH, "a", [HALF] * 4, kind=GradeKind.LLM)
    told.grades.append(GradeRow(answer_id=answer_id, made_at=BEGIN, grade=grade))
    question = beside_a_language_model(told)
    assert question.score == pytest.approx(5)
    assert question.beside is not None


def test_without_a_language_model_nothing_stands_beside() -> None:
    told = Told()
    told.answer(HASH, ["a"], [ALL] * 4)
    (question,) = build_report(told.inputs()).questions
    assert question.beside is None
    assert words.beside(question) is None


def test_embedded_grades_make_the_report_indicative() -> None:
    told = Told()
    told.answer(HASH, ["a"], [ALL] * 4, flags=(Flag.KEYWORD_LIST,))
    report = build_report(told.inputs())
    assert report.indicative
    assert report.questions[0].flags == (Flag.KEYWORD_LIST,)
    human = Told()
    human.answer(HASH, ["a"], [ALL] * 4, kind=GradeKind.HUMAN)
    assert not build_report(human.inputs()).indicative


def test_a_quote_names_the_turn_in_which_it_was_said() -> None:
    told = Told()
    told.answer(HASH, ["It hashes the key.", "Then it compares.", "Then it compares."], [ALL] * 4)
    points = build_report(told.inputs()).questions[0].points
    quotes = [point.quote for point in points if point.quote]
    assert [quote.text for quote in quotes][:2] == ["It hashes the key.", "Then it compares."]
    turns = {turn.number: turn for turn in told.turns}
    for quote in quotes:
        assert quote.turn_number is not None
        said = turns[quote.turn_number]
        assert quote.text in said.text
        assert quote.offset_s == pytest.approx((said.started_at - BEGIN).total_seconds(), abs=0.001)


def test_equal_words_are_quoted_from_the_turn_that_the_span_points_to() -> None:
    told = Told()
    answer_id = told.answer(HASH, ["yes", "yes"], None)
    second = Evidence(start=4, end=7, text="yes")
    grade = graded(HASH, "yes\nyes", [ALL] * 4)
    point = grade.points[0].model_copy(update={"evidence": second})
    grade = grade.model_copy(update={"points": (point, *grade.points[1:])})
    told.grades.append(GradeRow(answer_id=answer_id, made_at=BEGIN, grade=grade))
    quote = build_report(told.inputs()).questions[0].points[0].quote
    assert quote is not None
    assert quote.turn_number == told.turns[-1].number


def test_a_quote_that_was_never_said_is_not_shown() -> None:
    told = Told()
    told.answer(HASH, ["It hashes the key."], [ALL] * 4)
    row = told.rows[0].model_copy(update={"answer_text": "Something else was said."})
    told.rows[0] = row
    points = build_report(told.inputs()).questions[0].points
    assert [point.quote for point in points] == [None] * 4
    assert points[0].verdict is ALL


def test_turns_stand_with_their_question_and_the_others_apart() -> None:
    told = Told()
    told.say(Speaker.INTERVIEWER, TurnPurpose.GREETING, "System online.")
    told.answer(HASH, ["It hashes."], [ALL] * 4, raw="it  hashes.")
    told.answer(SEARCH, ["It halves."], [ALL] * 4, raw="it has", typed=True)
    report = build_report(told.inputs())
    assert [turn.text for turn in report.other_turns] == ["System online."]
    first, second = (q.turns[1] for q in report.questions)
    assert (first.text, first.raw_text) == ("It hashes.", "it  hashes.")
    assert (second.raw_text, second.audio) == ("it has", Audio.NONE)
    assert first.audio is Audio.WHOLE
    assert report.started_at == BEGIN


def test_what_was_heard_is_shown_only_where_it_differs() -> None:
    told = Told()
    told.answer(HASH, ["It hashes."], [ALL] * 4, raw=" It  hashes. ")
    assert build_report(told.inputs()).questions[0].turns[1].raw_text is None


def test_an_incomplete_recording_is_told() -> None:
    told = Told()
    told.answer(HASH, ["It hashes."], [ALL] * 4)
    inputs = told.inputs().model_copy(update={"incomplete_recordings": frozenset({RECORDING})})
    turns = build_report(inputs).questions[0].turns
    assert {turn.audio for turn in turns} == {Audio.INCOMPLETE}


def test_it_names_what_produced_it() -> None:
    told = Told()
    told.answer(HASH, ["a"], [ALL] * 4)
    made = build_report(told.inputs()).produced_by
    assert made.app_version == "0.1.0"
    assert [grader.version for grader in made.graders] == ["embedded 1"]
    assert made.questions == ("hash-table-lookup@1",)
    assert made.parts == {"interviewer": "scripted", "speech to text": "embedded"}


@settings(max_examples=100)
@given(st.text(st.characters(), max_size=60))
def test_legible_text_can_be_stored_and_stays_as_it_is(text: str) -> None:
    clean = legible(text)
    assert legible(clean) == clean
    assert "\x00" not in clean
    assert clean.encode("utf-8").decode("utf-8") == clean


def test_legible_keeps_scripts_and_joiners_and_drops_what_hides() -> None:
    assert legible("a\r\nb\rc\td") == "a\nb\nc\td"
    assert legible("नमस्ते 你好 👩‍👩‍👧 é") == "नमस्ते 你好 👩‍👩‍👧 é"
    assert legible("a\x00b\ud800c\u202ed\ufeffe\uffff\ue000") == "abcde"
