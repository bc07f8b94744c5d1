"""Whom PostgreSQL runs as: it refuses root, so root lends it a system user."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.errors import SettingError

_NAME = "codevoice"


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int

    def identity(self) -> dict[str, Any]:
        """What `subprocess` takes to run as it."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_account() -> Account | None:
    """None unless this process is root: then `codevoice`, made if need be, else one that exists."""
    if os.geteuid() != 0:
        return None
    for name in (_NAME, "postgres", "nobody"):
        found = _account(name) or (_made() if name == _NAME else None)
        if found is not None:
            return found
    raise SettingError(
        "DATA_DIR",
        "PostgreSQL does not run as root and no system user could be made",
        f"Run as another user, or make one with: useradd --system {_NAME}",
    )


def give(path: Path, account: Account | None) -> None:
    """Makes the folder the account's own, closed to everybody else."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(0o700)
    if account is not None:
        os.chown(path, account.uid, account.gid)


def may_enter(path: Path, account: Account | None) -> bool:
    """Tried, not computed: folders above it, ACLs and mounts all have a say."""
    tried = run_as(account, ["/bin/sh", "-c", 'cd "$1"', "sh", str(path)])
    return tried.returncode == 0


def run_as(account: Account | None, argv: list[str]) -> subprocess.CompletedProcess[str]:
    """Runs a short command, at most 60 s, from the root folder: ours may be closed to it."""
    identity = account.identity() if account else {}
    return subprocess.run(  # noqa: S603 - argv is made here, from the wheel's own paths
        argv, check=False, capture_output=True, text=True, timeout=60, cwd="/", **identity
    )


def _account(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name, entry.pw_uid, entry.pw_gid)


def _made() -> Account | None:
    useradd = shutil.which("useradd", path=os.defpath + ":/usr/sbin:/sbin")
    if useradd is None:
        return None
    run_as(None, [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _NAME])
    return _account(_NAME)
