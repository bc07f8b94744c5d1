"""What the documents say is so."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import typer.main

from cli import app

ROOT = Path(__file__).parents[2]
TRACKED = subprocess.run(
    ["git", "ls-files", "-co", "--exclude-standard"],
    cwd=ROOT, capture_output=True, text=True, check=True,
).stdout.split()  # fmt: skip
PAGES = [ROOT / name for name in TRACKED if name.endswith(".md")]
MAKEFILE = (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_named_exists(page: Path) -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_named_exists(page: Path) -> None:
    known = commands_of(typer.main.get_command(app))
    for words in re.findall(r"`codevoice ((?:[a-z]+ ?)+)", page.read_text()):
        name = words.split()
        assert tuple(name[:1]) in known, f"codevoice {words}"
        if len(name) > 1 and any(len(path) > 1 and path[0] == name[0] for path in known):
            assert tuple(name[:2]) in known, f"codevoice {words}"


def commands_of(command: object, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found = {path} if path else set()
    for name, child in getattr(command, "commands", {}).items():
        found |= commands_of(child, (*path, name))
    return found


def test_every_path_named_in_agents_md_exists() -> None:
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_.]*)`", (ROOT / "AGENTS.md").read_text())
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_no_committed_file_names_this_machine_or_a_registry() -> None:
    forbidden = re.compile(
        re.escape(str(ROOT.parent)) + r"/|/simple/|\"resolved\": \"http|index-url (?!is)"
    )
    guilty = [
        name
        for name in TRACKED
        if (ROOT / name).is_file()
        and not name.endswith((".png", ".wav", ".svg"))
        and name != "tests/unit/test_docs.py"
        and forbidden.search((ROOT / name).read_text(errors="ignore"))
    ]
    assert guilty in ([], ["scripts/check_locks.sh"])


def test_readme_shows_two_commands_and_the_first_block_is_make_run() -> None:
    blocks = re.findall(
        r"```(?:sh|bash|console)?\n(.*?)```", (ROOT / "README.md").read_text(), re.S
    )
    assert blocks[0].strip() == "make run"
    assert "make test" in blocks[1]
