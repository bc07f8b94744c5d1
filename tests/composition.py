"""docker-compose.yml and the Dockerfile as Compose and the builder read them, without an engine."""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

ROOT: Final = Path(__file__).parents[1]
COMPOSE_FILE: Final = ROOT / "docker-compose.yml"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Missing(Exception):
    """`${NAME:?why}` and NAME is not set: Compose refuses the file with these words."""


@dataclass(frozen=True)
class Composition:
    """The file with variables filled in and anchors merged."""

    services: dict[str, dict[str, Any]]
    configs: dict[str, str]
    volumes: frozenset[str]

    def ours(self) -> dict[str, dict[str, Any]]:
        """The services that run the image built here."""
        return {name: each for name, each in self.services.items() if "build" in each}

    def environment(self, name: str) -> dict[str, str]:
        """What a service's process finds, its image's own left out."""
        return {
            key: str(value) for key, value in self.services[name].get("environment", {}).items()
        }


def composition(variables: Mapping[str, str]) -> Composition:
    """As `docker compose` reads it with these in `.env`. Raises Missing."""
    read: dict[str, Any] = YAML(typ="safe").load(COMPOSE_FILE.read_text())
    filled = _filled({key: read[key] for key in ("services", "configs", "volumes")}, variables)
    return Composition(
        services=filled["services"],
        configs={name: each["content"] for name, each in filled["configs"].items()},
        volumes=frozenset(filled["volumes"]),
    )


def variables_of(text: str) -> set[str]:
    """The names that Compose fills in; `$$` is a dollar for the container's own shell."""
    return set(re.findall(r"(?<!\$)\$\{(\w+)", text))


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return interpolated(value, variables)
    if isinstance(value, list):
        return [_filled(each, variables) for each in value]
    if isinstance(value, dict):
        return {key: _filled(each, variables) for key, each in value.items()}
    return value


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """`${NAME}`, `${NAME:-default}`, `${NAME:+instead}`, `${NAME:?why}`, nested; `$$` is `$`."""
    filled, at = "", 0
    while (dollar := text.find("$", at)) >= 0:
        filled += text[at:dollar]
        if text[dollar + 1 : dollar + 2] == "$":
            filled, at = filled + "$", dollar + 2
            continue
        assert text[dollar + 1 : dollar + 2] == "{", f"a lone $ in {text!r}"
        end = _closing(text, dollar + 2)
        filled += _value(text[dollar + 2 : end], variables)
        at = end + 1
    return filled + text[at:]


def _closing(text: str, at: int) -> int:
    depth = 1
    for place in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place
    raise AssertionError(f"no closing brace in {text!r}")


def _value(inside: str, variables: Mapping[str, str]) -> str:
    found = _NAME.match(inside)
    assert found, inside
    value, rest = variables.get(found.group(), ""), inside[found.end() :]
    operator, word = rest[:2], rest[2:]
    assert operator in ("", ":-", ":+", ":?"), inside
    if operator == ":+":
        return interpolated(word, variables) if value else ""
    if operator == ":-" and not value:
        return interpolated(word, variables)
    if operator == ":?" and not value:
        raise Missing(f"{found.group()}: {word}")
    return value


# ---------------------------------------------------------------------------- the image


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, in their order, with continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    split = (line.strip().partition(" ") for line in lines if line.strip())
    return [(word, rest.strip()) for word, _, rest in split]


def last_stage() -> list[tuple[str, str]]:
    found = instructions()
    begins = max(number for number, (word, _) in enumerate(found) if word == "FROM")
    return found[begins:]


def image_environment() -> dict[str, str]:
    words = [shlex.split(rest) for word, rest in last_stage() if word == "ENV"]
    return dict(each.split("=", 1) for line in words for each in line)


def image_healthcheck() -> list[str]:
    """The command that the image's health is asked with."""
    (line,) = (rest for word, rest in last_stage() if word == "HEALTHCHECK")
    command: list[str] = json.loads(line[line.index("[") :])
    return command


def is_sent(name: str) -> bool:
    """Whether the builder gets this file: the last rule of .dockerignore that fits decides."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        rule = line.strip()
        if rule and not rule.startswith("#"):
            kept = rule.startswith("!")
            if _fits(rule.removeprefix("!"), name):
                sent = kept
    return sent


def _fits(pattern: str, name: str) -> bool:
    """A pattern fits a file, or a folder that the file is in; `**/` stands for any depth."""
    parts = name.split("/")
    paths = ["/".join(parts[: length + 1]) for length in range(len(parts))]
    if pattern.startswith("**/"):
        return any(fnmatch.fnmatchcase(part, pattern.removeprefix("**/")) for part in parts)
    same_depth = pattern.count("/")
    return any(
        path.count("/") == same_depth and fnmatch.fnmatchcase(path, pattern) for path in paths
    )
