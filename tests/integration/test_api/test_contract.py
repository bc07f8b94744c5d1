"""The OpenAPI document is the contract: the running service is fuzzed against it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.test_api.service import Service

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 12
#: A stream does not end by itself; its own tests read it.
ENDLESS = "/events"


def fuzz(operation: Any, interview_id: str, headers: dict[str, str]) -> int:
    """How many calls were made. Raises what a check found."""
    calls = 0

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def call(case: Any) -> None:
        nonlocal calls
        calls += 1
        if "interview_id" in case.path_parameters and calls % 3:
            case.path_parameters["interview_id"] = interview_id
        case.call_and_validate(headers=headers, checks=CHECKS, timeout=30)

    call()
    return calls


async def test_whatever_is_sent_the_answer_is_one_that_the_document_names(
    service: Service,
) -> None:
    made = await service.start(question_count=5)
    desk = await service.candidate_of(made)
    await desk.type_in()
    schema = await asyncio.to_thread(
        schemathesis.openapi.from_url, f"{service.url}/api/v1/openapi.json"
    )
    headers = {"Authorization": f"Bearer {service.key}"}
    problems = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        if operation.path.endswith(ENDLESS):
            continue
        try:
            assert await asyncio.to_thread(fuzz, operation, made["id"], headers) > 0
        except Exception as found:
            problems.append(f"{operation.method} {operation.path}: {found}")
    assert problems == []


async def test_every_operation_names_its_callers_refusals_and_itself(service: Service) -> None:
    document = service.app.openapi()
    names = set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            names.add(operation["operationId"])
            assert operation["description"], path
            for status, answer in operation["responses"].items():
                if status >= "400" and path != "/readyz":
                    assert list(answer["content"]) == ["application/problem+json"], (method, path)
            if operation["security"]:
                assert "401" in operation["responses"]
    assert len(names) == sum(len(methods) for methods in document["paths"].values())
    assert not any("/i/" in path or path == "/" for path in document["paths"])


def test_the_http_edge_loads_no_speech_and_no_models() -> None:
    program = (
        "import sys, api.app\n"
        "heavy = {'pipecat', 'onnxruntime', 'tokenizers', 'typst', 'aiortc', 'av', 'soxr'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.strip() == "[]"


pytestmark = pytest.mark.timeout(300)
