"""Ports: our own step aside, configured ones are insisted on."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path

from contracts.errors import SettingError

_TRIED = 100


def settle(
    setting: str, host: str, wanted: int, *, configured: bool, until: ExitStack | None = None
) -> int:
    """The port to use: `wanted`, or the next free one when nobody asked for that very port. It is
    kept `until` that is closed: no other call gets it, though nobody may listen there just then.

    Raises SettingError when a configured port is taken, naming the owner where it can be found.
    """
    if is_free(setting, host, wanted) and _keep(wanted, until):
        return wanted
    if configured:
        owner = owner_of(wanted)
        raise SettingError(
            setting,
            f"port {wanted} is taken" + (f" by {owner}" if owner else ""),
            "End that program, or set another port",
        )
    for port in range(wanted + 1, min(wanted + _TRIED, 65536)):
        if is_free(setting, host, port) and _keep(port, until):
            return port
    raise SettingError(setting, f"no port from {wanted} on is free", "Set another port")


def _keep(port: int, until: ExitStack | None) -> bool:
    """False when another call keeps it, in whatever process of this user, or when somebody else's
    file is in the way."""
    path = Path(tempfile.gettempdir()) / f"codevoice-{os.geteuid()}-port-{port}.lock"
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    except PermissionError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    if until is None:
        file.close()
    else:
        until.enter_context(file)
    return True


def is_free(setting: str, host: str, port: int) -> bool:
    """Raises SettingError when it is not the port that is wrong."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise SettingError(
                setting, f"port {port} is reserved for root", "Set one above 1023"
            ) from None
        except socket.gaierror:
            raise SettingError("HOST", f"{host!r} is no address", "Set 127.0.0.1") from None
        except OSError as failure:
            if failure.errno == errno.EADDRNOTAVAIL:
                raise SettingError(
                    "HOST", f"{host} is not an address of this machine", "Set 127.0.0.1 or 0.0.0.0"
                ) from None
            return False
    return True


def owner_of(port: int) -> str | None:
    """`name (pid 123)` of who listens there, as far as Linux lets this user see."""
    inodes = {
        fields[9]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for fields in _rows(Path(table))
        if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port
    }
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(each.readlink()) in wanted for each in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return None


def _rows(table: Path) -> list[list[str]]:
    try:
        return [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
