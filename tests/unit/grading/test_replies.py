"""Replies that are believed to be verdicts, and those that are not."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.grades import Verdict
from grading.prompting import SCHEMA
from grading.replies import MOST_CHARACTERS, Judged, Unusable, Verdicts, is_english, read_verdicts
from tests.fakes.graders import judged, reply

IDS = ("bucket", "collision")
POINTS = [judged("collision", "missed", None), judged("bucket", "covered", "a bucket")]


def test_verdicts_are_read_in_whatever_order_and_wrapping() -> None:
    text = f"Here you are:\n```json\n{reply(POINTS)}\n```"
    found = {point.id: point.verdict for point in read_verdicts(text, IDS).points}
    assert found == {"bucket": Verdict.COVERED, "collision": Verdict.MISSED}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "{}",
        "[]",
        "Full marks!",
        reply(POINTS)[:-20],
        reply(POINTS, score=10),
        reply(POINTS, off_topic="no"),
        reply(POINTS[:1]),
        reply([*POINTS, judged("other", "missed", None)]),
        reply([*POINTS, POINTS[0]]),
        reply([POINTS[0] | {"verdict": "excellent"}, POINTS[1]]),
        reply([POINTS[0] | {"credit": 1}, POINTS[1]]),
        reply([{k: v for k, v in POINTS[0].items() if k != "evidence"}, POINTS[1]]),
        reply(POINTS, feedback="word " * (MOST_CHARACTERS // 5)),
        reply(POINTS, feedback="Vous avez bien expliqué, mais il manque la gestion des clés."),
        reply(POINTS, feedback="答案很好，但是没有提到冲突是怎么处理的。"),
    ],
)
def test_anything_else_is_unusable(text: str) -> None:
    with pytest.raises(Unusable) as told:
        read_verdicts(text, IDS)
    assert "Vous" not in str(told.value)


def test_the_schema_that_is_sent_asks_for_what_is_read() -> None:
    whole = SCHEMA["schema"]
    point = whole["properties"]["points"]["items"]
    wanted: list[tuple[dict[str, Any], Any]] = [(whole, Verdicts), (point, Judged)]
    for schema, model in wanted:
        assert set(schema["properties"]) == set(model.model_fields) == set(schema["required"])
        assert schema["additionalProperties"] is False
    assert point["properties"]["verdict"]["enum"] == [each.value for each in Verdict]
    assert SCHEMA["strict"] is True


@pytest.mark.parametrize(
    "text",
    [
        "Great answer covering hashing, buckets, resizing. Consider mentioning load factor limits.",
        "Names LIFO order. Not stated.",
        "You explained the bucket well. Please think about collisions next time.",
    ],
)
def test_terse_and_technical_english_is_english(text: str) -> None:
    assert is_english(text)


@pytest.mark.parametrize(
    "text",
    [
        "Gut erklärt, aber die Behandlung von Kollisionen fehlt in der Antwort.",
        "Has explicado bien el cubo, pero falta hablar de las colisiones.",
        "Aapne accha samjhaya lekin collisions ke baare mein nahi bataya.",
        "आपने अच्छा समझाया लेकिन टकराव का उल्लेख नहीं किया।",
    ],
)
def test_other_languages_are_told_apart(text: str) -> None:
    assert not is_english(text)
