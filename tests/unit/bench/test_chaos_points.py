"""Crash points: what they are called, when they fire, and that none is left out."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from bench.chaos.hooks import request_name, statement_name
from bench.chaos.points import FOLDER_VARIABLE, Fuse, Order, Side
from bench.chaos.steps import in_order, step_of
from bench.chaos.trials import again, plan, plan_spoken

PASSES = """
from bench.chaos.points import Points
import time
points = Points.from_environment("child")
for _ in range(3):
    points.before("a"); points.done("a"); points.after("a")
    print("passed", flush=True)
time.sleep(0.5)
"""


def passes(folder: Path) -> subprocess.CompletedProcess[str]:
    """A process that passes the point `a` three times."""
    return subprocess.run(
        [sys.executable, "-c", PASSES],
        env={FOLDER_VARIABLE: str(folder), "PATH": ""},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("side", "passing", "passed"), [("before", 1, 0), ("before", 3, 2), ("done", 2, 1)]
)
def test_a_process_kills_itself_at_the_armed_passing_and_leaves_a_mark(
    tmp_path: Path, side: str, passing: int, passed: int
) -> None:
    fuse, order = Fuse(tmp_path), Order(id=uuid4(), point="a", side=Side(side), passing=passing)
    fuse.arm(order)

    ended = passes(tmp_path)

    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert ended.stdout.count("passed") == passed
    mark = fuse.mark(order)
    assert mark is not None
    assert mark.process == "child"


def test_after_means_that_it_has_gone_on(tmp_path: Path) -> None:
    Fuse(tmp_path).arm(Order(id=uuid4(), point="a", side=Side.AFTER, passing=1))

    ended = passes(tmp_path)

    assert (ended.returncode, ended.stdout.count("passed")) == (-signal.SIGKILL, 3)


def test_an_order_kills_one_process_alone(tmp_path: Path) -> None:
    Fuse(tmp_path).arm(Order(id=uuid4(), point="a", side=Side.BEFORE))

    assert passes(tmp_path).returncode == -signal.SIGKILL
    assert passes(tmp_path).returncode == 0


def test_passings_are_written_down_while_somebody_records(tmp_path: Path) -> None:
    fuse = Fuse(tmp_path)
    fuse.record()
    assert passes(tmp_path).returncode == 0
    fuse.disarm()
    assert passes(tmp_path).returncode == 0

    assert fuse.passed() == [("a", "child")] * 3


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("SELECT 1", None),
        ("SELECT id FROM answers WHERE id = :id FOR UPDATE", None),
        ("INSERT INTO consents (id) VALUES (1) ON CONFLICT DO UPDATE SET id = 1",
         "sql.insert.consents"),
        ("WITH seat AS (UPDATE interviews SET turn_count = 1), turn AS (INSERT INTO turns (id)"
         " SELECT 1), event AS (INSERT INTO interview_events (id) SELECT 1) SELECT 1",
         "sql.insert.turns"),
        ("WITH saved AS (UPDATE interviews\n  SET status = 1), event AS (INSERT INTO"
         " interview_events (id) SELECT 1) SELECT 1", "sql.update.interviews.status"),
        ("DELETE FROM idempotency_keys WHERE true", "sql.delete.idempotency_keys"),
    ],
)  # fmt: skip
def test_a_statement_is_named_by_what_it_writes(statement: str, name: str | None) -> None:
    assert statement_name(statement) == name


def test_a_request_is_named_by_its_verb() -> None:
    assert request_name("/api/v1/interviews") == "http.start"
    assert request_name("/api/v1/interviews/0193/answers") == "http.answers"


def test_a_plan_cut_short_has_been_at_every_point() -> None:
    points = {"a": 1, "b": 7, "c": 2}

    trials = plan(points, random.Random(3), per_side=2)

    orders = [each.order for each in trials if each.order is not None]
    assert {each.point for each in orders[:3]} == set(points)
    assert {(each.point, each.side) for each in orders[:9]} == {
        (point, side) for point in points for side in Side
    }
    assert len(orders) == 2 * 3 * 3
    assert all(1 <= each.passing <= points[each.point] for each in orders)


def test_the_same_seed_makes_the_same_plan() -> None:
    def drawn() -> list[tuple[object, ...]]:
        trials = plan({"a": 5, "b": 5}, random.Random(8), per_side=1)
        return [
            (each.order and (each.order.point, each.order.side, each.order.passing), each.strikes)
            for each in trials
        ]

    assert drawn() == drawn()


def test_a_trial_that_missed_its_point_is_tried_at_the_first_passing() -> None:
    (trial, *_) = plan({"a": 9}, random.Random(1), per_side=1)

    repeated = again(trial)

    assert trial.order is not None
    assert repeated.order is not None
    assert (repeated.order.passing, repeated.tried) == (1, 2)
    assert repeated.order.id != trial.order.id


@pytest.mark.parametrize(
    ("point", "step"),
    [
        ("sql.update.interviews.workflow_started_at", "start"),
        ("http.answers", "answer"),
        ("sql.update.answers.sealed_at", "grade"),
        ("update.go_back", "skip and back"),
        ("activity.build_report", "report"),
        ("room.create", "room"),
        ("activity.close_room", "room"),
        ("token.candidate", "token"),
        ("socket.finalize", "providers"),
        ("sql.delete.something", "housekeeping"),
    ],
)
def test_every_point_belongs_to_a_step(point: str, step: str) -> None:
    assert step_of(point) == step


def test_a_sample_of_spoken_trials_comes_to_no_point_twice_before_it_was_at_all() -> None:
    points = {"file.recording": 9, "update.bot_ready": 1, "sql.insert.turns.candidate": 2}
    trials = plan_spoken(points, random.Random(3), 9)
    assert all(trial.spoken for trial in trials)
    orders = [trial.order for trial in trials if trial.order is not None]
    assert len(orders) == 6
    assert {order.point for order in orders[:3]} == set(points)
    assert all(order.passing <= points[order.point] for order in orders)
    assert all(len(trial.strikes) == 1 for trial in trials if trial.order is None)


RECORDS = """
import fsspec, sys
from bench.chaos.hooks import listen_to_files
from bench.chaos.points import Points
listen_to_files(Points.from_environment("child"))
with {opened} as file:
    for block in (b"header", b"sound"):
        file.write(block)
"""


OPENED = (
    'fsspec.open(sys.argv[1], "wb")',
    'fsspec.filesystem("file").open(sys.argv[1], "wb")',
)


@pytest.mark.parametrize("opened", OPENED)
def test_a_recorder_is_killed_between_its_blocks(tmp_path: Path, opened: str) -> None:
    Fuse(tmp_path).arm(Order(id=uuid4(), point="file.recording", side=Side.BEFORE, passing=2))
    place = tmp_path / "recording.wav"
    ended = subprocess.run(
        [sys.executable, "-c", RECORDS.format(opened=opened), str(place)],
        env={FOLDER_VARIABLE: str(tmp_path), "PATH": ""},
        cwd=Path(__file__).parents[3],
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    assert b"sound" not in place.read_bytes()


def test_steps_come_in_the_order_of_an_interview() -> None:
    assert in_order(["report", "any moment", "bot, by voice", "answer", "start"]) == [
        "start",
        "bot, by voice",
        "answer",
        "report",
        "any moment",
    ]


def test_in_rooms_every_fault_comes_once_before_one_comes_again() -> None:
    trials = plan_spoken({"room.create": 1}, random.Random(3), 26, in_room=True)
    assert all(trial.spoken and trial.in_room for trial in trials)
    struck = [f"{each.kind} {each.part}" for trial in trials for each in trial.strikes]
    assert len(set(struck)) == len(struck) == 13
    assert {"kill livekit", "deaf Deepgram", "silent language model", "withheld webhooks"} <= set(
        struck
    )


OPENS_A_ROOM = """
import asyncio
from uuid import UUID
from bench.chaos.outer_hooks import listen_outside
from bench.chaos.points import Points
listen_outside(Points.from_environment("child"), {"LIVEKIT_URL": "ws://127.0.0.1:9"})
from livekit_rooms import LiveKitRooms
rooms = LiveKitRooms("ws://127.0.0.1:9", "", "key", "s" * 43)
rooms.candidates_pass(UUID(int=1), 1, 1)
print("token", flush=True)
asyncio.run(rooms.standing())
"""


def test_a_token_is_a_point_and_a_look_is_none(tmp_path: Path) -> None:
    fuse = Fuse(tmp_path)
    fuse.record()
    ran = subprocess.run(
        [sys.executable, "-c", OPENS_A_ROOM],
        env={FOLDER_VARIABLE: str(tmp_path), "PATH": ""},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Unavailable" in ran.stderr, ran.stderr
    assert fuse.passed() == [("token.candidate", "child")]
