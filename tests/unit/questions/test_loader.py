"""Question files load whole or not at all, and every fault is named by file and line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import InvalidBank
from contracts.questions import Difficulty
from questions.export import to_csv, to_json, to_yaml
from questions.loader import check, load, starter_bank
from questions.problems import Problem, Weight

GOOD = """\
topic: Databases
questions:
  - slug: index-purpose
    difficulty: EASY
    time_limit: 2m30s
    prompt: What does an index do?
    rephrased: Why would you add an index to a table?
    key_points:
      - id: avoid-scan
        weight: 2
        text: It lets the database find rows without scanning the whole table.
        follow_up: What happens when there is none?
      - id: slower-writes
        text: Every write must also maintain it.
    model_answer: It lets the database find rows without scanning the whole table. Every write must
      also maintain it.
    key_terms: [database]
"""


def problems_of(text: str) -> list[str]:
    return [str(problem) for problem in check(text)]


def test_a_good_text_loads_with_every_field() -> None:
    (question,) = load(GOOD)
    assert question.topic == "Databases"
    assert question.difficulty is Difficulty.EASY
    assert question.time_limit == timedelta(minutes=2, seconds=30)
    assert [point.weight for point in question.key_points] == [2, 1]
    assert question.key_points[1].follow_up is None
    assert check(GOOD) == ()


@pytest.mark.parametrize(
    ("change", "into", "expected"),
    [
        ("difficulty: EASY", "difficulty: EASIER", "text:4: 'difficulty': input should be"),
        ("time_limit: 2m30s", "time_limit: soon", "text:5: 'time_limit' must be a duration"),
        ("time_limit: 2m30s", "time_limit: 2h", "text:5: 'time_limit' must be a duration"),
        ("time_limit: 2m30s", "time_limit: 3s", "text:5: 'time_limit' must be between"),
        ("time_limit: 2m30s", "time_limit: ''", "text:5: 'time_limit' must be a duration"),
        ("rephrased:", "rewritten:", "text:7: unknown field 'rewritten'"),
        ("rephrased:", "rewritten:", "text:3: field 'rephrased' is missing"),
        ("topic: Databases", "subject: x", "text:1: unknown field 'subject'"),
        ("topic: Databases", "version: 1", "text:3: field 'topic' is missing"),
        (
            "weight: 2",
            "weight: -2",
            "text:10: 'key_points.1.weight': input should be greater than 0",
        ),
        (
            "weight: 2",
            "weight: heavy",
            "text:10: 'key_points.1.weight': input should be a valid num",
        ),
        ("weight: 2", "weigth: 2", "text:10: unknown field 'key_points.1.weigth'"),
        ("id: slower-writes", "id: avoid-scan", "text:13: key point 'avoid-scan' stands twice"),
        (
            "    key_terms:",
            "    prompt: Again?\n    key_terms:",
            "text:17: field 'prompt' stands twice",
        ),
        (
            "What happens when there is none?",
            "Does it spare scanning the whole table?",
            "text:12: the follow-up gives its key point 'avoid-scan' away",
        ),
        (
            "[database]",
            "[database, null]",
            "text:17: 'key_terms.2': input should be a valid string",
        ),
        ('"', "", ""),
    ],
)
def test_a_fault_is_named_with_its_line(change: str, into: str, expected: str) -> None:
    found = problems_of(GOOD.replace(change, into))
    assert any(line.startswith(expected) for line in found) or not (expected or found), found


def test_all_faults_are_listed_at_once() -> None:
    broken = GOOD.replace("EASY", "EASIER").replace("weight: 2", "weight: 0").replace("2m30s", "x")
    with pytest.raises(InvalidBank) as caught:
        load(broken)
    lines = caught.value.detail.splitlines()
    assert [line.split(":")[1] for line in lines] == ["4", "5", "10"]


def test_a_slug_used_twice_names_both_places() -> None:
    entry = GOOD.split("questions:\n")[1]
    assert problems_of(GOOD + entry) == ["text:18: slug 'index-purpose' is taken at text:3"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("questions: [1, 2", "text:1: not YAML: expected ',' or ']'"),
        ("", "text:1: the file must be a mapping"),
        ("- a\n- b", "text:1: the file must be a mapping"),
        ("topic: x\nquestions: many", "text:2: 'questions' must be a list"),
        ("topic: x\nquestions: []", "text:2: 'questions' must be a list"),
        ("topic: x\nquestions:\n  - one", "text:3: a question must be a mapping"),
        ("a: &x 1\nb: *x", "text:2: aliases are not used"),
        ("topic: x\nquestions: \x00", "text:2: not YAML: a forbidden character"),
        ("[" * 100_000, "text:1: not YAML"),
        ("x" * 4_000_001, "text:1: the file is larger"),
    ],
)
def test_what_is_not_a_bank_is_told_in_one_line(text: str, expected: str) -> None:
    found = problems_of(text)
    assert any(line.startswith(expected) for line in found), found
    with pytest.raises(InvalidBank):
        load(text)


def test_control_characters_are_refused() -> None:
    bad = to_json(load(GOOD)).replace("What does", "What \\u0000 does")
    assert [problem.text for problem in check(bad)] == ["a text holds a control character"]


@settings(max_examples=150)
@given(st.text(max_size=200))
def test_no_text_at_all_raises_anything_but_invalid_bank(text: str) -> None:
    with pytest.raises(InvalidBank):
        load(text)


@settings(max_examples=150)
@given(st.integers(0, len(GOOD)), st.integers(0, 40), st.text(max_size=6))
def test_a_damaged_file_loads_or_is_refused(at: int, cut: int, put: str) -> None:
    try:
        load(GOOD[:at] + put + GOOD[at + cut :])
    except InvalidBank as refused:
        assert all(line.startswith("text:") for line in refused.detail.splitlines())


def test_a_folder_is_loaded_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(GOOD.replace("index-purpose", "other"))
    assert [question.slug for question in load(tmp_path)] == ["index-purpose", "other"]
    (tmp_path / "b.yaml").write_text(GOOD)
    with pytest.raises(InvalidBank, match=r"b\.yaml:3: slug 'index-purpose' is taken at a\.yaml:3"):
        load(tmp_path)


def test_unreadable_files_are_problems_too(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("topic: Für".encode("latin-1"))
    assert problems_text(latin) == ["latin.yaml:1: the file is not UTF-8"]
    assert problems_text(tmp_path / "gone.yaml") == [
        "gone.yaml:1: cannot be read: No such file or directory"
    ]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert problems_text(empty) == ["empty:1: the folder has no .yaml file"]


def problems_text(path: Path) -> list[str]:
    return [str(problem) for problem in check(path)]


def test_advice_does_not_refuse_a_bank() -> None:
    text = GOOD.replace("What does an index do?", "What does SQL do with `x`?")
    (problem,) = check(text)
    assert problem == Problem(
        "text", 6, "prompt: '`' cannot be read aloud; write it as a word", Weight.ADVICE
    )
    assert str(problem) == f"text:6: advice: {problem.text}"
    assert len(load(text)) == 1


def test_advice_names_spelling_gaps_and_stray_terms() -> None:
    text = GOOD.replace("an index do?", "an SQL index do?").replace("[database]", "[Kafka]")
    text = text.replace("Every write must\n      also maintain it.", "")
    told = " | ".join(problems_of(text))
    assert "to have it spelled write 'S Q L'" in told
    assert "the model answer does not cover key point 'slower-writes'" in told
    assert "key term 'Kafka' occurs nowhere" in told


def test_exports_load_back_unchanged(tmp_path: Path) -> None:
    bank = starter_bank()
    assert load(to_yaml(bank)) == bank
    assert load(to_json(bank)) == bank
    sheet = tmp_path / "bank.csv"
    sheet.write_text(to_csv(bank), encoding="utf-8")
    assert load(sheet) == bank


@pytest.mark.parametrize(
    ("change", "into", "expected"),
    [
        ("EASY", "SIMPLE", "sheet.csv:2: 'difficulty'"),
        ("avoid-scan", "Avoid Scan", "sheet.csv:2: 'key_points.1.id'"),
        ("slower-writes", "avoid-scan", "sheet.csv:3: key point 'avoid-scan' stands twice"),
        ("point_text", "point_words", "sheet.csv:1: column 'point_text' is missing"),
        (",1.0,", ",1.0,,,", "sheet.csv:3: more cells than columns"),
        ("index-purpose", "", "sheet.csv:2: a key point stands before the first slug"),
    ],
)
def test_a_fault_in_a_sheet_is_named_with_its_line(
    tmp_path: Path, change: str, into: str, expected: str
) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(to_csv(load(GOOD)).replace(change, into))
    found = problems_text(sheet)
    assert any(line.startswith(expected) for line in found), found
