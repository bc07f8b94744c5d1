from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import InvalidInput
from grading.embedded import EmbeddedGrader
from grading.evaluate import Agreement, evaluate
from grading.graded_answers import Layout, key_points, read_graded_answers

QUEUE = "What is a queue?"
HEAP = "What does a binary heap keep true?"
TREE = "How deep is a balanced tree?"
MOHLER_ROWS: list[dict[str, Any]] = [
    {
        "id": f"{question_id}.{index}",
        "question_id": question_id,
        "question": question,
        "desired_answer": desired,
        "student_answer": answer,
        "score_grader1": mark,
        "score_grader2": max(0, mark - index % 2),
        "score_avg": mark - (index % 2) / 2 if mark else 0,
        "open_ended": 1,
    }
    for question_id, question, desired, answers in [
        (
            "11.1",
            QUEUE,
            "Elements leave in the order in which they arrived.",
            [
                ("The first one to arrive leaves first, in order of arrival.", 5),
                ("It lets the oldest element out.", 4),
                ("Something with memory", 1),
            ],
        ),
        (
            "11.10",
            HEAP,
            "Every parent is at most as large as its children, so the smallest is the root.",
            [
                ("A parent is never larger than its children and the root is smallest.", 5),
                ("The smallest element is the root.", 3),
                ("I don't know", 0),
            ],
        ),
        (
            "12.1",
            TREE,
            "Its depth grows with the logarithm of the number of nodes.",
            [
                ("The depth is logarithmic in the number of nodes.", 5),
                ("Not very deep, it grows slowly as you add nodes.", 3),
                ("It depends on the weather", 0),
            ],
        ),
    ]
    for index, (answer, mark) in enumerate(answers)
]
SAF_ROWS: list[dict[str, Any]] = [
    {
        "id": row["id"],
        "question_id": "2.1",
        "split": "training",
        "question": row["question"],
        "reference_answer": row["desired_answer"],
        "student_answer": row["student_answer"],
        "score": row["score_avg"] / 5,
        "verification": "Partially correct",
        "feedback": "",
    }
    for row in MOHLER_ROWS
]


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def mohler(tmp_path: Path) -> Path:
    return _write(tmp_path / "mohler.csv", MOHLER_ROWS)


@pytest.fixture
def saf(tmp_path: Path) -> Path:
    return _write(tmp_path / "saf.csv", SAF_ROWS)


async def test_agreement_with_two_graders_a_mean_and_by_question(
    grader: EmbeddedGrader, mohler: Path
) -> None:
    agreement = await evaluate(mohler, grader)
    assert (agreement.layout, agreement.scale, agreement.step) == ("mohler", 5.0, 1.0)
    assert (agreement.answers, agreement.questions) == (9, 3)
    assert agreement.grader_version == grader.version
    assert agreement.raw.r.value is not None
    assert agreement.raw.r.value > 0.7
    assert agreement.raw.r.low is not None
    assert agreement.people is not None
    assert agreement.people.rmse.value == pytest.approx(0.577, abs=0.001)
    assert len(agreement.grader_to_mean) == 2
    assert [q.question_id for q in agreement.by_question] == ["11.1", "11.10", "12.1"]
    assert 0 < agreement.latency.p50_ms <= agreement.latency.p95_ms


async def test_a_file_with_one_mark_has_no_figures_between_people(
    grader: EmbeddedGrader, saf: Path
) -> None:
    agreement = await evaluate(saf, grader)
    assert (agreement.layout, agreement.scale) == ("saf", 1.0)
    assert agreement.people is None
    assert agreement.grader_to_mean == ()
    assert agreement.raw.rmse.value is not None
    assert agreement.raw.rmse.value < 0.5


async def test_a_question_with_many_answers_has_intervals_of_its_own(
    grader: EmbeddedGrader, tmp_path: Path
) -> None:
    many = [row for row in MOHLER_ROWS if row["question_id"] == "11.1"] * 4
    few = [row for row in MOHLER_ROWS if row["question_id"] != "11.1"]
    agreement = await evaluate(_write(tmp_path / "mohler.csv", [*many, *few]), grader)
    of = {each.question_id: each.figures.rmse for each in agreement.by_question}
    low, value, high = of["11.1"].low, of["11.1"].value, of["11.1"].high
    assert low is not None and value is not None and high is not None
    assert low <= value <= high
    assert of["12.1"].low is None


async def test_agreement_survives_json_and_comes_as_a_table(
    grader: EmbeddedGrader, mohler: Path
) -> None:
    agreement = await evaluate(mohler, grader)
    assert Agreement.model_validate(json.loads(agreement.model_dump_json())) == agreement
    rows = agreement.rows()
    assert {len(row) for row in rows} == {7}
    assert [row[0] for row in rows[1:4]] == ["raw", "calibrated", "grader and grader"]
    assert rows[-1][0] == "question 12.1"


def test_question_ids_are_text(mohler: Path) -> None:
    data = read_graded_answers(mohler)
    assert {answer.question_id for answer in data.answers} == {"11.1", "11.10", "12.1"}


def test_questions_that_share_an_id_are_told_apart(saf: Path) -> None:
    data = read_graded_answers(saf)
    assert data.layout is Layout.SAF
    assert {answer.question_id for answer in data.answers} == {"2.1", "2.1 (2)", "2.1 (3)"}


def test_rows_that_ask_for_a_choice_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [{**row, "open_ended": 0} if row["question"] == TREE else row for row in MOHLER_ROWS]
    data = read_graded_answers(_write(tmp_path / "mohler.csv", rows))
    assert (len(data.answers), data.left_out) == (6, 3)


def test_a_reference_becomes_key_points_by_sentence_and_list_entry() -> None:
    reference = (
        "Slow start:\n- the window doubles each round trip.\n- It ends at the threshold.\n"
        "\n• Then it grows by one segment; losses halve it.\nUsed in TCP."
    )
    assert [point.text for point in key_points(reference)] == [
        "Slow start: the window doubles each round trip.",
        "It ends at the threshold.",
        "Then it grows by one segment;",
        "losses halve it.",
        "Used in TCP.",
    ]
    assert [point.text for point in key_points("push")] == ["push"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score_avg": "good"}, "line 3: score_avg is not a number from 0 to 5"),
        ({"score_avg": "nan"}, "line 3: score_avg is not a number"),
        ({"score_grader2": 7}, "line 3: score_grader2 is not a number from 0 to 5"),
        ({"question_id": " "}, "line 3: question_id is empty"),
    ],
)
def test_a_bad_cell_is_named_by_line_and_column(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    rows = [MOHLER_ROWS[0], {**MOHLER_ROWS[1], **change}]
    with pytest.raises(InvalidInput, match=message) as refusal:
        read_graded_answers(_write(tmp_path / "bad.csv", rows))
    assert refusal.value.field == next(iter(change))


def test_a_question_without_a_reference_is_refused(tmp_path: Path) -> None:
    rows = [{**MOHLER_ROWS[0], "desired_answer": " "}]
    with pytest.raises(InvalidInput, match="line 2: desired_answer is empty"):
        read_graded_answers(_write(tmp_path / "bad.csv", rows))


@pytest.mark.parametrize("column", ["question", "question_id", "student_answer", "score_grader2"])
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    rows = [{name: value for name, value in MOHLER_ROWS[0].items() if name != column}]
    with pytest.raises(InvalidInput, match=f"line 1: no column {column}") as refusal:
        read_graded_answers(_write(tmp_path / "bad.csv", rows))
    assert refusal.value.field == column


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: no column desired_answer with score_avg or reference_answer with score"),
        (b"a,b\n1,2\n", "line 1: no column"),
        (b"\xff\xfe\x00", "bad.csv is not UTF-8 text"),
        (b"question_id,question,reference_answer,student_answer,score\n1,Q\n", "line 2: no ref"),
        (
            b"question_id,question,reference_answer,student_answer,score\n1,Q,R r,a,1,2\n",
            "line 2: more fields than columns",
        ),
        (
            b"question_id,question,reference_answer,student_answer,score\n",
            "the file holds no graded answer",
        ),
        (b'question_id,question,reference_answer,student_answer,score\n"1', "not a CSV file"),
    ],
)
def test_a_file_that_is_something_else_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=message):
        read_graded_answers(path)


def test_a_file_that_cannot_be_opened_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"^cannot read absent.csv: No such file"):
        read_graded_answers(tmp_path / "absent.csv")
