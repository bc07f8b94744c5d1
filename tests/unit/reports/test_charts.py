"""Charts are plain pictures that say in words what they show."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.grades import Verdict
from contracts.interview import Outcome
from contracts.report import Report
from questions.loader import starter_bank
from reports.build import build_report
from reports.charts import charts
from tests.unit.reports.interviews import Told

BANK = {question.slug: question for question in starter_bank()}
SVG = "{http://www.w3.org/2000/svg}"


def report(*topics: str) -> Report:
    told = Told()
    covered = [Verdict.COVERED, Verdict.PARTIAL, Verdict.MISSED, Verdict.CONTRADICTED]
    for topic in topics:
        question = BANK["hash-table-lookup"].model_copy(update={"topic": topic})
        told.answer(question, ["a"], covered)
    told.plan(BANK["mvcc"], Outcome.UNASKED)
    told.plan(BANK["generators"], Outcome.SKIPPED)
    told.answer(BANK["binary-search"], ["b"], covered, outcome=Outcome.INTERRUPTED)
    return build_report(told.inputs())


def words_of(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text")]


def test_each_has_a_name_and_says_everything_in_words() -> None:
    topics, questions, coverage = charts(report("Trees", "Graphs"))
    assert (
        topics.alt == "Mean score out of 10 for each topic: Trees 4.2; Graphs 4.2; Databases –; "
        "Python 0.0; Algorithms –."
    )
    assert "question 3 – (not asked); question 4 0.0 (skipped, counts 0)" in questions.alt
    assert "question 5 4.3 (cut off, outside the total)" in questions.alt
    assert "Trees: 1 covered, 1 partly covered, 1 missed, 1 contradicted" in coverage.alt
    for chart in (topics, questions, coverage):
        root = ET.fromstring(chart.svg)
        assert root.get("role") == "img"
        labelled = (root.get("aria-labelledby") or "").split()
        found = {each.get("id"): each.text for each in root if each.get("id")}
        assert [found[name] for name in labelled] == [chart.title, chart.alt]


def test_the_picture_shows_the_values_and_the_labels() -> None:
    topics, questions, coverage = charts(report("Trees", "Graphs"))
    assert {"Trees", "Graphs", "4.2", "0.0", "10"} <= set(words_of(topics.svg))
    assert {"3. Databases", "not asked", "0.0 (skipped)"} <= set(words_of(questions.svg))
    assert {"in the total", "outside the total"} <= set(words_of(questions.svg))
    assert {"covered", "partly covered", "missed", "contradicted"} <= set(words_of(coverage.svg))


def test_there_is_neither_script_nor_style_nor_anything_from_elsewhere() -> None:
    for chart in charts(report("Trees", "Graphs")):
        root = ET.fromstring(chart.svg)
        tags = {element.tag.removeprefix(SVG) for element in root.iter()}
        assert tags <= {"svg", "title", "desc", "g", "rect", "path", "text"}
        names = {name for element in root.iter() for name in element.attrib}
        assert not names & {"style", "class", "href", "onclick", "onload"}
        assert "http" not in chart.svg.replace("http://www.w3.org/2000/svg", "")


def test_equal_reports_give_equal_bytes() -> None:
    assert charts(report("Trees", "Graphs")) == charts(report("Trees", "Graphs"))


def test_nothing_is_drawn_of_nothing() -> None:
    told = Told()
    told.plan(BANK["mvcc"], Outcome.UNASKED)
    assert charts(build_report(told.inputs())) == ()


def test_one_topic_alone_is_compared_with_nothing() -> None:
    told = Told()
    told.answer(BANK["binary-search"], ["b"], [Verdict.COVERED] * 4)
    assert [chart.name for chart in charts(build_report(told.inputs()))] == [
        "questions",
        "coverage",
    ]


@settings(max_examples=60)
@given(st.text(min_size=2, max_size=60))
def test_any_topic_can_be_drawn(topic: str) -> None:
    for chart in charts(report(topic, "Graphs")):
        ET.fromstring(chart.svg)
