"""Settings: where each comes from, and what a wrong one gets."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contracts.errors import SettingError
from data_folder import LOCK_FILE, STACK_FILE
from settings import Settings, load, origins

EXAMPLE = Path(__file__).parents[2] / ".env.example"
NO_FILE = Path("/nonexistent/.env")


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment that keeps to itself."""
    return {"DATA_DIR": str(tmp_path / "data")}


def origin_of(settings: Settings, name: str) -> str:
    return next(each.origin for each in origins(settings) if each.name == name)


def test_without_any_setting_the_product_runs_by_itself(home: dict[str, str]) -> None:
    settings = load(home, NO_FILE)

    assert settings.database_url is None
    assert settings.temporal_address is None
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.recordings_url == f"{home['DATA_DIR']}/recordings"
    assert settings.cors_allow_origins == ()


def test_the_environment_beats_the_file(home: dict[str, str], tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("PORT=9001\nPATIENCE_S=2\nHOST=\n")

    settings = load(home | {"PORT": "9002"}, env_file)

    assert (settings.port, settings.patience_s, settings.host) == (9002, 2.0, "127.0.0.1")
    assert origin_of(settings, "PORT") == "environment"
    assert origin_of(settings, "PATIENCE_S") == str(env_file)
    assert origin_of(settings, "HOST") == "default"


def test_a_secret_may_stand_in_its_own_file(home: dict[str, str], tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://me:hunter2@db/codevoice\n")

    settings = load(home | {"DATABASE_URL_FILE": str(secret)}, NO_FILE)

    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://me:hunter2@db/codevoice"
    assert origin_of(settings, "DATABASE_URL") == f"environment, in {secret}"


def test_a_secret_set_twice_is_refused(home: dict[str, str]) -> None:
    twice = {"SECRET_KEY": "x" * 32, "SECRET_KEY_FILE": "/run/key"}

    with pytest.raises(SettingError, match="SECRET_KEY_FILE is set as well"):
        load(home | twice, NO_FILE)


def test_no_secret_is_ever_shown(home: dict[str, str]) -> None:
    secrets = {
        "DATABASE_URL": "postgresql://me:hunter2@db/x",
        "SECRET_KEY": "s3cret" * 8,
        "ICE_SERVERS": "stun:a.example.org, turn:ada:hunter2@b.example.org",
    }

    settings = load(home | secrets, NO_FILE)

    shown = repr(settings) + repr(origins(settings))
    assert "hunter2" not in shown
    assert "s3cret" not in shown
    assert "stun:a.example.org, turn:ada:********@b.example.org" in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("DATABASE_URL", "mysql://root:hunter2@db/x"),
        ("TEMPORAL_ADDRESS", "http://temporal"),
        ("PUBLIC_URL", "interviews.example.org"),
        ("PUBLIC_URL", "https://example.org/path"),
        ("CORS_ALLOW_ORIGINS", "https://a.example.org, *"),
        ("ICE_SERVERS", "stun.example.org"),
        ("ICE_SERVERS", "stun:stun.example.org, turn:turn.example.org"),
        ("ICE_SERVERS", "turn:ada:hunter2@"),
        ("PATIENCE_S", "-1"),
        ("PATIENCE_S", "nan"),
        ("LOG_LEVEL", "LOUD"),
        ("SECRET_KEY", "hunter2"),
        ("SECRET_KEY_FILE", "/nonexistent"),
        ("DATA_DIR", "/proc/nowhere"),
        ("LOOPBACK_ICE", "perhaps"),
        ("CONVERSATION_SLOTS", "0"),
        ("LIVEKIT_URL", "https://livekit.example.org"),
        ("LIVEKIT_PUBLIC_URL", "livekit.example.org"),
        ("DEEPGRAM_URL", "wss://api.deepgram.com"),
        ("DEEPGRAM_VOICE", "aura helios"),
        ("OPENAI_BASE_URL", "127.0.0.1:11434"),
        ("OPENAI_MODEL", "gpt 4"),
        ("SPEECH_BASE_URL", "127.0.0.1:8880"),
        ("SPEECH_STT_MODEL", "whisper 1"),
        ("SPEECH_TTS_VOICE", "af heart"),
    ],
)
def test_a_wrong_value_is_named_with_its_remedy(
    home: dict[str, str], name: str, value: str
) -> None:
    with pytest.raises(SettingError) as told:
        load(home | {name: value}, NO_FILE)

    assert told.value.setting == name
    assert told.value.detail.startswith(f"{name}: ")
    assert told.value.remedy
    assert "\n" not in told.value.detail
    assert "hunter2" not in told.value.detail


SERVER = {"SPEECH_BASE_URL": "http://127.0.0.1:8880/v1"}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (SERVER, "SPEECH_BASE_URL"),
        (SERVER | {"SPEECH_TTS_MODEL": "kokoro"}, "SPEECH_TTS_VOICE"),
        (SERVER | {"SPEECH_TTS_VOICE": "af_heart"}, "SPEECH_TTS_MODEL"),
        ({"SPEECH_STT_MODEL": "whisper-1"}, "SPEECH_BASE_URL"),
        ({"SPEECH_TTS_MODEL": "kokoro", "SPEECH_TTS_VOICE": "af_heart"}, "SPEECH_BASE_URL"),
        (SERVER | {"SPEECH_STT_MODEL": "whisper-1", "DEEPGRAM_API_KEY": "x"}, "SPEECH_BASE_URL"),
        ({"OPENAI_API_KEY": "x", "KRUTRIM_API_KEY": "y"}, "KRUTRIM_API_KEY"),
        ({"LIVEKIT_URL": "ws://127.0.0.1:7880"}, "LIVEKIT_API_KEY"),
    ],
)
def test_settings_that_do_not_go_together_are_named_with_a_remedy(
    home: dict[str, str], given: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingError) as told:
        load(home | given, NO_FILE)

    assert told.value.setting == named
    assert told.value.remedy


def test_a_speech_server_may_hear_or_speak_or_both(home: dict[str, str]) -> None:
    hears = {"SPEECH_STT_MODEL": "Systran/faster-whisper-small"}
    speaks = {"SPEECH_TTS_MODEL": "kokoro", "SPEECH_TTS_VOICE": "af_bella(2)+af_sky(1)"}
    for given in (hears, speaks, hears | speaks):
        assert load(home | SERVER | given, NO_FILE).speech_base_url == SERVER["SPEECH_BASE_URL"]


def test_a_worker_with_a_wrong_setting_says_one_line_and_exits_with_2(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "worker", "--queues", "interviews"],
        env=os.environ | {"DATA_DIR": str(tmp_path), "PORT": "eighty"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert ended.stderr.startswith("codevoice: PORT: 'eighty'")
    assert ended.stderr.count("\n") == 1


def test_the_secret_key_is_made_once_for_all_processes(home: dict[str, str]) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = {
            each.secret_key.get_secret_value()
            for each in pool.map(lambda _: load(home, NO_FILE), range(8))
            if each.secret_key
        }

    kept = Path(home["DATA_DIR"]) / "secret_key"
    assert keys == {kept.read_text()}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [each.name for each in kept.parent.iterdir()] == ["secret_key"]


def test_names_that_are_no_settings_are_pointed_out(home: dict[str, str], tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("PATIENCE=2\n")

    warnings = load(home | {"CODEVOICE_PROT": "1", "PATH": "/bin"}, env_file).warnings

    assert list(warnings) == [
        "CODEVOICE_PROT in the environment is no setting; PORT is",
        f"PATIENCE in {env_file} is no setting; PATIENCE_S is",
    ]


def test_what_bench_and_tests_read_is_known_too(home: dict[str, str]) -> None:
    others = {"CODEVOICE_GRADED_ANSWERS": "graded.csv", "CODEVOICE_CHROMIUM": "/usr/bin/chromium"}

    assert load(home | others, NO_FILE).warnings == ()


@pytest.mark.parametrize("place", ["environment", "file of its own", ".env"])
def test_the_command_lines_key_is_a_secret_like_the_others(
    home: dict[str, str], tmp_path: Path, place: str
) -> None:
    key, env_file = tmp_path / "key", tmp_path / ".env"
    key.write_text("cv_hunter2\n")
    env_file.write_text("CODEVOICE_API_KEY=cv_hunter2\n" if place == ".env" else "")
    named = {
        "environment": {"CODEVOICE_API_KEY": "cv_hunter2"},
        "file of its own": {"CODEVOICE_API_KEY_FILE": str(key)},
        ".env": {},
    }[place]

    settings = load(home | named, env_file)

    assert settings.codevoice_api_key is not None
    assert settings.codevoice_api_key.get_secret_value() == "cv_hunter2"
    assert settings.warnings == ()
    assert "hunter2" not in repr(origins(settings))


def test_a_stopped_products_addresses_are_not_used(home: dict[str, str]) -> None:
    folder = Path(home["DATA_DIR"])
    folder.mkdir()
    (folder / LOCK_FILE).touch()
    (folder / STACK_FILE).write_text('{"TEMPORAL_ADDRESS": "127.0.0.1:7233"}')

    assert load(home, NO_FILE).temporal_address is None


def test_the_example_file_names_every_setting_with_its_default(home: dict[str, str]) -> None:
    written = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))

    assert list(written) == [name.upper() for name in Settings.model_fields]
    assert load(written | home, NO_FILE).model_dump() == load(home, NO_FILE).model_dump()


def test_the_example_file_changes_nothing_as_it_is(home: dict[str, str]) -> None:
    settings = load(home, EXAMPLE)

    assert settings.warnings == ()
    assert {each.origin for each in origins(settings)} <= {
        "default",
        "environment",
        f"made once, in {home['DATA_DIR']}/secret_key",
    }
