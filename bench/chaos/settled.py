"""Invariants I6 to I14 of one interview: what its parts agree on, and how it ended.

Each rule looks at one interview's story and yields what contradicts it, in ids, counts and times.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from bench.chaos import histories
from bench.chaos.evidence import Fault
from bench.chaos.story import Story, now
from contracts.interview import GradeState, InterviewStatus, Outage, Outcome, Snapshot

#: Events, rows and replies are timed by one machine's clock at different moments of one act.
JITTER: Final = timedelta(seconds=1)
#: A bot that lives says so each second; Temporal misses its heartbeat after 5 s.
ALIVE: Final = timedelta(seconds=15)
#: A part that is whole again needs a moment until callers and tasks find it.
AFTERMATH: Final = timedelta(seconds=10)

#: What moves on by itself is left out of a comparison.
_MOVES_ON: Final = {"as_of", "remaining"}


def disagreeing(story: Story) -> Iterator[str]:
    """I6: the database's state is the one replayed from the history and the one the API gives. An
    interview that goes on may have left the API's last word behind."""
    saved, told = story.saved, story.told
    replayed = (story.history and histories.result(story.history)) or story.live
    if story.history is not None and replayed is None:
        yield "the workflow cannot be asked"
    for name, other in (("history", replayed), ("workflow", story.live)):
        if other is not None and _lasting(other) != _lasting(story.saved):
            versions = f"{story.saved.state_version} and {other.state_version}"
            yield f"the row and the {name} differ, versions {versions}"
    if story.row["status"] != story.saved.status or (
        story.row["state_version"] != story.saved.state_version
    ):
        yield "the row's columns differ from its state"
    if told and (saved.status.ended or told["state_version"] >= saved.state_version):
        yield from _told_otherwise(saved, told)


def _lasting(state: Snapshot) -> dict[str, Any]:
    return state.model_dump(exclude=_MOVES_ON)


def _told_otherwise(saved: Snapshot, told: Mapping[str, Any]) -> Iterator[str]:
    progress = Counter(each.outcome.value for each in saved.questions)
    expected = {
        "status": saved.status.value,
        "state_version": saved.state_version,
        "revision": saved.cursor.revision,
        "epoch": saved.joined_epoch or saved.epoch,
        "report_version": saved.report_version,
        **{outcome.value: progress[outcome.value] for outcome in Outcome},
    }
    flat = {**told, **told.get("progress", {})}
    for name, value in expected.items():
        if name in flat and flat[name] != value:
            yield f"the API tells another {name} than the row"


def unsettled(story: Story) -> Iterator[str]:
    """I7: completed means settled: each answer that counts is graded or given up, the newest report
    is complete and later than the grades it tells of, and nothing goes on in Temporal."""
    if story.saved.status is not InterviewStatus.COMPLETED:
        return
    graded = {row["answer_id"]: row["created_at"] for row in reversed(story.rows["grades"])}
    for question in story.saved.questions:
        counts = question.question_id in story.counting()
        if counts and question.grade not in (GradeState.GRADED, GradeState.UNGRADED):
            yield f"the grade of answer {question.answer_id} is {question.grade}"
        if question.grade is GradeState.GRADED and question.answer_id not in graded:
            yield f"answer {question.answer_id} is called graded and has no grade"
    if story.running or story.pending:
        yield f"the workflow goes on, with {story.pending} open activities"
    yield from _report_unsettled(story, graded)


def _report_unsettled(story: Story, graded: Mapping[UUID, datetime]) -> Iterator[str]:
    versions = [report["version"] for report in story.rows["reports"]]
    if not versions or versions[-1] != story.saved.report_version:
        yield f"the state names report {story.saved.report_version}, the newest row is {versions}"
        return
    payload = story.rows["reports"][-1]["payload"]
    if not payload["complete"]:
        yield "the newest report is not complete"
    settled = {e.answer_id for e in story.saved.questions if e.grade is GradeState.GRADED}
    counted = [at for answer_id, at in graded.items() if answer_id in settled]
    if counted and max(counted) > datetime.fromisoformat(payload["built_at"]):
        yield "a grade that counts is newer than the newest report"
    served = story.evidence.reports.get(story.interview_id)
    if served is not None and served != payload:
        yield "the API gives another report than the newest row"


def misrecorded(story: Story) -> Iterator[str]:
    """I8: each update stands in the history once, each answer in one update; who tried again had a
    fault to blame; no workflow task failed by its code; the history is far from its limits."""
    if story.history is None:
        return
    ids = Counter(update.update_id for update in histories.accepted(story.history))
    answers = Counter(
        (each.question_id, each.revision) for each in histories.recorded(story.history)
    )
    for what, times in [*ids.items(), *answers.items()]:
        if times > 1:
            yield f"update {what} was accepted {times} times"
    for attempt in histories.attempts(story.history):
        if attempt.number > 1 and not _blamed(attempt, story.evidence.faults):
            yield f"{attempt.activity} took {attempt.number} attempts without a fault"
    if broken := histories.broken_tasks(story.history):
        yield f"{broken} workflow tasks failed by the workflow's code"
    if len(story.history.events) > histories.MOST_EVENTS // 10:
        yield f"{len(story.history.events)} events"
    if sum(ids.values()) > histories.MOST_UPDATES // 2:
        yield f"{sum(ids.values())} updates"


def _blamed(attempt: histories.Attempt, faults: Iterable[Fault]) -> bool:
    return any(
        fault.began_at <= attempt.started_at
        and (fault.healed_at is None or fault.healed_at + AFTERMATH >= attempt.scheduled_at)
        for fault in faults
    )


def misfiled(story: Story) -> Iterator[str]:
    """I9: every recording's row has its bytes, every file a row, and a complete recording is as
    long as what was heard in it, but for a second; that of the whole interview as its parts. A bot
    that died before its first block left no file, and its row says no length."""
    for row in story.rows["recordings"]:
        if not story.sizes[row["id"]] and (row["complete"] or row["duration_ms"]):
            yield f"recording {row['id']} has no bytes"
        if row["complete"]:
            heard = max(map(_heard_ms, _in_recording(story, row["id"])), default=0)
            if row["duration_ms"] + 1000 < heard:
                yield f"recording {row['id']} is {row['duration_ms']} ms, heard were {heard}"
        for ends in _parts_end(story, row["parts"] or ()):
            if row["duration_ms"] + 1000 < ends:
                yield f"recording {row['id']} is {row['duration_ms']} ms, a part ends at {ends}"
    if story.strays:
        yield f"{story.strays} recordings without a row"


def _parts_end(story: Story, parts: Iterable[Mapping[str, Any]]) -> Iterator[int]:
    """In milliseconds of the whole."""
    lasts = {str(row["id"]): row["duration_ms"] or 0 for row in story.rows["recordings"]}
    for part in parts:
        yield part["begins_ms"] + lasts.get(part["recording_id"], 0)


def _in_recording(story: Story, recording_id: UUID) -> list[Mapping[Any, Any]]:
    return [
        dict(turn)
        for turn in story.rows["turns"]
        if turn["recording_id"] == recording_id and turn["recording_offset_ms"] is not None
    ]


def _heard_ms(turn: Mapping[Any, Any]) -> int:
    lasted: timedelta = turn["ended_at"] - turn["started_at"]
    return int(turn["recording_offset_ms"] + lasted / timedelta(milliseconds=1))


def mistimed(story: Story) -> Iterator[str]:
    """I11: from one reply to the next the clock takes no more than the time that passed while it
    ran, nothing while it stood, and gives time back to a new bot, or at the word of the service's
    pulse, as much as faults took."""
    replies = list(histories.answered(story.history)) if story.history else []
    outage = sum((_length(fault) for fault in story.evidence.faults), timedelta())
    most = outage + story.start.candidate_loss_cap + JITTER
    told = list(histories.given_back(story.history)) if story.history else []
    for before, after in itertools.pairwise(replies):
        passed = after.state.as_of - before.state.as_of if before.state.clock_running else None
        taken = before.state.remaining - after.state.remaining
        if taken > (passed or timedelta()) + JITTER:
            yield f"the clock took {taken} where {passed or timedelta()} passed ({after.verb})"
        given = (passed or timedelta()) - taken
        due = [each for at, each in told if before.state.as_of <= at <= after.state.as_of]
        lost = sum((_lived(each, replies[0].state.as_of) for each in due), timedelta())
        at_most = most if after.verb in ("bot_ready", "join") else JITTER + lost
        if before.state.clock_running == after.state.clock_running and given > at_most:
            yield f"the clock gave {given} back ({after.verb})"
        if lost > outage + AFTERMATH:
            yield f"the pulse told of {lost} where faults took {outage}"


def _lived(outage: Outage, since: datetime) -> timedelta:
    """How much of it the interview has seen."""
    return max(timedelta(), outage.ended_at - max(outage.began_at, since))


def _length(fault: Fault) -> timedelta:
    return (fault.healed_at or now()) - fault.began_at


def exposed(story: Story) -> Iterator[str]:
    """I12, of one interview: no canary stands in its history."""
    for number, word in enumerate(story.evidence.canaries):
        if story.history is not None and histories.holds(story.history, word):
            yield f"canary {number} stands in the history"


def dead(story: Story) -> Iterator[str]:
    """I14, of one interview: it has ended, or it asks for the candidate: a question stands there,
    or it waits for them to come; a bot that is called live says so itself."""
    state = story.saved
    if story.history is None:
        yield "it has no workflow"
    if state.status is InterviewStatus.GRADING:
        yield "it is still being graded"
    if state.status is InterviewStatus.IN_PROGRESS and state.cursor.assessing:
        yield "its answer is still being looked at"
    alive_at = story.row["last_alive_at"]
    if state.live_epoch is not None and (alive_at is None or story.seen_at - alive_at > ALIVE):
        yield f"the bot of epoch {state.live_epoch} is called live and is not"
