"""The product runs workflows outside the SDK's sandbox; what the sandbox guards is guarded here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

import workflows
from tests.replay.test_replay import RECORDED, recorded
from worker import workflow_runner
from workflows.interview_session import InterviewSession

#: Clocks, chance, threads, files and the network: what differs between a run and its replay.
FORBIDDEN = {"time", "random", "secrets", "os", "pathlib", "tempfile", "threading", "concurrent"}
FORBIDDEN |= {"multiprocessing", "subprocess", "socket", "urllib", "http", "httpx", "logging"}
FUNCTIONS = {"uuid1", "uuid4", "open", "input", "print"}
METHODS = {"now", "utcnow", "today", "uuid1", "uuid4"}
#: Modules of the room that only its callers load: they ask the server, and no workflow has them.
CLIENTS = {"interview_client", "pollers", "standing"}
#: Every other one.
WORKFLOW = [
    path
    for path in sorted(Path(workflows.__file__ or "").parent.glob("*.py"))
    if path.stem not in {"__init__", *CLIENTS}
]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    "runner", [workflow_runner(), SandboxedWorkflowRunner()], ids=["as run", "in the sandbox"]
)
async def test_a_recorded_interview_replays(path: Path, runner: WorkflowRunner) -> None:
    replayer = Replayer(
        workflows=[InterviewSession],
        data_converter=pydantic_data_converter,
        workflow_runner=runner,
    )
    await replayer.replay_workflow(recorded(path))


@pytest.mark.parametrize("path", WORKFLOW, ids=lambda path: path.stem)
def test_the_workflow_reads_no_clock_but_temporals_and_leaves_nothing_to_chance(path: Path) -> None:
    assert list(strange(path.read_text())) == []


@pytest.mark.parametrize("path", WORKFLOW, ids=lambda path: path.stem)
def test_the_workflow_keeps_no_state_in_a_module(path: Path) -> None:
    """Without a sandbox every interview shares the modules."""
    body = ast.parse(path.read_text()).body
    kept = [node for node in body if isinstance(node, ast.Assign | ast.AnnAssign)]
    assert not [ast.unparse(node) for node in kept if makes_something_mutable(node)]


@pytest.mark.parametrize(
    "code",
    [
        "import time",
        "from random import choice",
        "datetime.now(UTC)",
        "uuid.uuid4()",
        "uuid4()",
        "open('f')",
    ],
)
def test_the_search_finds_what_a_careless_change_would_bring(code: str) -> None:
    assert len(list(strange(code))) == 1


def strange(code: str) -> Iterator[str]:
    """Forbidden imports and calls, but for `workflow.now()` and the like."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names if each.name.split(".")[0] in FORBIDDEN)
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in FORBIDDEN:
                yield module
            case ast.Call(func=ast.Attribute(value=ast.Name(id="workflow"))):
                pass
            case ast.Call(func=ast.Attribute(attr=name)) if name in METHODS:
                yield name
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                yield name


def makes_something_mutable(node: ast.Assign | ast.AnnAssign) -> bool:
    mutable = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
    makers = {"list", "dict", "set", "defaultdict", "deque", "Counter"}
    match node.value:
        case ast.Call(func=ast.Name(id=name)):
            return name in makers
        case value:
            return isinstance(value, mutable)
