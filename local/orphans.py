"""Ends a server that outlived the process which had started it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path


def end_orphan(pid_file: Path, folder: Path, stop_signal: signal.Signals) -> None:
    """Ends the process that `pid_file` names, if it really runs in `folder`; removes the file.

    A pid may have been given to a stranger since: that one is left alone. Waits up to 10 s, then
    kills.
    """
    try:
        pid = int(pid_file.read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return
    if _runs_in(pid, folder):
        os.kill(pid, stop_signal)
        if not _wait(pid, folder, 10.0):
            _kill(pid, folder)
    pid_file.unlink(missing_ok=True)


def _kill(pid: int, folder: Path) -> None:
    os.kill(pid, signal.SIGKILL)
    _wait(pid, folder, 5.0)


def _wait(pid: int, folder: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _runs_in(pid, folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _runs_in(pid: int, folder: Path) -> bool:
    """By its working folder on Linux, by its command line elsewhere."""
    proc = Path(f"/proc/{pid}")
    if Path("/proc/self").exists():
        try:
            return (proc / "cwd").resolve() == folder.resolve() and (proc / "cwd").exists()
        except OSError:
            return False
    shown = subprocess.run(  # noqa: S603 - the pid is a number
        ["/bin/ps", "-o", "command=", "-p", str(pid)], check=False, capture_output=True, text=True
    )
    return str(folder) in shown.stdout
