"""Invariants I1 and I3 of what was spoken: each answer has a word that no other has.

What the recogniser makes of a sentence is nobody's promise, and a sentence that was under way when
the bot died may be there or not. One after which the interviewer went on was taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from bench.chaos.evidence import Told
from bench.chaos.story import Story


def lost(story: Story) -> Iterator[str]:
    """I1: an answer after which the interviewer went on stands in a turn of its question, and in
    the answer that counts."""
    newest = _newest(story)
    for entry in story.spoken():
        if entry.outcome is not Told.OK:
            continue
        under = {turn["question_id"] for turn in story.said() if _holds(turn, entry.word)}
        if not under:
            yield f"spoken answer {entry.answer_id} was taken and stands in no turn"
        elif under != {entry.question_id}:
            yield f"spoken answer {entry.answer_id} stands under another question"
        answer = newest.get(entry.question_id)
        if answer is None or not _holds(answer, entry.word):
            yield f"spoken answer {entry.answer_id} is not in the answer that counts"


def doubled(story: Story) -> Iterator[str]:
    """I3: what was said once stands once at most, in the turns and in the answers that count."""
    for entry in story.spoken():
        for what, rows in (("turns", story.said()), ("answers", _newest(story).values())):
            times = sum(row["text"].lower().count(entry.word) for row in rows)
            if times > 1:
                yield f"spoken answer {entry.answer_id} stands {times} times in the {what}"


def _newest(story: Story) -> dict[UUID | None, Mapping[Any, Any]]:
    """The answer that counts, by question."""
    rows = sorted(story.rows["answers"], key=lambda row: row["revision"])
    return {row["question_id"]: dict(row) for row in rows}


def _holds(row: Mapping[Any, Any], word: str | None) -> bool:
    return word is not None and word in row["text"].lower()
