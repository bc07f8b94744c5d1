"""A Temporal client that need not be connected: the service starts and stays up without Temporal.

The SDK connects a lazy client with its first call, and again with each later one until it has
succeeded. What it raises when it cannot is a plain RuntimeError; here it becomes Unavailable.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from temporalio.client import (
    Client,
    DescribeWorkflowInput,
    Interceptor,
    OutboundInterceptor,
    QueryWorkflowInput,
    StartWorkflowInput,
    StartWorkflowUpdateInput,
    WorkflowExecutionDescription,
    WorkflowHandle,
    WorkflowUpdateHandle,
)
from temporalio.contrib.pydantic import pydantic_data_converter

from contracts.errors import Unavailable

R = TypeVar("R")


async def client(address: str, namespace: str) -> Client:
    """Returns at once, whether or not Temporal answers."""
    return await Client.connect(
        address,
        namespace=namespace,
        data_converter=pydantic_data_converter,
        interceptors=[_Awaited()],
        lazy=True,
    )


class _Awaited(Interceptor):
    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _Calls(next)


class _Calls(OutboundInterceptor):
    """The calls that the service makes."""

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        return await _connected(super().start_workflow(input))

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:
        return await _connected(super().query_workflow(input))

    async def describe_workflow(self, input: DescribeWorkflowInput) -> WorkflowExecutionDescription:
        return await _connected(super().describe_workflow(input))

    async def start_workflow_update(
        self, input: StartWorkflowUpdateInput
    ) -> WorkflowUpdateHandle[Any]:
        return await _connected(super().start_workflow_update(input))


async def _connected(call: Awaitable[R]) -> R:
    try:
        return await call
    except RuntimeError:
        raise Unavailable("Temporal cannot be reached", retry_after_s=1) from None
