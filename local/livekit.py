"""LiveKit's server on loopback, for one machine and the tests; `scripts/livekit.sh` builds it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from contracts.errors import SettingError
from local.processes import ChildPlan

VERSION: Final = "v1.13.5"
KEY: Final = "codevoice"


def livekit_program() -> Path:
    """The one built here, else the one on the PATH. Raises SettingError that names the remedy."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    built = cache / "codevoice" / f"livekit-server-{VERSION}"
    found = built if built.exists() else shutil.which("livekit-server")
    if found is None:
        raise SettingError(
            "TRANSPORT",
            "LiveKit's server is not here",
            "Run scripts/livekit.sh, which needs Go, or set LIVEKIT_URL to one that runs",
        )
    return Path(found)


def free_ports() -> tuple[int, int]:
    """One for TCP and one for UDP, free on loopback now."""
    with ExitStack() as stack:
        ports = []
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            probe = stack.enter_context(socket.socket(socket.AF_INET, kind))
            probe.bind(("127.0.0.1", 0))
            ports.append(int(probe.getsockname()[1]))
    return ports[0], ports[1]


@dataclass(frozen=True)
class LiveKitServer:
    """A single node that listens on loopback alone and keeps its rooms in memory.

    Rooms are made by us alone: a token cannot bring back one that was closed. `webhooks` are told
    what happens in them.
    """

    folder: Path
    port: int
    media_port: int
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    webhooks: Sequence[str] = ()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def plan(self, log: Path) -> ChildPlan:
        """It ends by SIGKILL: after SIGTERM it would wait for the last participant to leave."""
        return ChildPlan(
            name="LiveKit",
            argv=[str(livekit_program()), "--config", str(self._config)],
            log=log,
            folder=self.folder,
            before=self._configure,
            ready=self._answers,
            stop_signal=signal.SIGKILL,
        )

    @property
    def _config(self) -> Path:
        return self.folder / "livekit.json"

    def _configure(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._config.touch(mode=0o600)
        self._config.write_text(json.dumps(self._settings()))  # JSON is YAML

    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "port": self.port,
            "bind_addresses": ["127.0.0.1"],
            "keys": {KEY: self.secret},
            "rtc": {
                "node_ip": "127.0.0.1",
                "use_external_ip": False,
                "enable_loopback_candidate": True,
                "interfaces": {"includes": ["lo"]},
                "udp_port": self.media_port,
                "tcp_port": 0,  # it could not be bound to one address
                # Without one here clients are told to ask a public server. Nobody listens on it.
                "stun_servers": ["127.0.0.1:3478"],
            },
            "room": {"auto_create": False},
            # What it says of a refused token contains the token.
            "logging": {"level": "error", "pion_level": "error"},
        }
        if self.webhooks:
            settings["webhook"] = {"api_key": KEY, "urls": list(self.webhooks)}
        return settings

    async def _answers(self) -> bool:
        with suppress(httpx.TransportError):
            async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
                return (await http.get(f"http://127.0.0.1:{self.port}/")).is_success
        return False
