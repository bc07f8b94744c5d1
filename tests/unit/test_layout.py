"""The size budgets, and what the single modules import, which the dependency rule cannot see."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
SOURCES = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()
    if (ROOT / name).is_file()
]  # fmt: skip


def too_long(name: str, text: str) -> Iterator[str]:
    if (length := len(text.splitlines())) > LONGEST_FILE:
        yield f"{name}: {length} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield f"{name}:{node.lineno}: {node.name} has {length} lines"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(ROOT)))
def test_no_file_and_no_function_is_longer_than_its_budget(source: Path) -> None:
    assert list(too_long(source.name, source.read_text())) == []


def test_what_is_too_long_is_found() -> None:
    just_fits = "async def f():\n" + "    pass\n" * (LONGEST_FUNCTION - 1)
    assert list(too_long("a", just_fits)) == []
    assert list(too_long("a", just_fits + "    pass\n")) == ["a:1: f has 61 lines"]
    assert list(too_long("a", "\n" * (LONGEST_FILE + 1))) == ["a: 401 lines"]


@pytest.mark.parametrize(
    ("module", "known"),
    [
        ("settings", {"contracts", "data_folder", "setting_values"}),
        ("connections", {"contracts", "db", "settings"}),
    ],
)
def test_a_shared_module_imports_nothing_of_ours_but(module: str, known: set[str]) -> None:
    assert imported(module) <= known


def test_the_worker_knows_neither_the_edges_of_http_nor_this_machine() -> None:
    assert imported("worker").isdisjoint({"api", "web", "cli", "local", "bench"})


def imported(module: str) -> set[str]:
    """The packages and modules of ours that it imports, anywhere in it."""
    ours = {source.relative_to(ROOT).parts[0].removesuffix(".py") for source in SOURCES}
    found = set()
    for node in ast.walk(ast.parse((ROOT / f"{module}.py").read_text())):
        if isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {each.name.split(".")[0] for each in node.names}
    return found & ours
