"""The judge of the kill experiment is silent on sound interviews and finds what is planted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4, uuid5

import pytest
from sqlalchemy import text
from temporalio.client import Client

from bench.chaos.evidence import Entry, Evidence, Told
from bench.chaos.invariants import check
from contracts.conduct import Part
from contracts.grades import Grade
from contracts.interview import Fence, RecordAnswer
from contracts.questions import Question
from db.store import Store
from tests.builders import a_turn, an_interview
from tests.integration.hasty import HastySession
from tests.integration.test_api.service import WordGrader
from tests.integration.trial import CANARY, Trial, trial_of
from tests.replay.changed import ChangedSession
from tests.replay.rehearsal import local_temporal
from workflows.interview_client import workflow_id
from workflows.interview_session import InterviewSession


@pytest.fixture(scope="module")
async def temporal() -> AsyncIterator[Client]:
    async with local_temporal() as client:
        yield client


async def whole(trial: Trial) -> Trial:
    """A follow-up, a pause, an answer, and to the end."""
    await trial.open()
    await trial.answer("I have only ever used it.")
    await trial.answer("The bucket, then.")
    await trial.call("pause")
    await trial.call("resume")
    await trial.finish()
    return trial


async def finds(invariant: str, evidence: Evidence) -> None:
    violations = await check(evidence, quiet=timedelta(seconds=0.5))
    assert invariant in {each.invariant for each in violations}, violations
    assert not [each for each in violations if CANARY in each.detail], "a text was told"


# ---------------------------------------------------------------- silence


async def test_a_sound_interview_breaks_nothing(trial: Trial) -> None:
    assert await check(await (await whole(trial)).evidence()) == []


async def test_ways_back_skips_and_repeats_break_nothing(trial: Trial) -> None:
    await trial.open(3)
    first = await trial.answer("bucket and collision.")
    await trial.send(first)
    await trial.question()
    await trial.call("back")
    await trial.answer("bucket once more, and collision.")
    await trial.question()
    await trial.call("skip")
    await trial.call("finish")
    await trial.reaches("completed")
    assert await check(await trial.evidence()) == []


async def test_kills_that_the_product_survives_break_nothing(trial: Trial) -> None:
    await trial.open()
    trial.api.loses = "INSERT INTO turns"
    await trial.answer("I have only ever used it.")
    trial.api.loses = "INSERT INTO answers"
    await trial.answer("The bucket, then.")
    await trial.question()
    trial.worker.loses = "INSERT INTO grades"
    await trial.answer("bucket and collision.")
    await trial.worker.died.wait()
    await trial.kill_worker()
    await trial.finish()
    assert len(trial.faults) == 3
    assert await check(await trial.evidence()) == []


async def test_an_interview_that_waits_for_its_candidate_breaks_nothing(trial: Trial) -> None:
    await trial.open()
    await trial.answer("I have only ever used it.")
    await trial.question()
    assert await check(await trial.evidence()) == []


# ---------------------------------------------------------------- rows

COPY_TURN = """
    INSERT INTO turns (id, interview_id, number, question_id, revision, speaker, kind, purpose,
        text, started_at, ended_at, interrupted)
    SELECT gen_random_uuid(), interview_id, number + 100, question_id, revision, speaker, kind,
        purpose, {text}, started_at, ended_at, interrupted
    FROM turns WHERE speaker = 'candidate' ORDER BY number LIMIT 1
"""
COPY_INTERVIEW = """
    INSERT INTO interviews (id, organisation_id, candidate_id, status, state_version, snapshot,
        start, expires_at, patience_s, report_to_candidate)
    SELECT gen_random_uuid(), organisation_id, candidate_id, status, state_version, snapshot,
        start, expires_at, patience_s, report_to_candidate FROM interviews
"""
COPY_GRADE = """
    INSERT INTO grades (id, answer_id, interview_id, question_id, revision, kind, grader_version,
        score, grade)
    SELECT gen_random_uuid(), answer_id, interview_id, question_id, revision, kind, 'words',
        score, grade FROM grades LIMIT 1
"""
KEY_OF_GRADES = (
    "SELECT conname FROM pg_constraint WHERE conrelid='grades'::regclass AND contype='u'"
)
LATER = "UPDATE turns SET number = number + 500 WHERE speaker = 'interviewer'"


@pytest.mark.parametrize(
    ("invariant", "planted"),
    [
        ("I1", "DELETE FROM turns WHERE speaker = 'candidate'"),
        ("I1", "UPDATE turns SET text = 'x' WHERE speaker = 'candidate'"),
        ("I1", "DELETE FROM answers WHERE revision = 1"),
        ("I1", "UPDATE answers SET text = '' WHERE revision = 2"),
        ("I2", COPY_TURN.format(text="'never sent'")),
        ("I2", "UPDATE answers SET text = text || ' and more'"),
        ("I2", "UPDATE turns SET revision = 7 WHERE speaker = 'candidate'"),
        ("I3", COPY_TURN.format(text="text")),
        ("I3", COPY_INTERVIEW),
        ("I3", "UPDATE reports SET created_at = created_at - interval '1 minute'"),
        ("I3", "UPDATE reports SET version = version + 1"),
        ("I4", f"{LATER} AND number = (SELECT min(number) FROM turns)"),
        ("I4", "DELETE FROM turns WHERE speaker = 'interviewer'"),
        ("I6", "UPDATE interviews SET status = 'grading'"),
        ("I6", "UPDATE interviews SET snapshot = jsonb_set(snapshot, '{report_version}', '7')"),
        ("I7", "DELETE FROM grades"),
        ("I7", "DELETE FROM reports"),
        ("I7", "UPDATE reports SET payload = jsonb_set(payload, '{complete}', 'false')"),
        ("I7", "UPDATE grades SET created_at = created_at + interval '1 minute'"),
    ],
)
async def test_a_wrong_row_is_found(trial: Trial, invariant: str, planted: str) -> None:
    evidence = await (await whole(trial)).evidence()
    assert await trial.judge.database.run(text(planted)) > 0
    await finds(invariant, evidence)


async def test_a_second_grade_is_found(trial: Trial) -> None:
    evidence = await (await whole(trial)).evidence()
    database = trial.judge.database
    key = await database.row(text(KEY_OF_GRADES))
    assert key is not None
    await database.run(text(f'ALTER TABLE grades DROP CONSTRAINT "{key["conname"]}"'))
    await database.run(text(COPY_GRADE))
    await finds("I3", evidence)


async def test_an_interview_without_a_row_is_found(trial: Trial) -> None:
    evidence = await (await whole(trial)).evidence()
    await finds("I1", replace(evidence, interviews=(uuid4(),)))


async def test_another_state_or_report_told_by_the_api_is_found(trial: Trial) -> None:
    evidence = await (await whole(trial)).evidence()
    here = trial.interview_id
    told = {**evidence.statuses[here], "state_version": 1}
    await finds("I6", replace(evidence, statuses={here: told}))
    await finds("I7", replace(evidence, reports={here: {"version": 1}}))


# ---------------------------------------------------------------- histories


async def test_a_turn_of_an_older_bot_is_found(trial: Trial) -> None:
    await trial.open()
    for _ in "12":
        await trial.join_by_voice()
    interview = await trial.judge.interviews.get(trial.interview_id)
    late = a_turn(interview, "too late", question=0)
    await trial.judge.turns.add(late, Fence(epoch=1))
    await finds("I5", await trial.evidence())


async def test_an_answer_under_two_updates_is_found(trial: Trial) -> None:
    await trial.open()
    await trial.answer("bucket and collision.")
    (row,) = await trial.judge.answers.of_interview(trial.interview_id)
    handle = trial.temporal.get_workflow_handle(workflow_id(trial.interview_id))
    again = RecordAnswer(question_id=row.question_id, revision=1, answer_id=row.id)
    await handle.execute_update(InterviewSession.record_answer, again, id="another")
    await finds("I8", await trial.evidence())


async def test_an_attempt_that_no_fault_explains_is_found(trial: Trial) -> None:
    await trial.open(1)
    await trial.answer("I have only ever used it.")
    await trial.question()
    trial.worker.loses = "INSERT INTO grades"
    await trial.answer("The bucket, then.")
    await trial.worker.died.wait()
    await trial.kill_worker()
    await trial.finish()
    evidence = await trial.evidence()
    assert await check(evidence) == []
    await finds("I8", replace(evidence, faults=()))


async def test_a_history_that_does_not_replay_is_found(
    database_url: str, temporal: Client, store: Store
) -> None:
    async with trial_of(database_url, temporal, store, workflow=ChangedSession) as trial:
        await finds("I8", await (await whole(trial)).evidence())


async def test_time_that_was_taken_twice_is_found(
    database_url: str, temporal: Client, store: Store
) -> None:
    async with trial_of(database_url, temporal, store, workflow=HastySession) as trial:
        await finds("I11", await (await whole(trial)).evidence())


async def test_a_word_in_a_history_is_found(trial: Trial) -> None:
    await trial.open()
    handle = trial.temporal.get_workflow_handle(workflow_id(trial.interview_id))
    await handle.signal("told", f"the {CANARY} said")
    await finds("I12", await trial.evidence())


# ---------------------------------------------------------------- traces and files


async def test_a_word_in_a_log_is_found(trial: Trial, tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text(f"WARNING the {CANARY} said")
    evidence = await (await whole(trial)).evidence(traces=(log,))
    await finds("I12", evidence)


RECORDING = text(
    "INSERT INTO recordings (id, interview_id, url, started_at, duration_ms, complete)"
    " VALUES (:id, :interview_id, :url, now(), :duration_ms, true)"
)


async def recorded(trial: Trial, folder: Path, content: bytes | None) -> Evidence:
    evidence = await (await whole(trial)).evidence(recordings_url=str(folder))
    place = folder / str(trial.interview_id) / f"{uuid4()}.wav"
    place.parent.mkdir()
    if content is not None:
        place.write_bytes(content)
    values = {"id": uuid4(), "interview_id": trial.interview_id, "url": str(place)}
    await trial.judge.database.run(RECORDING, {**values, "duration_ms": 1000})
    return evidence


async def test_a_recording_with_its_file_breaks_nothing(trial: Trial, tmp_path: Path) -> None:
    assert await check(await recorded(trial, tmp_path, b"sound")) == []


@pytest.mark.parametrize("content", [None, b""])
async def test_a_recording_without_bytes_is_found(
    trial: Trial, tmp_path: Path, content: bytes | None
) -> None:
    await finds("I9", await recorded(trial, tmp_path, content))


async def test_a_file_without_a_row_is_found(trial: Trial, tmp_path: Path) -> None:
    evidence = await recorded(trial, tmp_path, b"sound")
    (tmp_path / str(trial.interview_id) / "stray.wav").write_bytes(b"sound")
    await finds("I9", evidence)


async def test_a_recording_shorter_than_what_was_heard_is_found(
    trial: Trial, tmp_path: Path
) -> None:
    evidence = await recorded(trial, tmp_path, b"sound")
    (recording,) = await trial.judge.recordings.of_interview(trial.interview_id)
    heard = "UPDATE turns SET recording_id = :id, recording_offset_ms = 9000"
    await trial.judge.database.run(text(heard), {"id": recording.id})
    await finds("I9", evidence)


async def test_a_whole_recording_that_lacks_a_part_is_found(trial: Trial, tmp_path: Path) -> None:
    evidence = await recorded(trial, tmp_path, b"sound")
    (recording,) = await trial.judge.recordings.of_interview(trial.interview_id)
    place = Path(recording.url).with_name("whole.flac")
    place.write_bytes(b"sound")

    async def joined(duration_ms: int) -> None:
        await trial.judge.recordings.put_whole(
            uuid5(trial.interview_id, "whole"),
            trial.interview_id,
            str(place),
            recording.started_at,
            duration_ms=duration_ms,
            complete=True,
            parts=(Part(recording_id=recording.id, begins_ms=2000),),
        )

    await joined(3000)
    assert await check(evidence) == []
    await joined(1500)
    await finds("I9", evidence)


# ---------------------------------------------------------------- alive, and not vacuous


async def test_an_interview_without_a_workflow_is_found(trial: Trial) -> None:
    evidence = await (await whole(trial)).evidence()
    left = await an_interview(trial.judge)
    await finds("I14", replace(evidence, interviews=(left.id,)))


class SilentGrader(WordGrader):
    async def grade(self, question: Question, answer: str) -> Grade:
        never: asyncio.Future[Grade] = asyncio.Future()
        return await never


async def test_an_interview_that_stays_ungraded_is_found(
    database_url: str, temporal: Client, store: Store
) -> None:
    async with trial_of(database_url, temporal, store, grader=SilentGrader()) as trial:
        await trial.open(1)
        await trial.answer("bucket and collision.")
        await trial.reaches("grading")
        await finds("I14", await trial.evidence())


def call(trial: Trial, outcome: Told, **changes: Any) -> Entry:
    now = datetime.now(UTC) + timedelta(minutes=1)
    return Entry(trial.interview_id, "pause", outcome, now, now, **changes)


async def test_a_last_call_that_goes_wrong_is_found(trial: Trial) -> None:
    evidence = await (await whole(trial)).evidence()
    unheard = (*evidence.ledger, call(trial, Told.UNKNOWN))
    await finds("I14", replace(evidence, ledger=unheard))
    refused = replace(evidence, ledger=(*evidence.ledger, call(trial, Told.FAIL)))
    assert await check(refused) == [], "it had ended"
    await finds("I14", replace(refused, statuses={}))


async def test_a_run_that_was_refused_all_along_is_found(trial: Trial) -> None:
    evidence = await (await whole(trial)).evidence()
    await finds("I15", replace(evidence, ledger=()))
    refused = tuple(call(trial, Told.FAIL) for _ in range(5))
    await finds("I15", replace(evidence, ledger=(*evidence.ledger, *refused)))
