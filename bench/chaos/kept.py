"""Invariants I1 to I5: what the candidate was told, and what the rows say.

Each rule looks at one interview's story and yields what contradicts it, in ids, counts and times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from bench.chaos import histories
from bench.chaos.evidence import digest
from bench.chaos.story import Story

_ASKING: Final = ("question", "follow_up")


def lost(story: Story) -> Iterator[str]:
    """I1: what was acknowledged is there: the turn, every answer that must hold it, the workflow's
    own word of it; and every answer that the workflow knows is a row."""
    turns = {turn["id"]: turn for turn in story.rows["turns"]}
    answers = story.rows["answers"]
    standing = {each.question_id: each.revision for each in story.saved.questions}
    for entry in story.acknowledged():
        turn = turns.get(entry.answer_id)
        if turn is None or digest(turn["text"]) != entry.sha256:
            yield f"turn {entry.answer_id} was acknowledged and is not there"
            continue
        holding = [row for row in answers if _must_hold(row, turn)]
        if not holding:
            yield f"no answer to {entry.question_id} from revision {entry.revision} on"
        for row in holding:
            if turn["text"] not in row["text"]:
                yield f"answer {row['id']} lacks turn {entry.answer_id}"
        if entry.question_id and standing.get(entry.question_id, 0) < (entry.revision or 0):
            yield f"the state knows no revision {entry.revision} of {entry.question_id}"
    yield from _unwritten(story)


def _must_hold(answer: Mapping[Any, Any], turn: Mapping[Any, Any]) -> bool:
    same: bool = answer["question_id"] == turn["question_id"]
    return same and answer["revision"] >= turn["revision"]


def _unwritten(story: Story) -> Iterator[str]:
    written = {row["id"] for row in story.rows["answers"]}
    for answer in histories.recorded(story.history) if story.history else ():
        if answer.answer_id not in written:
            yield f"the history knows answer {answer.answer_id}, which is no row"


def invented(story: Story) -> Iterator[str]:
    """I2: every turn of an answer was sent, under this question and revision; an answer holds the
    turns of its question up to its revision and nothing else."""
    sent = {(each.sha256, each.question_id, each.revision) for each in story.given()}
    for turn in story.said():
        if sent and (digest(turn["text"]), turn["question_id"], turn["revision"]) not in sent:
            yield f"turn {turn['id']} was never sent under its question"
    for row in story.rows["answers"]:
        held = [turn["text"] for turn in story.said() if _held_by(turn, row)]
        if row["text"] != "\n".join(held):
            yield f"answer {row['id']} does not hold its {len(held)} turns"


def _held_by(turn: Mapping[Any, Any], answer: Mapping[Any, Any]) -> bool:
    return bool(
        turn["question_id"] == answer["question_id"]
        and turn["revision"] <= answer["revision"]
        and turn["number"] <= answer["last_turn"]
    )


def doubled(story: Story) -> Iterator[str]:
    """I3: one effect each: a turn per answer sent, a row per revision, a grade per answer and
    grader, a report per version that is never written over, an interview per start."""
    keys: dict[str, tuple[str, ...]] = {
        "answers": ("question_id", "revision"),
        "grades": ("question_id", "revision", "kind", "grader_version"),
        "reports": ("version",),
        "turns": ("number",),
    }
    for table, columns in keys.items():
        counted = Counter(tuple(row[each] for each in columns) for row in story.rows[table])
        for key, times in counted.items():
            if times > 1:
                yield f"{times} rows of {table} for {', '.join(map(str, key))}"
    yield from _said_twice(story)
    yield from _written_over(story)
    for twin in story.rows["twins"]:
        yield f"the same start made interview {twin['id']} too"


def _said_twice(story: Story) -> Iterator[str]:
    sent = {
        each.answer_id: (each.question_id, each.revision, each.sha256) for each in story.given()
    }
    once = Counter(sent.values())
    there = Counter(
        (turn["question_id"], turn["revision"], digest(turn["text"])) for turn in story.said()
    )
    for what, times in there.items():
        if what in once and times > once[what]:
            yield f"an answer to {what[0]}, revision {what[1]}, stands in {times} turns"


def _written_over(story: Story) -> Iterator[str]:
    """A report is built before its row is made."""
    for report in story.rows["reports"]:
        if datetime.fromisoformat(report["payload"]["built_at"]) > report["created_at"]:
            yield f"report {report['version']} was written over"
    versions = [report["version"] for report in story.rows["reports"]]
    if versions != list(range(1, len(versions) + 1)):
        yield f"report versions are {versions}"


def disordered(story: Story) -> Iterator[str]:
    """I4: questions are first asked in the order of the plan; what was answered had been asked.

    A prompt in writing is kept once, however often the candidate comes back to it, so "asked
    before" is all that an answer's place can say; a spoken one is said again.
    """
    place = {each.question_id: n for n, each in enumerate(story.start.questions)}
    asked: dict[UUID, int] = {}
    for turn in story.rows["turns"]:
        if turn["speaker"] == "interviewer" and turn["purpose"] in _ASKING:
            asked.setdefault(turn["question_id"], turn["number"])
    order = [place.get(each, -1) for each in asked]
    if order != sorted(order) or -1 in order:
        yield f"questions were first asked in the order {[each + 1 for each in order]}"
    for answered in {turn["question_id"] for turn in story.said()} - set(asked):
        yield f"question {answered} was answered and never asked"
    first = {turn["question_id"]: turn["number"] for turn in reversed(story.said())}
    for question_id, number in first.items():
        if asked.get(question_id, 0) > number:
            yield f"question {question_id} was answered before it was asked"


def interleaved(story: Story) -> Iterator[str]:
    """I5: once a newer bot is ready, no older one writes a turn, nor takes the fence back. In a
    room the next bot has the epoch of the one before it, and a higher attempt."""
    ready = histories.bots_ready(story.history) if story.history else {}
    for turn in story.rows["turns"]:
        later = [at for epoch, at in ready.items() if epoch > (turn["epoch"] or epoch)]
        if later and turn["created_at"] > min(later):
            yield f"turn {turn['id']} of epoch {turn['epoch']} came after a newer bot was ready"
    newest = histories.newest_fence(story.history) if story.history else (0, 0)
    standing = (story.row["fence_epoch"], story.row["fence_attempt"])
    if standing < newest:
        yield f"the fence is at {standing}, the newest bot at {newest}"
